"""`agent ask` at its edges: a question without words, a journal that is damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelcar_tui import agent, api
from modelcar_tui.supervisor import Settings
from modelcar_tui.supervisor import events as e
from pilot.states import STATES
from support.reporting import stamped

ID = "20261009-080000-abcdef"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state" / "runs" / ID
    folder.mkdir(parents=True)
    first, *rest = STATES["waiting"][0](folder)
    assert isinstance(first, e.RunStarted)
    events = stamped([msgspec.structs.replace(first, run_id=ID, folder=str(folder)), *rest])
    (folder / "journal.jsonl").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in events))
    return tmp_path / "state"


def ask(state: Path, *words: str) -> int:
    return agent.main(["ask", ID, *words, "--no-llm", "--state-dir", str(state)])


def journal(state: Path) -> bytes:
    return (state / "runs" / ID / "journal.jsonl").read_bytes()


@pytest.mark.parametrize("question", ["", "  \t"])
def test_a_question_without_words_is_none(
    question: str, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = journal(state)
    assert ask(state, question) == 2
    out, err = capsys.readouterr()
    assert out == "" and "ask needs a QUESTION" in err
    assert journal(state) == before


def test_what_is_sent_is_shown_in_no_other_form(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(state, "why?", "--show-facts", "--format", "json") == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("--format json: --show-facts prints what is sent as it is")
    assert ask(state, "why?", "--show-facts") == 0
    assert capsys.readouterr().out.startswith("--- system ---")


def test_an_answer_is_kept_behind_damage_which_stays_as_it_is(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (state / "runs" / ID / "journal.jsonl").open("ab") as file:
        file.write(b"no event\n")
    (state / "runs" / ID / "settings.json").write_bytes(msgspec.json.encode(Settings(manifest="x.yaml")))
    before = journal(state)
    assert ask(state, "why is it NO-GO?") == 0
    out, err = capsys.readouterr()
    assert "NO-GO" in out
    assert err.count("note: the journal can't be read at line ") == 1 and "not kept" not in err
    after = journal(state)
    assert after[: len(before)] == before and len(after) > len(before)
    (answer,) = api.load_run(ID, state_dir=state).answers
    assert answer.question == "why is it NO-GO?"


def test_a_failure_of_the_model_and_its_cost_are_said_once(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    why = "no answer of the language model: the service can't be reached"

    async def fails(*_: Any, say: Callable[[e.AnyEvent], object], **__: Any) -> e.QuestionAnswered:
        say(e.LanguageModelJoined(model="openai:m", host="vllm.example", shares=("names of nobody",)))
        for _attempt in range(2):
            say(e.LanguageModelUsed(failed=1, seconds=0.5, problem="the service can't be reached"))
        return e.QuestionAnswered(id="1", question="why?", text="It is so.", why=why, calls=2, seconds=1.0)

    monkeypatch.setattr("modelcar_tui.commands.ask.answer_question", fails)
    assert ask(state, "why?") == 0
    out, err = capsys.readouterr()
    assert out == "It is so.\n"
    asking, note, *rest = err.splitlines()
    assert asking == "asking openai:m at vllm.example; it is given: names of nobody"
    assert note == f"note: {why} (2 calls, 0 tokens, 1.0 s)"
    assert not [line for line in rest if "reached" in line or "token" in line]
