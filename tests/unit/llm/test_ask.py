"""Questions about a run: the tools answer, a model may word it, and only what the tools said is shown."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from modelcar_tui.commands.ask import run_ask
from modelcar_tui.commands.replay import load_run
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.report.text import plain
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.answers import WhatIf, what_if
from modelcar_tui.supervisor.engine import Engine
from modelcar_tui.supervisor.journal import read_journal
from modelcar_tui.supervisor.llm.start import answer_question
from modelcar_tui.supervisor.runs import RunFolder
from modelcar_tui.supervisor.settings import Approve, Settings
from modelcar_tui.supervisor.state import fold
from modelcar_tui.tui.replay import ReplayPort
from modelcar_tui.verdict.reports import Verdict
from support.llm_server import LlmServer
from support.played import Choose, Seen, answer, played, say, tried

Go = Callable[..., Any]
NAME = "granite-3.1-8b-instruct"
AGENT = Path(sys.executable).parent / "agent"


def halve(seen: Seen) -> str:
    """Asks for the what-if, then says what it gave."""
    if not seen.turn:
        return tried(model="model-1", max_model_len=4096)
    return answer(say(*seen.ids("verdict", of_what_if="what-if-1")))


async def asked(
    go: Go, choose: Choose, question: str, *, scenario: str = "ok", dialect: str = "gemini"
) -> e.QuestionAnswered:
    """The answer to a question about a finished run, from a model that chooses so."""
    supervisor, _ = await go(None)
    with LlmServer(played(choose), dialect=dialect) as server:
        options = {"model": f"{dialect}:{scenario}", "model_url": server.url, "llm": True}
        supervisor.settings = msgspec.structs.replace(supervisor.settings, **options)
        return await supervisor.ask(question)


@pytest.mark.parametrize("dialect", ["gemini", "openai"])
async def test_a_what_if_runs_the_real_solver_and_is_told_by_its_ids(go: Go, dialect: str) -> None:
    found = await asked(go, halve, "what if I halve the context?", dialect=dialect)
    assert found.by == "model", found.why
    assert found.facts == ("what-if-1/verdict",) and found.calls == 2
    assert found.text.startswith(f"With --max-model-len=4096 {NAME} would be GO (this run, as it is: GO)")


async def test_what_ifs_and_an_answer_at_once_are_worked_out_then_answered(go: Go) -> None:
    def both(seen: Seen) -> str:
        asked = json.loads(tried(model="model-1", max_model_len=4096))["what_if"]
        return answer(say(*seen.ids("verdict")), what_if=asked)

    found = await asked(go, both, "what if I halve the context?")
    assert (found.by, found.calls) == ("model", 2), found.why
    assert "what-if-1/verdict" in found.facts


async def test_another_host_under_the_same_name_is_told_before_it_is_asked(go: Go) -> None:
    with LlmServer(played(halve)) as first, LlmServer(played(halve)) as second:
        supervisor, _ = await go(first)
        elsewhere = msgspec.structs.replace(supervisor.settings, model_url=second.url)
        hosts: list[str] = []

        def heard(event: e.AnyEvent) -> None:
            if isinstance(event, e.LanguageModelJoined):
                hosts.append(event.host)
                assert second.requests == []

        for settings in (supervisor.settings, elsewhere):
            await answer_question(settings, supervisor.state, "why?", redact=Redactor(), say=heard)
        assert hosts == [second.url.removeprefix("http://")] and second.requests


@pytest.mark.parametrize("scenario", ["503", "bad-key", "malformed", "max-tokens", "cut", "html-502"])
async def test_a_failing_model_leaves_the_rules(go: Go, scenario: str) -> None:
    found = await asked(go, halve, "why GO?", scenario=scenario)
    assert found.by == "tools"
    assert found.text.startswith(f"{NAME} is GO: 15.53 GiB of the 39.98 GiB")
    assert found.facts == (f"model/{NAME}/verdict",)
    assert found.why.startswith("no answer of the language model")


async def test_without_a_model_the_form_and_the_facts_answer(go: Go) -> None:
    supervisor, _ = await go(None)
    found = await supervisor.ask("what about the GPUs?")
    assert "2 x L40S, 45 GiB each" in found.text
    form = await supervisor.ask(
        WhatIf(model="granite", arguments={"--max-model-len": "4096"}, gpu="NVIDIA-T4:1")
    )
    assert form.text.startswith(f"With --max-model-len=4096 on 1 x NVIDIA-T4 {NAME} would be NO-GO")
    assert (await supervisor.ask(WhatIf(model="nobody"))).why.startswith("model: the run has no model")


async def test_the_what_if_agrees_with_a_run_of_those_arguments(go: Go) -> None:
    supervisor, _ = await go(None)
    text = Path(supervisor.state.path).read_text().replace("8192", "131072").replace("L40S", "T4")
    other, _ = await go(None, text=text, gpus=("NVIDIA-A10G:1",))
    asked = WhatIf(model=NAME, arguments={"--max-model-len": "131072"}, gpu="NVIDIA-A10G:1")
    found = what_if(supervisor.state, asked, vllm="0.11.2")
    real = other.state.decision.models[0]
    assert (found.verdict.verdict, found.verdict.why) == (real.verdict, real.why)
    assert found.verdict.verdict is Verdict.NO_GO
    required = {c.flag: c.new for c in other.state.decision.plan.changes if c.severity == "required"}
    assert {c.flag: c.new for c in found.proposal.changes if c.severity == "required"} == required


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--max-model-len", "0"),
        ("--max-model-len", "8e3"),
        ("--max-model-len", "-1"),
        ("--trust-remote-code", ""),
        ("--gpu-memory-utilization", "1.5"),
        ("--kv-cache-dtype", "x; y"),
        ("--tensor-parallel-size", "65"),
        ("--max-num-seqs", "9" * 30),
    ],
)
async def test_bad_values_are_refused_in_one_line(go: Go, flag: str, value: str) -> None:
    supervisor, _ = await go(None)
    with pytest.raises(UserError, match=flag):
        what_if(supervisor.state, WhatIf(model=NAME, arguments={flag: value}))


async def test_the_command_line_asks_a_finished_run(go: Go) -> None:
    supervisor, _ = await go(None)
    folder = str(supervisor.folder)
    form = ("--what-if", f"model={NAME}", "--max-model-len=4096", "--gpu", "NVIDIA-T4:1", "--format", "json")
    done = subprocess.run([AGENT, "ask", folder, *form], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{NAME} would be NO-GO" in json.loads(done.stdout)["text"]
    done = subprocess.run([AGENT, "ask", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("given", "said"), [("gemini:m", True), (None, False)])
async def test_a_model_that_the_run_s_own_word_silences_is_said_to_be(
    go: Go, capsys: pytest.CaptureFixture[str], given: str | None, said: bool
) -> None:
    supervisor, _ = await go(None)
    settings = msgspec.structs.replace(supervisor.settings, llm=False)
    with patch("modelcar_tui.commands.ask.settings_of_run", lambda folder: settings):
        fields = {"model": given} if given else {}
        status = await asyncio.to_thread(run_ask, supervisor.folder, "how many GPUs are free?", fields)
    told = capsys.readouterr()
    assert status == 0 and "GPUs free" in told.out
    assert ("made with --no-llm; --llm lets one be asked" in told.err) is said


async def test_the_engine_answers_during_the_approval_and_after_the_end(
    go: Go, tmp_path: Path, registry: Any
) -> None:
    await go(None)  # writes the manifest
    text = (
        (tmp_path / "m.base.yaml").read_text().replace('"--max-model-len=8192"', '"--max-model-len=999999"')
    )
    (tmp_path / "m.base.yaml").write_text(text)
    settings = Settings(
        manifest=str(tmp_path / "m.base.yaml"),
        gpus=("NVIDIA-L40S:2",),
        qa=False,
        approve=Approve.ASK,
        state_dir=str(tmp_path / "state"),
        registries_conf=str(registry.registries_conf_path),
    )
    engine = Engine(settings)
    engine.start()
    seen = until(engine, e.ApprovalRequested)
    asked_id = engine.ask("why?")
    seen = until(engine, e.QuestionAnswered)
    assert seen[-1].id == asked_id and seen[-1].text
    engine.cancel()
    assert engine.join(20)
    late = engine.ask(WhatIf(model=NAME))
    assert until(engine, e.QuestionAnswered)[-1].id == late


async def test_a_stalled_model_holds_up_neither_the_run_nor_the_form(
    go: Go, tmp_path: Path, registry: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question in words waits for the model; the run ends and a what-if is answered beside it."""
    await go(None)  # writes the manifest
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-0123456789")
    with LlmServer(lambda asked: "never said", dialect="openai") as server:
        settings = Settings(
            manifest=str(tmp_path / "m.base.yaml"),
            gpus=("NVIDIA-L40S:2",),
            qa=False,
            approve=Approve.NONE,
            state_dir=str(tmp_path / "state"),
            registries_conf=str(registry.registries_conf_path),
            model="openai:stall-before",
            model_url=server.url,
        )
        engine = Engine(settings)
        engine.start()
        until(engine, e.DecisionMade)
        words = engine.ask("why?")
        form = engine.ask(WhatIf(model=NAME, arguments={"--max-model-len": "half"}))
        [first] = [
            event for event in until(engine, e.QuestionAnswered) if isinstance(event, e.QuestionAnswered)
        ]
        assert first.id == form and f"{NAME} would be GO" in first.text
        assert engine.join(30), "the run ends though the model says nothing"
        assert first.id != words


