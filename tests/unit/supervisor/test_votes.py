"""A specialist of another package lowers the verdict with its reason, and never raises it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelcar_tui.report.data import envelope
from modelcar_tui.report.text import plain
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.answers import run_facts
from modelcar_tui.supervisor.journal import read_journal
from modelcar_tui.supervisor.outcome import outcome_of
from modelcar_tui.supervisor.runs import JOURNAL
from modelcar_tui.supervisor.specialist import Context
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.supervisor.supervisor import Supervisor
from modelcar_tui.verdict.reports import Verdict

sys.path.insert(0, str(Path(__file__).parent))
from team import MANIFEST, fake_team

REASON = "NO-GO by licence: llama"


class Licensed(msgspec.Struct, frozen=True):
    denied: int = 0


class Licence:
    """As another package writes it: status and metadata, and nothing of ours but the events."""

    name = "license"
    title = "License"
    steps = (e.StepPlan("names", "Read the models' names"),)

    def __init__(self, needs: tuple[str, ...] = ("configuration",), **told: Any) -> None:
        self.needs = needs
        self.told = told

    async def run(self, context: Context) -> Licensed:
        from modelcar_tui.supervisor.reports import ConfigurationReport

        if "configuration" in self.needs:
            models = context.report("configuration", ConfigurationReport).models
            context.step("names", detail=f"{len(models)} models")
        context.finish(**{"summary": REASON, **self.told})
        return Licensed()


class Dies(Licence):
    async def run(self, context: Context) -> Licensed:
        if self.told:
            context.finish(REASON, **self.told)
        raise RuntimeError("broken")


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "x.base.yaml"
    path.write_text(MANIFEST)
    return path


async def ended(manifest: Path, tmp_path: Path, licence: Licence) -> RunState:
    supervisor = Supervisor(
        manifest, specialists=(*fake_team(), licence), state_dir=str(tmp_path), approve="all"
    )
    async for _ in supervisor.run():
        pass
    assert supervisor.folder is not None
    assert fold(read_journal(supervisor.folder / JOURNAL)) == supervisor.state
    return supervisor.state


def word_and_status(state: RunState) -> tuple[str, int]:
    told = outcome_of(state)
    assert told is not None and state.finish is not None
    assert told.verdict is state.finish.verdict
    return told.word, state.finish.exit_status


@pytest.mark.parametrize("needs", [("configuration",), ("decision",), ("qa",)])
async def test_a_no_go_is_heard_before_and_after_the_decision(
    manifest: Path, tmp_path: Path, needs: tuple[str, ...]
) -> None:
    licence = Licence(needs, status=e.Status.FAILED, metadata={"verdict": "NO-GO", "denied": 1})
    state = await ended(manifest, tmp_path, licence)
    assert word_and_status(state) == ("NO-GO", 1)
    assert state.finish is not None and REASON in state.finish.summary
    document = envelope(state)
    assert (document["verdict"], document["outcome"]["word"]) == ("NO-GO", "NO-GO")
    assert document["outcome"]["why"] == f"License: {REASON}"
    lines = plain(state).splitlines()
    assert lines[0] == f"**NO-GO**: License: {REASON}"
    assert lines[-1].startswith(f"**NO-GO** (exit status 1): License: {REASON}")
    facts = {fact.id: fact for fact in run_facts(state)}
    assert facts["vote/1"].value == facts["verdict"].value == "NO-GO"
    assert REASON in facts["verdict"].told


WORDS = [
    ({"metadata": {"verdict": "GO"}}, ("GO", 0)),
    ({"metadata": {"verdict": "go"}}, ("GO", 0)),
    ({"metadata": {"verdict": "unknown"}}, ("UNKNOWN", 8)),
    ({"metadata": {"verdict": "no-go"}}, ("NO-GO", 1)),
    ({"metadata": {"verdict": " No Go "}}, ("NO-GO", 1)),
    ({"metadata": {"verdict": "no_go"}, "status": "warning"}, ("NO-GO", 1)),
    ({"metadata": {"verdict": "perhaps"}}, ("UNKNOWN", 8)),
    ({"metadata": {"verdict": True}}, ("UNKNOWN", 8)),
    ({"metadata": {"verdict": ""}}, ("GO", 0)),
    ({"metadata": {"verdict": None}}, ("GO", 0)),
    ({"status": "failed"}, ("UNKNOWN", 8)),
    ({"status": "failed", "metadata": {"verdict": "GO"}}, ("GO", 0)),
    ({"status": "warning"}, ("GO", 0)),
    ({"verdict": Verdict.NO_GO, "reason": "denied"}, ("NO-GO", 1)),
    ({"verdict": "unknown", "metadata": {"verdict": "GO"}}, ("UNKNOWN", 8)),
    ({"verdict": Verdict.GO, "metadata": {"exit_status": 9}}, ("GO", 0)),
]


@pytest.mark.parametrize(("told", "right"), WORDS, ids=[str(words) for words, _ in WORDS])
async def test_its_word_is_understood_however_it_is_written(
    manifest: Path, tmp_path: Path, told: dict[str, Any], right: tuple[str, int]
) -> None:
    state = await ended(manifest, tmp_path, Licence(**told))
    assert word_and_status(state) == right


async def test_one_that_dies_is_not_known_and_one_that_voted_before_is_heard(
    manifest: Path, tmp_path: Path
) -> None:
    died = await ended(manifest, tmp_path / "a", Dies())
    assert word_and_status(died) == ("UNKNOWN", 8)
    assert died.finish is not None
    assert "License: not known, because it failed: RuntimeError in test_votes.py" in died.finish.summary
    praised = await ended(manifest, tmp_path / "c", Dies(verdict=Verdict.GO))
    assert word_and_status(praised) == ("UNKNOWN", 8)
    voted = await ended(manifest, tmp_path / "b", Dies(verdict=Verdict.NO_GO))
    assert word_and_status(voted) == ("NO-GO", 1)
    pane = voted.pane("license")
    assert pane is not None and pane.status is e.Status.FAILED


def test_a_vote_that_is_told_anew_replaces_the_first() -> None:
    panes = (e.PanePlan("license", "License", (), foreign=True), e.PanePlan("qa", "QA", ()))
    events: list[e.AnyEvent] = [e.RunStarted(run_id="r", manifest="m", panes=panes, version="1")]
    for verdict in (Verdict.NO_GO, Verdict.UNKNOWN, None):
        said = {"status": e.Status.DONE, "summary": "s", "verdict": verdict, "reason": "why"}
        events += [e.SpecialistFinished(specialist=name, **said) for name in ("license", "qa")]
        state = fold(e.Stamped(number, 0.0, event) for number, event in enumerate(events))
        assert [vote.verdict for vote in state.votes] == ([] if verdict is None else [verdict])
