"""Facts are in the journal, progress is in the checkpoint, and nodes read the run as events have made it."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from modelcar_tui.image import ImageFacts
from modelcar_tui.manifest import Decision, read_manifest
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.journal import read_journal
from modelcar_tui.supervisor.specialist import Context
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.supervisor.supervisor import Supervisor
from modelcar_tui.verdict import DecisionReport, ModelRequirements, Verdict

sys.path.insert(0, str(Path(__file__).parent))
from team import MANIFEST, FakeAccelerator, FakeDecision, Member, fake_team


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a specialist of another package may report."""

    licence: str
    seats: dict[int, float]


class Licence(Member):
    def work(self, context: Context) -> Terms:
        return Terms(licence="Apache-2.0, token hf_AbCdEfGhIjKlMnOpQrStUvWxYz012345", seats={4: 0.5})


class Reader(Member):
    def work(self, context: Context) -> Terms:
        terms = context.report("licence", Terms)
        context.emit(e.Noticed(text=f"{terms.licence} {terms.seats}"))
        assert not context.has_report("configuration")
        with pytest.raises(KeyError):
            context.report("configuration", Terms)
        return terms


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "x.base.yaml"
    path.write_text(MANIFEST)
    return path


def taken(supervisor: Supervisor) -> Decision:
    assert supervisor.state.decision is not None
    plan = supervisor.state.decision.plan
    return Decision(plan_digest=plan.digest, accepted=tuple(change.id for change in plan.changes), write=True)


async def drive(supervisor: Supervisor) -> RunState:
    async for stamped in supervisor.run():
        live = supervisor.state.seq == stamped.seq
        if live and isinstance(stamped.event, e.ApprovalRequested):
            supervisor.answer(taken(supervisor))
    return supervisor.state


def checkpoints(folder: Path) -> list[Any]:
    read = JsonPlusSerializer()
    with sqlite3.connect(folder / "checkpoint.sqlite") as database:
        rows = database.execute("select type, checkpoint from checkpoints").fetchall()
        rows += database.execute("select type, value from writes").fetchall()
    return [read.loads_typed(row) for row in rows]


def test_the_checkpoint_holds_progress_and_no_fact(manifest: Path, tmp_path: Path) -> None:
    team = (*fake_team(), Licence("licence"), Reader("reader", ("licence",)))
    supervisor = Supervisor(manifest, specialists=team, state_dir=str(tmp_path))
    state = asyncio.run(drive(supervisor))
    assert supervisor.folder is not None
    found = checkpoints(supervisor.folder)
    values = [point["channel_values"] for point in found if isinstance(point, dict) and "v" in point]
    assert values
    ours = {"graph_version", "ended", "fatal"}
    assert {key for one in values for key in one if not key.startswith(("__", "branch:"))} <= ours
    assert values[-1]["ended"] == dict.fromkeys(
        (*(member.name for member in team), "approval", "write", "summary"), "done"
    )
    told = re.sub(r"0\.\d{9,}", "", repr(found))  # LangGraph's versions end in a number drawn by chance
    for fact in ("4096", "max-model-len", "registry.example.test", "because", str(manifest), "Apache"):
        assert fact not in told
        assert fact in repr(state)


def test_a_report_of_another_package_reaches_those_that_need_it_and_holds_no_secret(
    manifest: Path, tmp_path: Path
) -> None:
    team = (*fake_team(), Licence("licence"), Reader("reader", ("licence",)))
    supervisor = Supervisor(manifest, specialists=team, state_dir=str(tmp_path))
    state = asyncio.run(drive(supervisor))
    assert supervisor.folder is not None
    assert set(state.reports) == {"configuration", "accelerator", "decision", "licence"}  # none needs others
    assert next(notice.text for notice in state.notices if "Apache" in notice.text).endswith("{4: 0.5}")
    for path in supervisor.folder.rglob("*"):
        assert not path.is_file() or b"hf_AbCd" not in path.read_bytes(), path
    assert fold(read_journal(supervisor.folder / "journal.jsonl")) == state