def until(engine: Engine, kind: type[e.Event]) -> list[Any]:
    """Events up to the first of a kind."""
    seen: list[Any] = []
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for stamped in engine.drain():
            seen.append(stamped.event)
            if isinstance(stamped.event, kind):
                return seen
        time.sleep(0.01)
    raise AssertionError([type(event).__name__ for event in seen])


async def test_an_answer_after_the_end_is_journalled_with_its_cost_and_replayed(go: Go) -> None:
    supervisor, _ = await go(None)
    journal = supervisor.folder / "journal.jsonl"
    before = journal.read_bytes()
    with LlmServer(played(halve)) as server:
        settings = {"model": "gemini:ok", "model_url": server.url}
        supervisor.settings = msgspec.structs.replace(supervisor.settings, **settings)
        answer = await supervisor.ask("what if I halve the context?", identifier="late")
        supervisor.tell(answer)
    assert journal.read_bytes().startswith(before), "what was there is not touched"
    told = list(read_journal(journal))
    assert [stamped.seq for stamped in told] == sorted({stamped.seq for stamped in told})
    assert any(isinstance(stamped.event, e.RunFinished) for stamped in told[:-1])
    state = fold(told)
    assert state.answers == (answer,)
    assert (answer.calls, answer.tokens) == (2, 94)
    assert (state.llm.calls, state.llm.input_tokens, state.llm.shares != ()) == (2, 80, True)
    assert answer.cost in plain(state) and "--max-model-len=4096" in plain(state)
    port = ReplayPort(journal, speed=0)
    port.start(lambda: None)
    assert fold(port.drain()).answers == (answer,)


async def test_what_the_command_line_answers_is_kept_unless_the_run_is_open_elsewhere(go: Go) -> None:
    supervisor, _ = await go(None)
    folder = supervisor.folder
    command = [AGENT, "ask", str(folder), "what about the GPUs?", "--no-llm"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "not kept" not in done.stderr
    [kept] = load_run(folder).answers
    assert kept.question == "what about the GPUs?" and kept.text == done.stdout.rstrip("\n")
    held = RunFolder.open(folder)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    held.release()
    assert "not kept in the journal" in done.stderr and "another terminal" in done.stderr
    assert done.stdout.rstrip("\n") == kept.text
    assert load_run(folder).answers == (kept,)
    assert load_run(folder).finish == supervisor.state.finish


async def test_many_questions_at_once_are_all_kept(go: Go) -> None:
    supervisor, _ = await go(None)
    answers = [e.QuestionAnswered(id=f"q{number}", question="?", text=str(number)) for number in range(8)]
    threads = [threading.Thread(target=supervisor.tell, args=(answer,)) for answer in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.id for answer in load_run(supervisor.folder).answers) == [a.id for a in answers]
