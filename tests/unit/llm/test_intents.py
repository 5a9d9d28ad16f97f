"""Questions that need no language model, over a run of five models on two kinds of GPU."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.llm.ask import Asker
from modelcar_tui.supervisor.llm.intents import suggestions, understand
from modelcar_tui.supervisor.llm.question import WhatIf
from modelcar_tui.supervisor.llm.tools import what_if
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.supervisor.supervisor import Supervisor
from modelcar_tui.tui.replay import ReplayPort

G, L = "granite-3.1-8b-instruct", "llama-3.3-70b-instruct"
SAMPLE = Path(__file__).parents[3] / "config-yaml" / "sample_modelcar_config.base.yaml"
AGENT = Path(sys.executable).parent / "agent"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, registry: Any) -> Supervisor:
    """A finished run: llama is NO-GO on the L40S, granite is GO there and not on the T4."""
    folder = tmp_path_factory.mktemp("run")
    supervisor = Supervisor(
        str(SAMPLE),
        gpus=("NVIDIA-L40S:2", "NVIDIA-T4:1@2"),
        qa=False,
        approve="show",
        llm=False,
        vllm_version="0.11.2",
        state_dir=str(folder),
        registries_conf=str(registry.registries_conf_path),
    )

    async def go() -> None:
        async for _ in supervisor.run():
            pass

    asyncio.run(go())
    return supervisor


def ask(run: Supervisor, question: str | WhatIf) -> e.QuestionAnswered:
    return asyncio.run(Asker(run.state, vllm="0.11.2").answer(question))


def test_why_on_a_gpu_is_answered_by_the_estimate_for_that_gpu(run: Supervisor) -> None:
    answer = ask(run, "why NO-GO on L40S?")
    assert answer.text.startswith(f"NO-GO {L} on L40S: ")
    assert "the weights need 131.45 GiB and L40S has 44.42 GiB" in answer.text
    assert G not in answer.text
    assert f"what-if-1/verdict/{L}" in answer.facts
    found = what_if(run.state, WhatIf(model=L, gpu="L40S"), vllm="0.11.2")
    assert "\n".join(found.lines()) == answer.text


def test_halving_the_context_runs_every_model_again_with_half_of_its_own(run: Supervisor) -> None:
    answer = ask(run, "what if I halve the context?")
    for name, length in ((G, 1024), (L, 4096), ("llama-3.1-8b-instruct-quantized.w4a16", 65536)):
        assert f"{name} with --max-model-len={length}: " in answer.text
    one = ask(run, f"what if I halve the context of {L}?")
    assert one.text.startswith(f"NO-GO {L} with --max-model-len=4096") and G not in one.text


def test_which_gpu_tells_every_kind_of_the_run_and_what_would_do(run: Supervisor) -> None:
    answer = ask(run, "which GPU would do?")
    assert f"{G}:\n  GO on L40S 45 GiB" in answer.text
    assert "  NO-GO on Tesla-T4 15 GiB: the weights need 15.25 GiB and Tesla-T4 has 14.56 GiB" in answer.text
    assert "What would: 4 x L40S on one node; " in ask(run, f"which GPU would do for {L}?").text


@pytest.mark.parametrize(
    ("question", "begins"),
    [
        ("why is granite GO?", f"GO {G}: model 18 GiB vs GPU 45 GiB (L40S)"),
        ("why UNKNOWN?", "no model is UNKNOWN"),
        ("does granite fit on a T4?", f"NO-GO {G} on Tesla-T4"),
        (
            "what if granite had 32k tokens of context on a T4?",
            f"NO-GO {G} with --max-model-len=32768 on Tesla-T4",
        ),
        ("would granite run with --gpu-memory-utilization 0.5", f"GO {G} with --gpu-memory-utilization=0.5"),
        ("what if granite served 64 requests?", f"GO {G} with --max-num-seqs=64"),
        (f"does {L} fit on 4 H200s?", f"NO-GO {L} on H200:4"),
        (f"what if {L} ran with 4 GPUs on 4 x H200", f"GO {L} with"),
    ],
)
def test_other_questions_in_words(run: Supervisor, question: str, begins: str) -> None:
    answer = ask(run, question)
    assert answer.text.startswith(begins), (answer.text, answer.why)
    assert answer.facts and answer.by == "tools"


def test_a_gpu_that_may_be_several_is_asked_back(run: Supervisor) -> None:
    answer = ask(run, f"would 8 H100 do for {L}?")
    assert answer.text == "" and "one of 3 cards: H100-80GB-HBM3" in answer.why


def test_what_is_offered_is_understood(run: Supervisor) -> None:
    offered = suggestions(run.state)
    assert [understand(question, run.state).kind for question in offered] == ["why", "which", "what-if"]
    assert all(understand(question, run.state).models == (L,) for question in offered)
    assert suggestions(RunState()) == ()


@pytest.mark.parametrize(
    ("value", "length"),
    [("half", 1024), ("double", 4096), ("/4", 512), ("x4", 8192), ("4k", 4096), ("3000", 3000)],
)
def test_values_against_what_the_model_has(run: Supervisor, value: str, length: int) -> None:
    found = what_if(run.state, WhatIf(model=G, arguments={"--max-model-len": value}), vllm="0.11.2")
    assert found.asked == f" with --max-model-len={length}"


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_question_raises(run: Supervisor, question: str) -> None:
    understand(question, run.state)
    understand(f"why {question} {L} on L40S with {question} tokens", run.state)


@pytest.mark.parametrize(
    "question", ["why NO-GO on L40S?", "what if I halve the context?", "which GPU would do?"]
)
def test_the_command_line_answers_without_a_model(run: Supervisor, question: str) -> None:
    done = subprocess.run(
        [AGENT, "ask", str(run.folder), question, "--no-llm"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ask(run, question).text + "\n"
    assert done.stderr.startswith("from: ")


def test_a_replay_answers_too_and_writes_nothing(run: Supervisor) -> None:
    journal = run.folder / "journal.jsonl"
    before = journal.read_bytes()
    port = ReplayPort(run.folder, speed=0)
    port.start(lambda: None)
    events = port.drain()
    identifier = port.ask("why NO-GO on L40S?")
    deadline = time.monotonic() + 30
    while not (late := port.drain()) and time.monotonic() < deadline:
        time.sleep(0.01)
    [stamped] = late
    assert stamped.event.id == identifier and stamped.seq == events[-1].seq
    assert stamped.event.text == ask(run, "why NO-GO on L40S?").text
    assert journal.read_bytes() == before
