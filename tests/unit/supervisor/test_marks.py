"""The operator's marks belong to the run: they outlive the screen, the process and a kill."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modelcar_tui.manifest.plan import Decision, Plan
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.engine import Engine
from modelcar_tui.supervisor.journal import read_journal
from modelcar_tui.supervisor.marks import UNDO_STEPS, Marked, Marks, marked, told
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.supervisor.supervisor import Supervisor
from modelcar_tui.verdict.reports import DecisionReport, Verdict

sys.path.insert(0, str(Path(__file__).parent))
from team import MANIFEST, fake_team

ID = "tiny/--max-model-len"


def step(plan: str = "p", undo: bool = False, **marks: object) -> e.ChangesMarked:
    return e.ChangesMarked(plan_digest=plan, undo=undo, **marks)


def after(*steps: e.ChangesMarked, state: RunState | None = None) -> RunState:
    return fold([e.Stamped(at, 1.0, event) for at, event in enumerate(steps, 1)], state)


def test_undo_takes_back_a_step_at_a_time_down_to_nothing() -> None:
    one, two = step(accepted=("a",)), step(accepted=("a", "b"), rejected=("c",), edited={"b": "--b=1"})
    state = after(one, two)
    assert state.marks.now == Marked(("a", "b"), ("c",), {"b": "--b=1"})
    assert after(step(undo=True), state=state).marks.now == Marked(("a",))
    assert after(step(undo=True), step(undo=True), state=state).marks.now == Marked()
    assert after(*[step(undo=True)] * 3, state=state).marks.now == Marked(), "nothing is left to take back"


def test_another_plan_starts_again_and_an_old_one_is_no_mark_of_it() -> None:
    state = after(step(accepted=("a",)), step("q", rejected=("z",)))
    assert state.marks.now == Marked((), ("z",))
    assert after(step("q", undo=True), state=state).marks.now == Marked(), "no step of the other plan"
    assert state.marks.of("p").now == Marked() and state.marks.of("p").steps == 2


def test_the_steps_that_can_be_taken_back_are_bounded() -> None:
    marks = Marks()
    for at in range(UNDO_STEPS + 50):
        marks = marked(marks, step(accepted=(str(at),)))
    assert len(marks.earlier) == UNDO_STEPS and marks.earlier[-1] == Marked((str(UNDO_STEPS + 48),))


def test_one_sentence_says_how_far_the_review_is_until_it_is_answered() -> None:
    plan = Plan(base="b", base_sha256="0", target="t")
    made = e.DecisionMade(report=DecisionReport(verdict=Verdict.GO, why="", plan=plan))
    asked = e.ApprovalRequested(request_id="1", plan_digest=plan.digest)
    state = after(made, asked)
    assert state.marks_told == ""
    state = after(step(plan.digest, accepted=("a", "b"), rejected=("c",)), state=state)
    assert state.marks_told == "2 of 0 accepted, 1 rejected, not written"
    assert told(state.marks, 8) == "2 of 8 accepted, 1 rejected, not written"
    answered = e.ApprovalGiven(decision=Decision(plan_digest=plan.digest))
    assert after(answered, state=state).marks_told == ""
    other = e.ApprovalRequested(request_id="2", plan_digest="another")
    assert after(other, state=state).marks_told == "", "the marks are on no plan that waits"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "x.base.yaml"
    path.write_text(MANIFEST)
    return path


async def test_a_resumed_run_has_the_marks_and_the_undo_of_the_one_before(
    manifest: Path, tmp_path: Path
) -> None:
    first = Supervisor(manifest, specialists=fake_team(), state_dir=str(tmp_path))
    async for stamped in first.run():
        if isinstance(stamped.event, e.ApprovalRequested):
            digest = stamped.event.plan_digest
            first.tell(step(digest, rejected=(ID,)))
            first.tell(step(digest, accepted=(ID,)))
            first.cancel(detach=True)
    second = Supervisor(manifest, specialists=fake_team(), resume=first.folder)
    async for stamped in second.run():
        if isinstance(stamped.event, e.ApprovalRequested) and second.state.seq == stamped.seq:
            assert second.state.marks_told == "1 of 1 accepted, not written"
            second.tell(step(digest, undo=True))
            assert second.state.marks.now == Marked((), (ID,))
            second.answer(Decision(plan_digest=digest, accepted=(ID,), write=True, who="me"))
    assert second.state.written is not None and second.state.marks_told == ""
    assert fold(read_journal(first.folder / "journal.jsonl")).marks == second.state.marks


def test_marks_of_the_engine_stand_in_the_journal_before_the_answer(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelcar_tui.supervisor.supervisor.team", lambda *_: fake_team())
    engine = Engine(Settings(manifest=str(manifest), state_dir=str(tmp_path)))
    engine.start()
    events: list[e.Stamped] = []

    def seen(kind: type) -> e.AnyEvent | None:
        events.extend(engine.drain())
        return next((one.event for one in events if isinstance(one.event, kind)), None)

    until(lambda: seen(e.ApprovalRequested))
    asked = seen(e.ApprovalRequested)
    for marks in ({"accepted": (ID,)}, {"rejected": (ID,)}):
        engine.mark(step(asked.plan_digest, **marks))
    engine.answer(Decision(plan_digest=asked.plan_digest, who="me"))
    until(lambda: seen(e.RunFinished))
    assert engine.join(10)
    kinds = [type(one.event).__name__ for one in read_journal(next(tmp_path.glob("runs/*/journal.jsonl")))]
    assert kinds.count("ChangesMarked") == 2
    assert kinds.index("ApprovalGiven") == kinds.index("ChangesMarked") + 2
    engine.mark(step(asked.plan_digest))  # the loop is closed: nothing is raised


def test_the_last_words_name_what_is_marked_and_the_way_back(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelcar_tui.supervisor.supervisor.team", lambda *_: fake_team())
    engine = Engine(Settings(manifest=str(manifest), state_dir=str(tmp_path)))
    engine.start()
    events: list[e.AnyEvent] = []

    def seen(kind: type) -> list[e.AnyEvent]:
        events.extend(one.event for one in engine.drain())
        return [event for event in events if isinstance(event, kind)]

    until(lambda: seen(e.ApprovalRequested))
    engine.mark(step(seen(e.ApprovalRequested)[0].plan_digest, accepted=(ID,)))
    engine.cancel()
    assert engine.join(20)
    assert (
        "the run can go on (1 of 1 accepted, not written: kept): modelcar-tui --resume"
        in engine.last_words()[-1]
    )


def until(found: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not found():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


MARKER = """
import asyncio, sys
sys.path.insert(0, sys.argv[3])
from team import fake_team
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.supervisor import Supervisor

async def main():
    supervisor = Supervisor(sys.argv[1], specialists=fake_team(), state_dir=sys.argv[2])
    async for stamped in supervisor.run():
        if isinstance(stamped.event, e.ApprovalRequested):
            marks = e.ChangesMarked(plan_digest=stamped.event.plan_digest, accepted=(sys.argv[4],))
            supervisor.tell(marks)
        if isinstance(stamped.event, e.ChangesMarked):
            print(supervisor.folder, flush=True)

asyncio.run(main())
"""


def test_a_kill_9_loses_no_mark(manifest: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", MARKER, str(manifest), str(tmp_path), str(Path(__file__).parent), ID]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        os.kill(process.pid, signal.SIGKILL)

    async def resumed() -> Supervisor:
        supervisor = Supervisor(manifest, specialists=fake_team(), resume=folder)
        async for stamped in supervisor.run():
            if isinstance(stamped.event, e.ApprovalRequested) and supervisor.state.seq == stamped.seq:
                supervisor.cancel(detach=True)
        return supervisor

    assert asyncio.run(resumed()).state.marks_told == "1 of 1 accepted, not written"
