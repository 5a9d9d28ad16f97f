"""No decision is lost and nothing that counts is hidden: the run's marks, and the question before a write."""

from __future__ import annotations

import time

import msgspec
import pytest
from textual.pilot import Pilot

from modelcar_tui.manifest.plan import Change, Decision, Operation, Plan
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.marks import Marked
from modelcar_tui.supervisor.state import fold
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.faces.writing import write_facts
from modelcar_tui.tui.glyphs import UNICODE
from modelcar_tui.tui.review import Mark, open_review
from modelcar_tui.tui.screens.confirm import ConfirmDialog
from modelcar_tui.tui.screens.diff import DiffScreen
from modelcar_tui.tui.screens.quit import QuitDialog
from modelcar_tui.verdict.reports import ApplyPreview
from pilot import support as s


@pytest.fixture(autouse=True)
def short_deafness(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here is about the half second."""
    monkeypatch.setattr(DiffScreen, "deaf_s", 0.05)
    monkeypatch.setattr(ConfirmDialog, "deaf_s", 0.05)


BIG = "llama-3.3-70b-instruct-fp8-dynamic"


async def reviewing(app: DashboardApp, pilot: Pilot[int]) -> DiffScreen:
    await pilot.press("d")
    await s.wait_for(pilot, lambda: isinstance(app.screen, DiffScreen), "the review is open")
    await s.hears(app, pilot)
    screen = app.screen
    assert isinstance(screen, DiffScreen)
    return screen


async def confirming(app: DashboardApp, pilot: Pilot[int]) -> None:
    await s.wait_for(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the confirmation is asked")
    await s.hears(app, pilot)


async def test_marks_outlive_the_screen_and_come_back_a_step_at_a_time() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        screen = await reviewing(app, pilot)
        await pilot.press("space", "j", "minus", "k", "equals_sign", *(["backspace"] * 5), *"16384", "enter")
        await s.wait_for(pilot, lambda: screen.review.counts.edited == 1, "the edit")
        await pilot.press("q")
        await s.wait_for(
            pilot,
            lambda: s.shows(app, "1 of 4 accepted, 2 rejected, not written: the marks are kept"),
            "the word",
        )
        again = await reviewing(app, pilot)
        assert (
            again is not screen
            and str(again.review.counts) == "1 of 4 accepted (1 edited), 2 rejected, 1 undecided"
        )
        for left in (
            "1 of 4 accepted, 2 rejected, 1 undecided",
            "1 of 4 accepted, 3 undecided",
            "0 of 4 accepted, 4 undecided",
        ):
            await pilot.press("U")
            assert str(again.review.counts) == left
        await pilot.press("A")
        assert s.shows(app, "3 required accepted; W writes, U undoes")
        await pilot.press("U", "asterisk", "U", "D", "U")
        assert str(again.review.counts) == "0 of 4 accepted, 4 undecided"
    assert [step.undo for step in engine.marked] == [False] * 3 + [True] * 3 + [False, True] * 3
    assert fold(engine_events(engine)).marks.now == Marked()


def engine_events(engine: s.FakeEngine) -> list[e.Stamped]:
    """What the run has kept, as a resumed run reads it."""
    return s.stamp([*s.decided(), *engine.marked])


async def test_a_run_that_is_slow_to_tell_takes_no_mark_back() -> None:
    """Keys come faster than events: what comes late of the first step must not undo the second."""

    class Late(s.FakeEngine):
        def mark(self, marked: e.ChangesMarked) -> None:
            self.marked.append(marked)

    engine = Late(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        screen = await reviewing(app, pilot)
        await pilot.press("space", "j", "space", "U", "minus")
        assert str(screen.review.counts) == "1 of 4 accepted, 2 rejected, 1 undecided"
        for at, step in enumerate(engine.marked, 1):
            engine.say(step)
            await s.wait_for(pilot, lambda at=at: app.state.marks.steps == at, "the step is told")
            assert str(screen.review.counts) == "1 of 4 accepted, 2 rejected, 1 undecided"
        assert screen.marks == app.state.marks


async def test_the_detail_is_copied_whole_and_why_is_of_the_model_under_the_cursor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []

    def send(text: str, *_: object) -> str:
        said.append(text)
        return "copied"

    monkeypatch.setattr("modelcar_tui.tui.clipboard.send", send)
    async with s.dashboard(s.FakeEngine(s.decided()), (60, 20)) as (app, pilot):
        screen = await reviewing(app, pilot)
        await pilot.press("y")
        await s.wait_for(pilot, lambda: said, "the copy")
        assert "KV cache for 32,768 tokens" in said[0] and not s.shows(app, "KV cache for 32,768 tokens")
        await pilot.press("question_mark")
        await s.wait_for(pilot, lambda: app.screen is not screen, "why")
        assert s.shows(app, "why: changes") and s.shows(app, BIG)
        await pilot.press("tab")
        await s.wait_for(pilot, lambda: s.shows(app, "=             edit the value"), "the keys")
        assert s.shows(app, "*             accept all that is undecided")


async def test_a_resumed_run_shows_its_marks_and_can_undo_them() -> None:
    first = s.plan().changes[0].id
    steps = [
        e.ChangesMarked(plan_digest=s.plan().digest, rejected=(first,)),
        e.ChangesMarked(plan_digest=s.plan().digest, accepted=(first, "gone/--flag")),
    ]
    async with s.dashboard(s.FakeEngine([*s.decided(), *steps])) as (app, pilot):
        screen = await reviewing(app, pilot)
        assert screen.review.mark(first) is Mark.ACCEPTED and screen.review.counts.accepted == 1
        await pilot.press("U")
        assert screen.review.mark(first) is Mark.REJECTED


async def test_required_changes_take_two_keys_and_the_word_from_the_dashboard() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        app.open_screen("required")
        await s.wait_for(pilot, lambda: isinstance(app.screen, DiffScreen), "the review is open")
        await s.hears(app, pilot)
        assert s.shows(app, "3 of 4 accepted")
        await pilot.press("W")
        await confirming(app, pilot)
        await pilot.press(*"write")
        await s.wait_for(pilot, lambda: engine.answers, "the answer is sent")
    assert set(engine.answers[0].accepted) == {c.id for c in s.plan().changes if c.severity == "required"}


async def test_the_question_names_what_is_required_and_counts_the_rest() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (80, 24)) as (app, pilot):
        await reviewing(app, pilot)
        await pilot.press("asterisk", "W")
        await confirming(app, pilot)
        rows = [row for row in s.screen_text(app) if "│" in row]
        text = "\n".join(rows)
        assert text.index("required") < text.index("other")
        for shown in (
            "--max-model-len 131072 → 32768",
            "gpu_count 2 → 4",
            "1  1 removed   v in the",
            "NO-GO →",
        ):
            assert shown in text, shown
        assert "--distributed-executor-backend=mp" not in text.partition("Write")[2].partition("type")[0]


async def test_what_would_still_fail_is_said_before_the_word() -> None:
    engine = s.FakeEngine(s.decided())
    failing = msgspec.structs.replace(engine.preview(Decision(plan_digest="")), models=s.verdicts())
    async with s.dashboard(s.FakeEngine(s.decided(), preview=failing)) as (app, pilot):
        await reviewing(app, pilot)
        await pilot.press("space", "W")
        await confirming(app, pilot)
        assert s.shows(app, "! required and not accepted: " + BIG)
        assert s.shows(app, f"! {BIG} stays NO-GO")


@pytest.mark.parametrize(
    ("answer", "after", "told"),
    [
        (True, e.ManifestWritten(path=s.TARGET, sha256="0", changes=3), "written to granite.generated.yaml"),
        (True, e.ManifestKept(why="the disk is full"), "not written (the disk is full)"),
        (False, None, "the plan was rejected"),
    ],
    ids=["written", "kept", "rejected"],
)
async def test_a_plan_that_was_answered_is_there_to_look_at_only(
    answer: bool, after: e.AnyEvent | None, told: str
) -> None:
    taken = tuple(change.id for change in s.plan().changes[:3]) if answer else ()
    given = e.ApprovalGiven(decision=Decision(plan_digest=s.plan().digest, accepted=taken, write=answer))
    engine = s.FakeEngine([*s.decided(), given, *([after] if after else [])])
    async with s.dashboard(engine) as (app, pilot):
        screen = await reviewing(app, pilot)
        assert s.shows(app, f"to look at only: {told}")
        assert screen.review.counts.accepted == len(taken) and screen.review.counts.undecided == 0
        for key in ("space", "minus", "A", "asterisk", "D", "U", "W", "R", "equals_sign"):
            await pilot.press(key)
            assert app.screen is screen and screen.review.counts.accepted == len(taken), key
    assert engine.marked == [] and engine.answers == []


async def test_the_last_question_of_a_quit_says_what_is_open() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        await reviewing(app, pilot)
        await pilot.press("A", "q")
        await s.wait_for(pilot, lambda: not isinstance(app.screen, DiffScreen), "the dashboard")
        await pilot.press("ctrl+c")
        text = "3 of 4 accepted, not written: the marks are kept"
        await s.wait_for(
            pilot, lambda: isinstance(app.screen, QuitDialog) and s.shows(app, text), "what is open"
        )
        await pilot.press("S")
        await s.wait_for(pilot, lambda: app._exit, "the end")
    assert "cancel" in engine.calls


async def test_two_hundred_changes_of_a_hundred_models_are_quick_to_mark() -> None:
    changes = []
    for at in range(100):
        tied = {"gpu_count": "--tensor-parallel-size", "--tensor-parallel-size": "gpu_count"}
        for flag, partner in tied.items():
            changes.append(
                Change(
                    id=f"m{at}/{flag}",
                    model=f"m{at}",
                    operation=Operation.SET,
                    flag=flag,
                    old=f"{flag}=1",
                    new=f"{flag}=2",
                    severity="required",
                    reason="it needs two",
                    together_with=(f"m{at}/{partner}",),
                )
            )
    plan = Plan(base="b", base_sha256="0", target="t", changes=tuple(changes))
    report = msgspec.structs.replace(s.report(), plan=plan, hunks=())
    asked = e.ApprovalRequested(request_id="b", plan_digest=plan.digest)
    events = [*s.decided()[:-1], e.DecisionMade(report=report), asked]
    async with s.dashboard(s.FakeEngine(events), (80, 24)) as (app, pilot):
        screen = await reviewing(app, pilot)
        begun = time.process_time()
        for _ in range(20):
            screen.action_accept()
            screen.action_move(1)
        assert time.process_time() - begun < 2.0, "20 marks in a long list"
        assert screen.review.counts.accepted == 40
        await pilot.press("A", "W")
        await confirming(app, pilot)
        assert s.shows(app, "required  200  gpu_count 1 → 2 + --tensor-parallel-size 1 → 2")
        assert s.shows(app, "100 models: m0, m1, m2, and 97 more models")


def test_of_many_models_that_are_changed_in_many_ways_each_is_told_by_its_count() -> None:
    changes = tuple(
        Change(
            id=f"m{at}/gpu_count",
            model=f"m{at}",
            operation=Operation.GPU_COUNT,
            flag="gpu_count",
            old="1",
            new=str(at + 2),
            severity="required",
            reason="",
        )
        for at in range(14)
    )
    plan = Plan(base="b", base_sha256="0", target="t", changes=changes)
    review = open_review(plan)
    review = review.accepting(review.choices)
    report = msgspec.structs.replace(s.report(), plan=plan)
    facts = dict(write_facts(report, review, ApplyPreview(), s.T0, UNICODE))
    assert facts["required"].startswith("14  m0: 1, m1: 1, ") and facts["required"].endswith(
        "and 2 more models"
    )
    few = open_review(msgspec.structs.replace(plan, changes=changes[:2]))
    facts_few = write_facts(report, few.accepting(few.choices), ApplyPreview(), s.T0, UNICODE)
    assert ("required", "2  m0  gpu_count 1 → 2") in facts_few and ("", "   m1  gpu_count 1 → 3") in facts_few


def test_changes_that_are_tied_by_way_of_others_are_one_box() -> None:
    def change(name: str, *tied: str, severity: str = "improvement") -> Change:
        return Change(
            id=name,
            model="m",
            operation=Operation.ADD,
            flag=name,
            new=name,
            reason="",
            severity=severity,
            together_with=tied,
        )

    changes = (
        change("a", "b"),
        change("x"),
        change("b"),
        change("c", "b", severity="required"),
        change("y", "gone"),
    )
    review = open_review(Plan(base="b", base_sha256="0", target="t", changes=changes))
    assert [choice.ids for choice in review.choices] == [("a", "b", "c"), ("x",), ("y",)]
    assert review.choices[0].severity == "required"


async def test_a_replay_shows_the_marks_and_changes_none() -> None:
    marks = e.ChangesMarked(plan_digest=s.plan().digest, accepted=(s.plan().changes[0].id,))
    engine = s.FakeEngine([*s.decided(), marks])
    async with s.dashboard(engine) as (app, pilot):
        app.face.replay = True
        screen = await reviewing(app, pilot)
        assert screen.review.counts.accepted == 1
        for key in ("asterisk", "U", "space", "W"):
            await pilot.press(key)
            await s.wait_for(pilot, lambda: s.shows(app, "to look at only: a replay"), "the refusal")
        assert screen.review.counts.accepted == 1
    assert engine.answers == [] and engine.marked == []