def test_a_report_is_there_after_a_resume(manifest: Path, tmp_path: Path) -> None:
    team = (*fake_team(), Licence("licence"), Reader("reader", ("licence", "qa")))

    async def stopped() -> Supervisor:
        first = Supervisor(manifest, specialists=team, state_dir=str(tmp_path))
        async for stamped in first.run():
            if isinstance(stamped.event, e.ApprovalRequested):
                first.cancel(detach=True)
        return first

    first = asyncio.run(stopped())
    state = asyncio.run(drive(Supervisor(manifest, specialists=team, resume=first.folder)))
    pane = state.pane("reader")
    assert pane is not None
    assert (pane.status, [notice.text[:10] for notice in state.notices]) == (e.Status.DONE, ["Apache-2.0"])


def test_a_write_that_is_done_again_keeps_the_verdict_without_the_changes(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after it had told the decision with the changes, before the checkpoint."""
    from modelcar_tui.supervisor import steps

    class NoGo(FakeDecision):
        verdict = Verdict.NO_GO

    team = tuple(NoGo(m.name, m.needs) if m.name == "decision" else m for m in fake_team())
    die = True
    told = steps.told

    def dies(report: Any) -> Any:
        if die:
            raise KeyboardInterrupt
        return told(report)

    monkeypatch.setattr(steps, "told", dies)
    first = Supervisor(manifest, specialists=team, state_dir=str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(drive(first))
    assert first.state.decision is not None and first.state.written is not None
    die = False
    state = asyncio.run(drive(Supervisor(manifest, specialists=team, resume=first.folder)))
    assert state.decision is not None
    assert state.decision.without_changes is Verdict.NO_GO
    assert state.decision == first.state.decision


def test_a_decision_of_another_package_is_heard_as_votes_have_left_it(manifest: Path, tmp_path: Path) -> None:
    class Auditor(Member):
        async def run(self, context: Context) -> Terms:
            context.finish("no licence", verdict=Verdict.NO_GO)
            return Terms(licence="", seats={})

    class Late(Member):
        def work(self, context: Context) -> Terms:
            context.emit(e.Noticed(text=context.report("decision", DecisionReport).verdict))
            return Terms(licence="", seats={})

    team = (*fake_team(), Auditor("auditor"), Late("late", ("decision", "auditor")))
    state = asyncio.run(drive(Supervisor(manifest, specialists=team, state_dir=str(tmp_path))))
    assert [notice.text for notice in state.notices] == ["NO-GO"]


def test_no_event_is_lost_from_the_state_where_threads_tell_them_at_once(
    manifest: Path, tmp_path: Path
) -> None:
    class Chatty(Member):
        async def run(self, context: Context) -> Terms:
            def tell(who: int) -> None:
                for number in range(60):
                    context.emit(e.Noticed(text=f"{who} {number}"))

            await asyncio.gather(*(asyncio.to_thread(tell, who) for who in range(3)))
            context.finish("told")
            return Terms(licence="", seats={})

    supervisor = Supervisor(manifest, specialists=(*fake_team(), Chatty("chatty")), state_dir=str(tmp_path))
    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        state = asyncio.run(drive(supervisor))
    finally:
        sys.setswitchinterval(old)
    assert len(state.notices) == 180


def test_a_model_that_left_the_manifest_before_it_was_read_again_is_none_of_the_run(manifest: Path) -> None:
    def told() -> list[e.AnyEvent]:
        read = read_manifest(manifest)
        learned = [ModelRequirements(car=car, image=ImageFacts(reference=car.image)) for car in read.models]
        return [e.ManifestRead(manifest=read), *(e.ModelLearned(model=model) for model in learned)]

    manifest.write_text(MANIFEST + MANIFEST.partition("\n")[2].replace("tiny", "gone"))
    before = told()
    manifest.write_text(MANIFEST)
    events = [*before, e.RunResumed(), *told()]
    state = fold(e.Stamped(number, 0.0, event) for number, event in enumerate(events))
    assert [model.car.name for model in fold(e.Stamped(0, 0.0, one) for one in before).models] == [
        "tiny",
        "gone",
    ]
    assert [model.car.name for model in state.report_of("configuration").models] == ["tiny"]


class Text(str):
    """As `numpy.str_` is one."""

    __slots__ = ()


class Number(float):
    """As `numpy.float64` is one."""


class Kinds(Member):
    async def run(self, context: Context) -> Terms:
        context.step("work", detail=Text("half"))
        numbers = {Text("score"): Number(0.5), "none": float("nan"), "word": Text("x")}
        context.finish(Text("told"), (Text("a line"),), metadata=numbers)
        return Terms(licence="", seats={})


class Unwritable(Member):
    def work(self, context: Context) -> Terms:
        context.emit(e.Noticed(text=Text("x")))
        return Terms(licence="", seats={})


def test_texts_and_numbers_of_a_kind_of_their_own_are_told(manifest: Path, tmp_path: Path) -> None:
    team = (*fake_team(), Kinds("kinds"))
    supervisor = Supervisor(manifest, specialists=team, state_dir=str(tmp_path))
    state = asyncio.run(drive(supervisor))
    pane = state.pane("kinds")
    assert pane is not None and supervisor.folder is not None
    assert (pane.status, pane.metadata) == (e.Status.DONE, {"score": 0.5, "none": None, "word": "x"})
    assert fold(read_journal(supervisor.folder / "journal.jsonl")) == state


def test_an_event_that_cannot_be_written_fails_whoever_tells_it(manifest: Path, tmp_path: Path) -> None:
    team = (*fake_team(), Unwritable("unwritable"))
    supervisor = Supervisor(manifest, specialists=team, state_dir=str(tmp_path))
    state = asyncio.run(drive(supervisor))
    pane = state.pane("unwritable")
    assert pane is not None and state.finish is not None
    assert (pane.status, state.written is not None) == (e.Status.FAILED, True)


def test_a_decision_that_dies_after_it_told_stays_failed_under_a_vote(manifest: Path, tmp_path: Path) -> None:
    class Dies(FakeDecision):
        def work(self, context: Context) -> Any:
            super().work(context)
            raise ValueError

    team = tuple(Dies(m.name, m.needs) if m.name == "decision" else m for m in fake_team())
    state = asyncio.run(drive(Supervisor(manifest, specialists=team, state_dir=str(tmp_path))))
    pane = state.pane("decision")
    assert pane is not None and state.finish is not None and state.decision is not None
    assert state.decision.votes
    assert pane.status is e.Status.FAILED
    assert state.finish.summary == f"decision failed: {pane.summary}"


def test_a_run_that_was_stopped_in_a_specialist_comes_to_its_end_without_it(
    manifest: Path, tmp_path: Path
) -> None:
    """The operator took its package out, as a failed one's pane says to."""
    team = (*fake_team(), Licence("licence", ("decision",)))

    async def stopped() -> Supervisor:
        first = Supervisor(manifest, specialists=team, state_dir=str(tmp_path))
        async for stamped in first.run():
            if stamped.event == e.SpecialistStarted(specialist="licence"):
                first.cancel()
        return first

    first = asyncio.run(stopped())
    state = asyncio.run(drive(Supervisor(manifest, specialists=fake_team(), resume=first.folder)))
    assert state.finish is not None and state.written is not None
    assert not state.finish.resumable


def test_what_another_package_told_is_not_heard_once_ours_runs_in_its_place(
    manifest: Path, tmp_path: Path
) -> None:
    class Stands(FakeAccelerator):
        async def run(self, context: Context) -> Any:
            context.reported({"rung": "none of ours"}, needed=True)
            await asyncio.sleep(60)

    team = tuple(Stands(m.name) if m.name == "accelerator" else m for m in fake_team())

    async def stopped() -> Supervisor:
        first = Supervisor(manifest, specialists=team, state_dir=str(tmp_path))
        async for stamped in first.run():
            if isinstance(stamped.event, e.Reported) and stamped.event.specialist == "accelerator":
                first.cancel()
        return first

    first = asyncio.run(stopped())
    assert first.state.report_of("accelerator") == {"rung": "none of ours"}
    rest = tuple(m for m in fake_team() if m.name != "accelerator")
    second = Supervisor(manifest, specialists=rest, resume=first.folder, gpus=("NVIDIA-L40S:2",))
    state = asyncio.run(drive(second))
    assert state.cluster is not None
    assert state.report_of("accelerator") is state.cluster
