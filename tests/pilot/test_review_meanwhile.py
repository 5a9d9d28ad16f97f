"""What comes while the operator is in the review: another plan, no plan, an answer from elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import pytest
from textual.pilot import Pilot

from modelcar_tui.manifest.plan import Decision
from modelcar_tui.supervisor import events as e
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.screens.confirm import ConfirmDialog
from modelcar_tui.tui.screens.dashboard import DashboardScreen
from modelcar_tui.tui.screens.diff import DiffScreen
from modelcar_tui.tui.screens.prompt import Prompt
from pilot import support as s


def _decided(changes: slice) -> e.DecisionMade:
    """A decision whose plan has some of the changes only."""
    plan = msgspec.structs.replace(s.plan(), changes=s.plan().changes[changes])
    return e.DecisionMade(report=msgspec.structs.replace(s.report(), plan=plan, hunks=()))


NO_CHANGES, ONE_CHANGE = _decided(slice(0)), _decided(slice(3, 4))
ANSWERED = e.ApprovalGiven(decision=Decision(plan_digest=s.plan().digest, who="bob"))


@pytest.fixture(autouse=True)
def short_deafness(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second is waited for only where it is what the test is about."""
    monkeypatch.setattr(DiffScreen, "deaf_s", 0.05)
    monkeypatch.setattr(ConfirmDialog, "deaf_s", 0.05)


async def _reviewing(app: DashboardApp, pilot: Pilot[int]) -> DiffScreen:
    await pilot.press("d")
    await s.wait_for(pilot, lambda: isinstance(app.screen, DiffScreen), "the review is open")
    await s.hears(app, pilot)
    screen = app.screen
    assert isinstance(screen, DiffScreen)
    await s.wait_for(pilot, lambda: screen.query_one(Prompt).ready, "the line for values is there")
    return screen


def _proposed(app: DashboardApp) -> int:
    return len(app.state.decision.plan.changes) if app.state.decision is not None else 0


async def _list(app: DashboardApp, pilot: Pilot[int]) -> None:
    """Only the list."""


async def _value(app: DashboardApp, pilot: Pilot[int]) -> None:
    await pilot.press("equals_sign")
    assert app.screen.query_one(Prompt).open


async def _write(app: DashboardApp, pilot: Pilot[int]) -> None:
    await pilot.press("A", "W")
    await _asked(app, pilot)


async def _reject(app: DashboardApp, pilot: Pilot[int]) -> None:
    await pilot.press("R")
    await _asked(app, pilot)


async def _asked(app: DashboardApp, pilot: Pilot[int]) -> None:
    await s.wait_for(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the word is asked for")
    await s.hears(app, pilot)


Where = Callable[[DashboardApp, Pilot[int]], Awaitable[None]]
WHERE: dict[Where, tuple[str, ...]] = {
    _list: (),
    _value: ("9", "enter"),
    _write: tuple("write"),
    _reject: tuple("reject"),
}
"""Where the operator is, and what is typed next there."""


@pytest.mark.parametrize("where", WHERE)
async def test_a_plan_without_changes_ends_the_review_and_nothing_is_sent(where: Where) -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        await _reviewing(app, pilot)
        await where(app, pilot)
        engine.say(NO_CHANGES)
        await s.wait_for(pilot, lambda: not _proposed(app), "the plan has come")
        if isinstance(app.screen, ConfirmDialog):
            await pilot.press(*WHERE[where])
        await s.wait_for(pilot, lambda: isinstance(app.screen, DashboardScreen), "the review is left")
        reasons = ("no changes are proposed any more", "not sent: ")
        await s.wait_for(pilot, lambda: any(s.shows(app, why) for why in reasons), "the reason")
        await pilot.press("d")
        await s.wait_for(pilot, lambda: s.shows(app, "no changes are proposed"), "nothing to review")
    assert engine.answers == []


@pytest.mark.parametrize("where", WHERE)
async def test_a_word_that_was_asked_for_another_plan_answers_nothing(where: Where) -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        screen = await _reviewing(app, pilot)
        await where(app, pilot)
        request = e.ApprovalRequested(request_id="a2", plan_digest=ONE_CHANGE.report.plan.digest)
        engine.say(ONE_CHANGE, request)
        await s.wait_for(pilot, lambda: _proposed(app) == 1 and app.state.waiting_for_approval, "the plan")
        assert not screen.query_one(Prompt).open, "the value is of a change that is gone"
        await pilot.press(*WHERE[where])
        await s.wait_for(pilot, lambda: app.screen is screen, "the review")
        await s.wait_for(
            pilot, lambda: screen.review.plan == ONE_CHANGE.report.plan, "the review starts again"
        )
        assert screen.review.counts.undecided == 1
    assert engine.answers == []
    assert not any(one.edited for one in engine.marked)


@pytest.mark.parametrize("where", [_write, _reject])
async def test_a_word_for_a_plan_that_was_answered_elsewhere_is_not_sent(where: Where) -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        screen = await _reviewing(app, pilot)
        await where(app, pilot)
        engine.say(ANSWERED)
        await s.wait_for(pilot, lambda: not app.state.waiting_for_approval, "the answer has come")
        await pilot.press(*WHERE[where])
        await s.wait_for(pilot, lambda: app.screen is screen, "the review")
        await s.wait_for(pilot, lambda: s.shows(app, "to look at only: the plan was rejected"), "why")
    assert engine.answers == []


async def test_a_screen_that_is_left_twice_takes_none_below_along() -> None:
    async with s.dashboard(s.FakeEngine(s.decided())) as (app, pilot):
        screen = await _reviewing(app, pilot)
        screen.action_back()
        screen.action_back()
        await s.wait_for(pilot, lambda: isinstance(app.screen, DashboardScreen), "the dashboard")
        assert len(app.screen_stack) == 2
