"""What is said of runs of other kinds: after a write, of images that nobody could read, of odd names."""

from __future__ import annotations

import time

import msgspec

from modelcar_tui.cluster import parse_gpu_flags
from modelcar_tui.supervisor.answers import Rules, run_facts
from modelcar_tui.supervisor.state import RunState
from support.scenarios import VLLM, L, finished


def ask(scenario: str, question: str) -> list[str]:
    return Rules(finished(scenario), vllm=VLLM).answer(question)[0]


def test_after_a_write_facts_are_of_the_manifest_that_was_written() -> None:
    told = {fact.id: fact for fact in run_facts(finished("written-l40s"))}
    assert told[f"model/{L}/gpu_count"].value == 4
    assert told[f"model/{L}/copies"].value == 1
    assert told[f"model/{L}/--tensor-parallel-size"].value == 4
    assert told["gpus/asked"].value == told["gpus/asked"].more["planned"] == 8
    assert ask("written-l40s", "what is the gpu_count of the 70b?")[-1].startswith(
        (f"The generated manifest gives {L} 4 GPUs", f"Written for {L}")
    )


def test_after_a_write_no_change_is_called_a_proposal() -> None:
    told = ask("written-l40s", "show plan")
    assert told[1] == "8 changes were proposed, 2 of them required; 8 were written."
    assert not [line for line in told if line.startswith("Proposed")]
    assert not [line for line in ask("written-l40s", "what should I do?") if "required" in line]


def test_a_guess_has_its_bounds_and_no_kv_cache_that_nobody_counted() -> None:
    told = ask("unread-l40s", "how much memory does the 70b need?")
    need = next(line for line in told if line.startswith(f"{L} needs"))
    assert "(a guess, " in need and " by a rough sum from its weights alone" in need
    assert "KV cache" not in need


def test_what_may_fit_is_not_said_to_be_refused() -> None:
    told = ask("unread-l40s", "which GPU would do for mistral-small-24b-instruct-fp8?")
    assert any("is known to serve" in line for line in told), told


def test_a_next_step_does_not_repeat_the_reason() -> None:
    told = ask("unread-l40s", "why is the 70b NO-GO?")
    assert sum("even the least of it" in line for line in told) == 1, told


def many(models: int, nodes: int) -> RunState:
    """A run of many models on many nodes, made of a small one."""
    state, replace = finished("single-l40s"), msgspec.structs.replace
    assert state.decision is not None and state.cluster is not None
    model, verdict = state.models[0], state.decision.models[0]
    names = [f"granite-{number}" for number in range(models)]
    return replace(
        state,
        models=tuple(replace(model, car=replace(model.car, name=name)) for name in names),
        decision=replace(state.decision, models=tuple(replace(verdict, model=name) for name in names)),
        cluster=replace(state.cluster, inventory=parse_gpu_flags((f"NVIDIA-L40S:4@{nodes}",))),
    )


def test_a_hundred_models_on_five_thousand_nodes_take_no_second() -> None:
    state = many(100, 5000)
    began = time.process_time()
    told = Rules(state, vllm=VLLM).answer("how many replicas of granite-7 can I run?")[0]
    assert time.process_time() - began < 1.0
    assert "take 20,000 copies of it" in told[1]


def test_a_long_manifest_is_not_told_in_part_without_a_word() -> None:
    told = Rules(many(40, 12), vllm=VLLM).answer("how much VRAM is needed?")[0]
    assert told[0] == "Told of 8 of 40 models; name the one that you mean:"
    nodes = Rules(many(1, 12), vllm=VLLM).answer("which nodes are there?")[0]
    assert nodes[:2] == ["Usable GPUs are on 12 nodes.", "The first 8 nodes with GPUs:"]
