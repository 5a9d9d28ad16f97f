"""The smallest repairs, and what the QA suite's JSON looks like after them."""

from __future__ import annotations

import pytest
from compatibility_support import H100, LLAMA, T4, car, facts

from modelcar_tui.advice.repairs.proposals import optimized_json, propose
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.manifest.plan import Change, Operation
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.vllm.arguments.parsing import parse_arguments


def after(
    *args: str, gpus: int = 1, explicit: bool = True, gpu=H100, estimate=None, vllm="0.19.1"
) -> dict[str, object]:
    item = car(*args, gpus=gpus, explicit=explicit)
    changes = propose(item, facts(LLAMA), gpu, estimate=estimate, vllm=vllm)
    return optimized_json(item, changes)["serving_arguments"]


def change(*args: str, **options) -> Change:
    item = car(*args, **options)
    (only,) = propose(item, facts(LLAMA), H100, vllm="0.19.1")
    return only


def test_arguments_that_are_right_stay_as_they_are() -> None:
    item = car("--max-model-len=8192", "--tensor-parallel-size=2", "--uvicorn-log-level=info", gpus=2)
    assert propose(item, facts(LLAMA), H100, vllm="0.19.1") == ()


@pytest.mark.parametrize(
    ("args", "vllm", "expected"),
    [
        (["--disable-log-requests"], "0.19.1", []),
        (["--disable-log-requests"], "0.11.2", ["--disable-log-requests"]),
        (["--swap-space", "4", "--seed=1"], "0.19.1", ["--seed=1"]),
        (
            ["--guided-decoding-backend=xgrammar"],
            "0.19.1",
            ['--structured-outputs-config={"backend": "xgrammar"}'],
        ),
        (["--task", "embed"], "0.13.0", ["--runner=pooling"]),
        (["--worker-use-ray"], "0.19.1", []),
        (["--gpu-memory-utilisation=0.9"], "0.19.1", ["--gpu-memory-utilization=0.9"]),
        (["--no-such-flag", "x"], "0.19.1", []),
        (["--max-model-len 4096"], "0.19.1", ["--max-model-len=4096"]),
        (["--max-model-len", "4096"], "0.19.1", ["--max-model-len=4096"]),
        (["--seed=1", "--seed=2"], "0.19.1", ["--seed=2"]),
        (["--distributed-executor-backend=mp"], "0.19.1", []),
        (["--trust-remote-code"], "0.19.1", []),
    ],
)
def test_each_repair(args: list[str], vllm: str, expected: list[str]) -> None:
    assert after(*args, vllm=vllm)["args"] == expected


def test_remote_code_stays_where_the_architecture_may_need_it() -> None:
    own_code = LLAMA | {"auto_map": {"AutoConfig": "x.Y"}}
    for config in (own_code, LLAMA | {"architectures": ["NemotronHForCausalLM"]}, None):
        assert propose(car("--trust-remote-code"), facts(config), H100, vllm="0.19.1") == ()


@pytest.mark.parametrize(
    ("args", "gpus", "explicit", "expected"),
    [
        (["--tensor-parallel-size=2"], 1, False, (2, ["--tensor-parallel-size=2"])),
        (["--tensor-parallel-size=2"], 1, True, (1, ["--tensor-parallel-size=1"])),
        (["--tensor-parallel-size=2"], 4, True, (4, ["--tensor-parallel-size=4"])),
        (["-tp", "2"], 2, True, (2, ["--tensor-parallel-size=2"])),
        (["--tensor_parallel_size=2"], 2, True, (2, ["--tensor-parallel-size=2"])),
        ([], 2, True, (2, ["--tensor-parallel-size=2"])),
        (["--pipeline-parallel-size=2"], 2, True, (2, ["--tensor-parallel-size=2"])),
        (["--tensor-parallel-size=16"], 1, False, (1, ["--tensor-parallel-size=1"])),
    ],
)
def test_gpu_count_and_tensor_parallel_size_agree_afterwards(args, gpus, explicit, expected) -> None:
    result = after(*args, gpus=gpus, explicit=explicit)
    assert (result["gpu_count"], result["args"]) == expected


def test_a_gpu_that_has_no_fp8_gets_a_16_bit_cache_and_no_bfloat16() -> None:
    assert after("--kv-cache-dtype=fp8", "--dtype=bfloat16", gpu=T4)["args"] == ["--dtype=half"]
    assert after("--kv-cache-dtype=fp8", gpu=H100)["args"] == ["--kv-cache-dtype=fp8"]


def test_a_context_beyond_the_positions_is_cut_to_them() -> None:
    assert after("--max-model-len=200k")["args"] == ["--max-model-len=131072"]
    assert after("--max-model-len=auto")["args"] == ["--max-model-len=auto"]


def test_a_context_beyond_the_memory_is_cut_to_what_fits_and_says_so() -> None:
    room = Fact(value=21_333, source=Source.COMPUTED, unit="tokens")
    refused = Estimate(outcome=Outcome.REFUSED_KV, why="", longest_context=room)
    item = car("--max-model-len=32768")
    (only,) = propose(item, facts(LLAMA), H100, estimate=refused, vllm="0.19.1")
    assert (only.new, only.severity) == ("--max-model-len=20480", "required")
    assert "32,768" in only.reason and "20,480" in only.reason
    assert after(estimate=refused)["args"] == ["--max-model-len=20480"]


def test_an_implied_context_is_written_down_when_it_starts() -> None:
    starts = Estimate(outcome=Outcome.STARTS, why="")
    assert after(estimate=starts)["args"] == ["--max-model-len=131072"]


def test_a_change_names_what_the_manifest_says_and_has_a_stable_id() -> None:
    only = change("--swap-space", "4")
    assert (only.id, only.operation, only.old, only.new) == (
        "model/--swap-space",
        Operation.REMOVE,
        "--swap-space 4",
        None,
    )


def test_remote_code_is_never_proposed() -> None:
    for config in (None, LLAMA | {"auto_map": {"AutoConfig": "x.Y"}}):
        for item in (car(), car("--seed=1", gpus=2)):
            changes = propose(item, facts(config), H100, vllm="0.19.1")
            assert not any("trust-remote-code" in (found.new or "") for found in changes)


def test_a_second_round_finds_nothing_more_to_do() -> None:
    args = ("-tp", "2", "--swap-space", "4", "--max_model_len", "9999999", "--trust-remote-code", "--port=1")
    result = after(*args, gpus=2)
    again = after(*result["args"], gpus=result["gpu_count"])
    assert again == result
    assert all(argument.flag for argument in parse_arguments(tuple(result["args"]), "0.19.1"))
