"""No specialist assumes another's report: who fails costs itself, the rest of the run says so and ends."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.report.data import envelope
from modelcar_tui.report.text import plain
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor import limits
from modelcar_tui.supervisor.joining import Described, Guest
from modelcar_tui.supervisor.outcome import outcome_of
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.specialist import Context
from modelcar_tui.supervisor.specialists.decision import Decision
from modelcar_tui.supervisor.specialists.qa import Qa
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.supervisor.supervisor import Supervisor
from modelcar_tui.verdict.reports import Verdict

sys.path.insert(0, str(Path(__file__).parent))
from team import MANIFEST, FakeConfiguration, Member, fake_team


class Dies(Member):
    def work(self, context: Context) -> Any:
        raise RuntimeError("planted")


class TellsThenDies(FakeConfiguration):
    def work(self, context: Context) -> Any:
        super().work(context)
        raise RuntimeError("planted")


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "x.base.yaml"
    path.write_text(MANIFEST)
    return path


async def ended(manifest: Path, tmp_path: Path, *others: Any, real: bool = True, **options: Any) -> RunState:
    """A run of the fake team with our own Decision and QA, and `others` in the place of their namesakes."""
    team = {member.name: member for member in fake_team()}
    if real:
        team |= {"decision": Decision(), "qa": Qa()}
    team |= {member.name: member for member in others}
    options = {"state_dir": str(tmp_path), "approve": "all", "qa": False, **options}
    supervisor = Supervisor(manifest, specialists=team.values(), **options)
    async for _ in supervisor.run():
        pass
    return supervisor.state


@pytest.mark.parametrize("dies", ["configuration", "accelerator"])
async def test_decision_says_unknown_where_another_has_no_report(
    manifest: Path, tmp_path: Path, dies: str
) -> None:
    state = await ended(manifest, tmp_path, Dies(dies))
    assert state.decision is not None and state.decision.verdict is Verdict.UNKNOWN
    assert f"not known, because {dies} has no report (RuntimeError in " in state.decision.why
    assert state.finish is not None and state.finish.exit_status == 7
    assert state.finish.summary.startswith(f"{dies} failed: RuntimeError in ")
    pane, qa = state.pane("decision"), state.qa.outcome
    assert pane is not None and pane.status is not e.Status.FAILED
    assert qa is not None and qa.code == "QA_SKIPPED:NO_VERDICT" and dies in qa.message
    told = str(envelope(state)) + plain(state)
    assert "KeyError" not in told and "planted" not in told and "UNKNOWN" in told


@pytest.mark.parametrize("dies", [TellsThenDies("configuration"), Dies("accelerator")])
async def test_the_models_that_are_known_are_listed_all_the_same(
    manifest: Path, tmp_path: Path, dies: Member
) -> None:
    state = await ended(manifest, tmp_path, dies)
    assert state.decision is not None
    assert [(model.model, model.verdict) for model in state.decision.models] == [("tiny", Verdict.UNKNOWN)]
    assert state.decision.models[0].settle and not state.decision.plan.changes


async def test_qa_says_why_it_does_not_run_where_decision_failed(manifest: Path, tmp_path: Path) -> None:
    state = await ended(manifest, tmp_path, Dies("decision"))
    assert state.finish is not None and state.finish.exit_status == 7
    assert state.qa.outcome is not None and "decision has no report" in state.qa.outcome.message
    assert plain(state) and envelope(state)["exit_status"] == 7


async def test_a_qa_of_ours_that_dies_is_no_go_and_finished(manifest: Path, tmp_path: Path) -> None:
    state = await ended(manifest, tmp_path, Dies("qa"), real=False)
    assert state.finish is not None and state.finish.exit_status == 7


async def test_a_guest_that_cannot_join_is_an_unknown_vote_with_the_way_to_mend_it(
    manifest: Path, tmp_path: Path
) -> None:
    refused = guest(None).refused("can't join: it needs 'nobody'")
    state = await ended(manifest, tmp_path, refused, real=False)
    assert state.finish is not None and state.finish.exit_status == 8
    (vote,) = state.votes
    assert vote.verdict is Verdict.UNKNOWN and "can't join: it needs 'nobody'" in vote.reason
    pane = state.pane("licence")
    assert (
        pane is not None and pane.status is e.Status.FAILED and "pip uninstall acme-licence" in pane.lines[-1]
    )


class Broken(Member):
    """As another package's: what it raises, or how long it takes."""

    error: BaseException | None = None

    async def run(self, context: Context) -> Any:
        if self.error is not None:
            raise self.error
        await asyncio.sleep(60)


def guest(error: BaseException | None) -> Guest:
    member = Broken("licence")
    member.error = error
    said = Described(name="licence", title="Licence", steps=(), needs=("decision",))
    return Guest(member, said, "acme-licence 1.2 (acme:Licence)")


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (RuntimeError("planted"), "RuntimeError in test_without_reports.py"),
        (UserError(Problem(what="its list is not there")), "its list is not there"),
        (SystemExit(0), "SystemExit in"),
        (None, "it was stopped after its limit of 0 s"),
    ],
    ids=["dies", "says so", "exits", "hangs"],
)
async def test_a_guest_that_fails_is_an_unknown_vote_with_the_way_to_mend_it(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException | None, why: str
) -> None:
    monkeypatch.setattr(limits, "GUEST_S", 0.3)
    alone = await ended(manifest, tmp_path / "alone", real=False)
    state = await ended(manifest, tmp_path / "with", guest(error), real=False)
    assert alone.finish is not None and alone.finish.exit_status == 0
    assert state.finish is not None and state.finish.exit_status == 8
    (vote,) = state.votes
    assert vote.verdict is Verdict.UNKNOWN and why in vote.reason and "not known, because" in vote.reason
    assert "pip uninstall acme-licence" in vote.reason and "planted" not in str(state)
    told = outcome_of(state)
    assert told is not None and told.word == "UNKNOWN" and told.predicted is Verdict.UNKNOWN


def test_tracebacks_are_kept_up_to_a_number_and_a_full_disk_keeps_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = Context("accelerator", Settings(manifest=""), tmp_path, lambda _: None, RunState(), Redactor())
    for _ in range(50):
        context.crash(ValueError("planted"))
    kept = (tmp_path / "crash.txt").read_text()
    assert kept.count("builtins.ValueError") == 20 and "planted" not in kept

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("modelcar_tui.supervisor.specialist.write_private", full)
    Context("decision", Settings(manifest=""), tmp_path, lambda _: None, RunState(), Redactor()).crash(
        ValueError()
    )


def test_a_secret_over_a_line_break_is_in_no_line_of_a_pane(tmp_path: Path) -> None:
    told: list[Any] = []
    context = Context("accelerator", Settings(manifest=""), tmp_path, told.append, RunState(), Redactor())
    context.step("access", detail="it sent Authorization: Bearer sha256-first1half\nsecond2half of it")
    assert "first1half" not in told[0].detail and "second2half" not in told[0].detail
