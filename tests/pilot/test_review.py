"""The approval: nothing by accident, nothing hidden, nothing that was not said before."""

from __future__ import annotations

import time

import msgspec
import pytest
from textual.pilot import Pilot

from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest.plan import Change, Decision, Operation, Plan
from modelcar_tui.supervisor import events as e
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.review import Mark, open_review
from modelcar_tui.tui.screens.confirm import ConfirmDialog
from modelcar_tui.tui.screens.dashboard import WORD_S, DashboardScreen
from modelcar_tui.tui.screens.diff import DiffScreen
from modelcar_tui.tui.screens.model import ModelScreen
from modelcar_tui.verdict.reports import ApplyPreview
from pilot import support as s


@pytest.fixture(autouse=True)
def short_deafness(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second is waited for only where it is what the test is about."""
    if "deaf" not in request.node.name and "dropped" not in request.node.name:
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


async def settled(screen: DiffScreen, pilot: Pilot[int]) -> None:
    await s.wait_for(pilot, lambda: screen.preview is not None, "the result is worked out")


async def confirming(app: DashboardApp, pilot: Pilot[int]) -> None:
    await s.wait_for(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the confirmation is asked")
    await s.hears(app, pilot)


@pytest.mark.parametrize("size", s.SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_accepting_two_of_four_sends_exactly_these(size: tuple[int, int]) -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine, size) as (app, pilot):
        screen = await reviewing(app, pilot)
        assert screen.review.counts.undecided == 4, "nothing is accepted at the start"
        await pilot.press("space", "j", "space", "space", "j", "minus", "W")
        await confirming(app, pilot)
        assert s.shows(app, "granite.generated.yaml")
        assert s.shows(app, "--max-model-len 131072 → 32768")
        assert engine.answers == []
        await pilot.press(*"write")
        await s.wait_for(pilot, lambda: engine.answers, "the answer is sent")
        answer = engine.answers[0]
        assert answer.write
        assert answer.plan_digest == s.plan().digest
        assert answer.accepted == (f"{BIG}/--max-model-len",)
        assert answer.who


async def test_enter_never_approves_anything() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        screen = await reviewing(app, pilot)
        await pilot.press("enter", "enter", "enter")
        assert screen.review.counts.undecided == 4
        await pilot.press("asterisk")
        await settled(screen, pilot)
        await pilot.press("W")
        await confirming(app, pilot)
        await pilot.press("enter", "enter", "W", "A", "space", "asterisk", "enter")
        assert isinstance(app.screen, ConfirmDialog)
        assert engine.answers == []


async def test_enter_behind_the_word_opens_nothing_on_the_dashboard() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        screen = await reviewing(app, pilot)
        await pilot.press("asterisk")
        await settled(screen, pilot)
        await pilot.press("W")
        await confirming(app, pilot)
        await pilot.press(*"write")
        await s.wait_for(pilot, lambda: isinstance(app.screen, DashboardScreen), "the review is left")
        await pilot.press("enter")
        assert isinstance(app.screen, DashboardScreen)
        app.face.word_at -= WORD_S
        await pilot.press("enter")
        await s.wait_for(pilot, lambda: isinstance(app.screen, ModelScreen), "a later Enter opens the page")


async def test_keys_typed_before_and_just_after_the_screen_appears_are_dropped() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        await pilot.press("d", "space", "asterisk", "W")
        await s.wait_for(pilot, lambda: isinstance(app.screen, DiffScreen), "the review is open")
        screen = app.screen
        assert isinstance(screen, DiffScreen)
        await s.wait_for(pilot, lambda: screen.hears_from < float("inf"), "the first paint")
        assert DiffScreen.deaf_s == 0.5
        assert screen.hears_from - time.monotonic() > 0.2
        await pilot.press("space", "A", "asterisk")
        assert screen.review.counts.undecided == 4
        await s.hears(app, pilot)
        await pilot.press("space")
        assert screen.review.counts.accepted == 1


async def test_the_confirmation_is_deaf_at_first_too() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        screen = await reviewing(app, pilot)
        await pilot.press("asterisk")
        await settled(screen, pilot)
        await pilot.press("W", *"write")
        await s.wait_for(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the confirmation is asked")
        assert engine.answers == []
        await s.hears(app, pilot)
        await pilot.press(*"writwrite")
        assert engine.answers == [], "a wrong letter starts the word again"
        await pilot.press(*"rite")
        assert engine.answers == []
        await pilot.press(*"xwrite")
        await s.wait_for(pilot, lambda: engine.answers, "the answer is sent")


async def test_escape_leaves_everything_without_writing() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        screen = await reviewing(app, pilot)
        await pilot.press("asterisk")
        await settled(screen, pilot)
        await pilot.press("W")
        await confirming(app, pilot)
        await pilot.press("escape")
        await s.wait_for(pilot, lambda: app.screen is screen, "back to the review")
        await s.hears(app, pilot)
        await pilot.press("q")
        await s.wait_for(pilot, lambda: s.shows(app, "4 of 4 accepted, not written"), "back to the dashboard")
    assert engine.answers == []


async def test_writing_nothing_is_refused_and_the_whole_plan_can_be_rejected() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        await reviewing(app, pilot)
        await pilot.press("W")
        await s.wait_for(pilot, lambda: s.shows(app, "nothing is accepted"), "the refusal")
        await pilot.press("R")
        await confirming(app, pilot)
        assert s.shows(app, "Reject the whole plan?")
        await pilot.press(*"reject")
        await s.wait_for(pilot, lambda: engine.answers, "the answer is sent")
    assert engine.answers[0].write is False
    assert engine.answers[0].accepted == ()


async def test_half_of_a_pair_can_not_be_accepted() -> None:
    """By no key: the pair has one row and one box."""
    pair = {f"{BIG}/gpu_count", f"{BIG}/--tensor-parallel-size"}
    async with s.dashboard(s.FakeEngine(s.decided())) as (app, pilot):
        screen = await reviewing(app, pilot)
        await pilot.press("j")
        assert s.shows(app, "[ ] gpu_count 2 → 4 + --tensor-parallel-size 2 → 4")
        for keys in (("space",), ("space",), ("minus",), ("A",), ("U",), ("asterisk",), ("D",), ("U",)):
            await pilot.press(*keys)
            taken = {change.id for change in screen.review.accepted} & pair
            assert taken in (set(), pair), keys
        await pilot.press("equals_sign", "backspace", "8", "enter", *(["backspace"] * 1), "8", "enter")
        await s.wait_for(
            pilot, lambda: screen.review.counts.edited == 2, "both values are edited in one step"
        )
        assert screen.review.edits == {
            f"{BIG}/gpu_count": "8",
            f"{BIG}/--tensor-parallel-size": "--tensor-parallel-size=8",
        }
        await pilot.press("U")
        assert screen.review.counts.edited == 0


async def test_an_edited_value_is_accepted_shown_and_sent() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        screen = await reviewing(app, pilot)
        await pilot.press("equals_sign")
        await pilot.press(*(["backspace"] * 5), *"16384", "enter")
        await s.wait_for(
            pilot, lambda: screen.review.mark(f"{BIG}/--max-model-len") is Mark.EDITED, "the edit"
        )
        assert s.shows(app, "[e]")
        await settled(screen, pilot)
        await pilot.press("W")
        await confirming(app, pilot)
        assert s.shows(app, "--max-model-len=16384")
        await pilot.press(*"write")
        await s.wait_for(pilot, lambda: engine.answers, "the answer is sent")
    assert engine.answers[0].edited == {f"{BIG}/--max-model-len": "--max-model-len=16384"}


async def test_a_refused_edit_is_said_and_can_not_be_written() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        screen = await reviewing(app, pilot)
        await pilot.press("equals_sign", *"banana", "enter")
        await s.wait_for(pilot, lambda: screen.preview and screen.preview.problems, "the refusal")
        assert s.shows(app, "can't be written: edited item:")
        await pilot.press("W")
        await pilot.pause()
        assert app.screen is screen
    assert engine.answers == []


async def test_a_base_file_that_changed_is_said_plainly() -> None:
    changed = Problem(
        what="the base file has changed since it was read", where="granite.base.yaml", fix="run again"
    )
    engine = s.FakeEngine(s.decided(), preview=ApplyPreview(problems=(changed,)))
    async with s.dashboard(engine) as (app, pilot):
        screen = await reviewing(app, pilot)
        await pilot.press("asterisk")
        await settled(screen, pilot)
        assert s.shows(app, "the base file has changed since it was read; run again")
        await pilot.press("W")
        await pilot.pause()
        assert app.screen is screen


async def test_a_preview_that_fails_ends_neither_app_nor_review() -> None:
    class Broken(s.FakeEngine):
        def preview(self, decision: object) -> ApplyPreview:
            raise RuntimeError("secret")

    async with s.dashboard(Broken(s.decided())) as (app, pilot):
        screen = await reviewing(app, pilot)
        await settled(screen, pilot)
        assert s.shows(app, "the result can't be worked out (RuntimeError)")
        assert not s.shows(app, "secret")


async def test_another_plan_starts_the_review_again() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        screen = await reviewing(app, pilot)
        await pilot.press("asterisk")
        assert screen.review.counts.accepted == 4
        other = msgspec.structs.replace(s.plan(), base_sha256="00" * 32)
        engine.say(e.DecisionMade(report=msgspec.structs.replace(s.report(), plan=other)))
        await s.wait_for(pilot, lambda: screen.review.counts.undecided == 4, "the review starts again")
        assert s.shows(app, "the plan has changed")
        await settled(screen, pilot)
        await pilot.press("asterisk", "W")
        await s.wait_for(
            pilot, lambda: s.shows(app, "does not wait for an answer to this plan"), "the refusal"
        )
    assert engine.answers == []


async def test_views_change_from_reason_to_diff_to_result() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (200, 60)) as (app, pilot):
        await reviewing(app, pilot)
        assert s.shows(app, "131,072 tokens need 40.0 GiB of KV cache")
        await s.wait_for(pilot, lambda: s.shows(app, "if it were accepted"), "what the change would do")
        await pilot.press("v")
        await s.wait_for(pilot, lambda: s.shows(app, "@@ -17,9 +16,9 @@"), "the text diff")
        await pilot.press("v")
        await s.wait_for(
            pilot, lambda: s.shows(app, "nothing is accepted: the file would be the base"), "the result"
        )
        await pilot.press("space")
        await s.wait_for(pilot, lambda: s.shows(app, "@@ -17,9 +16,9 @@"), "the result of one change")


async def test_what_is_required_comes_first_and_the_rest_is_folded() -> None:
    async with s.dashboard(s.FakeEngine(s.decided())) as (app, pilot):
        screen = await reviewing(app, pilot)
        change = screen.current.choice
        assert change is not None and change.ids == (f"{BIG}/--max-model-len",)
        assert s.shows(app, "▸ 1 that changes no verdict: 1 removed")
        assert not s.shows(app, "remove --distributed-executor-backend")
        await pilot.press("j", "j", "enter")
        assert s.shows(app, "▾ 1 that changes no verdict") and s.shows(
            app, "[ ] remove --distributed-executor-backend"
        )
        assert screen.review.counts.undecided == 4
        await pilot.press("j", "enter")
        assert s.shows(app, "▸ 1 that changes no verdict"), "Enter on one of them folds them again"
        await pilot.press("space")
        assert screen.review.counts.accepted == 1 and s.shows(app, "1 accepted"), "the heading is a box too"


async def test_no_key_of_the_review_is_silent() -> None:
    only = msgspec.structs.replace(s.plan(), changes=s.plan().changes[3:])
    report = msgspec.structs.replace(s.report(), plan=only)
    asked = e.ApprovalRequested(request_id="b", plan_digest=only.digest)
    async with s.dashboard(s.FakeEngine([*s.decided()[:-1], e.DecisionMade(report=report), asked])) as (
        app,
        pilot,
    ):
        screen = await reviewing(app, pilot)
        assert len([line for line in screen.lines if line.choice]) == 1, "nothing required: nothing folded"
        for key, told in (
            ("U", "there is no step to undo"),
            ("A", "nothing is required; * accepts all 1"),
            ("k", ""),
            ("equals_sign", "Enter unfolds; then edit one of them"),
            ("minus", ""),
            ("minus", "it is rejected already"),
            ("asterisk", "nothing is undecided"),
            ("D", "nothing is undecided"),
            ("W", "nothing is accepted"),
            ("j", ""),
            ("V", "this row takes an argument away"),
            ("U", "undone: 0 of 1 accepted"),
            ("D", "0 of 1 accepted, 1 rejected"),
        ):
            await pilot.press(key)
            await s.wait_for(pilot, lambda text=told: s.shows(app, text), f"{key}: {told}")


async def test_invisible_characters_are_shown_as_code_points() -> None:
    tricky = Change(
        id="m/--x",
        model="m\u202e",
        operation=Operation.SET,
        flag="--x",
        old="--x=1",
        new="--x=\u200b2\x1b[2J",
        reason="r\u2066",
    )
    plan = Plan(base="b", base_sha256="0", target="t\u202e.yaml", changes=(tricky,))
    report = msgspec.structs.replace(s.report(), plan=plan, hunks=())
    events = [
        *s.decided()[:-1],
        e.DecisionMade(report=report),
        e.ApprovalRequested(request_id="b", plan_digest=plan.digest),
    ]
    async with s.dashboard(s.FakeEngine(events)) as (app, pilot):
        screen = await reviewing(app, pilot)
        for shown in ("<U+202E>", "<U+200B>2<U+001B>[2J", "r<U+2066>", "invisible characters"):
            assert s.shows(app, shown), shown
        await pilot.press("asterisk")
        await settled(screen, pilot)
        await pilot.press("W")
        await confirming(app, pilot)
        assert s.shows(app, "t<U+202E>.yaml")


def test_an_edit_with_invisible_characters_is_refused() -> None:
    review = open_review(s.plan())
    with pytest.raises(ValueError, match="invisible"):
        review.edit(s.plan().changes[0].id, "--max-model-len=1\u200b6384")
    with pytest.raises(ValueError, match="empty"):
        review.edit(s.plan().changes[0].id, "  ")
    with pytest.raises(ValueError, match=r"it holds a secret"):
        review.edit(s.plan().changes[0].id, "--tokenizer=https://u:CANARY01@h.test/x")
    assert review.edit(s.plan().changes[0].id, "--api-key=$(KEY)").counts.edited == 1


def test_every_change_is_in_exactly_one_box() -> None:
    choices = open_review(s.plan()).choices
    assert sorted(i for choice in choices for i in choice.ids) == sorted(c.id for c in s.plan().changes)


def test_rejecting_an_edited_change_forgets_the_edit() -> None:
    first = s.plan().changes[0].id
    review = open_review(s.plan()).edit(first, "--max-model-len=5").set((first,), Mark.REJECTED)
    assert review.decision(write=True).edited == {}
    assert review.decision(write=True).accepted == ()


@pytest.mark.parametrize("size", s.SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_a_change_would_do_is_worked_out_before_it_is_accepted(size: tuple[int, int]) -> None:
    engine = s.FakeEngine(s.decided())
    asked: list[tuple[str, ...]] = []

    def watched(decision: Decision) -> ApplyPreview:
        asked.append(decision.accepted)
        return s.FakeEngine.preview(engine, decision)

    engine.preview = watched  # type: ignore[method-assign]
    async with s.dashboard(engine, size) as (app, pilot):
        screen = await reviewing(app, pilot)
        await pilot.press("j")
        choice = screen.current.choice
        assert choice is not None and len(choice.changes) == 2, "a change that needs another one"
        await s.wait_for(pilot, lambda: screen.tried is not None, "what it would do")
        await s.wait_for(pilot, lambda: set(choice.ids) in map(set, asked), "with its partner")
        assert screen.review.counts.accepted == 0 and screen.review.decision(write=True).accepted == ()
        while not s.shows(app, "if they were accepted"):
            assert s.shows(app, "PgDn"), "a short screen scrolls to it"
            await pilot.press("pagedown")
        await pilot.press("space")
        await s.wait_for(pilot, lambda: screen.review.counts.accepted == 2, "both of them are marked")
