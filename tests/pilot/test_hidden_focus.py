"""The focus never stands in a panel that is not shown, and what hangs on a row follows the filter."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from modelcar_tui.qa.types import QaOutcome
from modelcar_tui.supervisor import events as e
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.screens.dashboard import DashboardScreen
from modelcar_tui.tui.widgets.panels import SpecialistPane
from pilot import states
from pilot import support as s

SIZES = ((40, 10), (60, 20), (80, 24), (110, 34), (160, 50))


def _focused(app: DashboardApp) -> str:
    return str(app.screen.focused.id) if app.screen.focused is not None else ""


def _shown(app: DashboardApp) -> bool:
    """Whether the focused panel has a place."""
    screen = app.screen
    assert isinstance(screen, DashboardScreen)
    return _focused(app) in screen._board.places


@pytest.mark.parametrize("size", SIZES)
async def test_a_specialist_that_ends_while_it_is_looked_at_stays_until_it_is_left(
    size: tuple[int, int], tmp_path: Path
) -> None:
    engine = s.FakeEngine(states.qa_running(tmp_path))
    async with s.dashboard(engine, size) as (app, pilot):
        for _ in range(8):
            if isinstance(app.screen.focused, SpecialistPane):
                break
            await pilot.press("tab")
        assert _focused(app) == "pane-4"
        outcome = QaOutcome(code="QA_OK", message="25 tests passed")
        engine.say(
            e.QaFinished(outcome=outcome),
            e.SpecialistFinished(specialist="qa", status=e.Status.DONE, summary="25 tests passed"),
        )
        await s.wait_for(pilot, lambda: app.state.qa.outcome is not None, "the outcome")
        await s.wait_for(pilot, lambda: _shown(app), "the pane is shown still")
        assert _focused(app) == "pane-4"
        await pilot.press("escape")
        await s.wait_for(pilot, lambda: _focused(app) == "models" and _shown(app), "back at the models")


@pytest.mark.parametrize("size", SIZES)
async def test_a_panel_that_has_nothing_to_tell_any_more_gives_the_focus_back(size: tuple[int, int]) -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine, size) as (app, pilot):
        for _ in range(8):
            if _focused(app) == "plan":
                break
            await pilot.press("tab")
        assert _focused(app) == "plan"
        plan = msgspec.structs.replace(s.plan(), changes=())
        engine.say(e.DecisionMade(report=msgspec.structs.replace(s.report(), plan=plan, hunks=())))
        await s.wait_for(pilot, lambda: _focused(app) == "models" and _shown(app), "the models")


async def test_the_page_and_the_node_are_those_of_the_row_that_a_filter_leaves() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (120, 40)) as (app, pilot):
        await pilot.press("slash", *"bge")
        await s.wait_for(
            pilot, lambda: "bge-m3-embedding" in s.view(app, "#page").plain()[0], "the page of bge"
        )
        await pilot.press("escape", "g")
        await s.wait_for(pilot, lambda: not isinstance(app.screen, DashboardScreen), "the GPUs")
        await pilot.press("slash", *"l40s")
        await s.wait_for(pilot, lambda: "ip-10-0-80-150" in s.view(app, "#node").plain()[0], "its node")


async def test_an_expression_that_takes_too_long_is_told_as_that() -> None:
    first, *others = s.report().models
    slow = msgspec.structs.replace(first, why=f"{'a' * 200} b")
    report = msgspec.structs.replace(s.report(), models=(slow, *others))
    async with s.dashboard(s.FakeEngine([*s.decided(), e.DecisionMade(report=report)]), (120, 40)) as (
        app,
        pilot,
    ):
        await pilot.press("slash", *"(a|aa)+$")
        await s.wait_for(pilot, lambda: s.shows(app, "takes too long; say it simpler"), "the reason")
        await pilot.press("escape")
        await s.wait_for(pilot, lambda: s.shows(app, "bge-m3-embedding"), "all models again")


@pytest.mark.parametrize("size", SIZES[2:])
async def test_the_row_under_the_cursor_stays_beside_whatever_is_looked_at(size: tuple[int, int]) -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), size) as (app, pilot):
        await pilot.press("end")
        for _ in range(5):
            await pilot.press("tab")
            assert _shown(app)
            table = s.view(app, "#models")
            assert "models" in app.screen._board.places, _focused(app)  # type: ignore[attr-defined]
            assert any("bge-m3-embedding" in line for line in table.plain()), _focused(app)


async def test_the_letter_of_a_panel_that_has_gone_meanwhile_goes_nowhere() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine, (120, 40)) as (app, pilot):
        await pilot.press("4", "ctrl+o")
        letter = app.face.labels["pane-4"]
        engine.say(msgspec.structs.replace(s.begin()[0], panes=s.PANES[:2]))
        await s.wait_for(
            pilot, lambda: not any(one.id == "pane-4" for one in app.screen.query(".panel")), "it has gone"
        )
        await pilot.press(letter)
        await s.wait_for(pilot, lambda: s.shows(app, "that panel is gone"), "why nothing moved")
        assert app.face.labels == {}


async def test_enter_on_a_list_that_a_filter_has_emptied_says_a_word() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (80, 24)) as (app, pilot):
        await pilot.press("slash", *"zzz", "enter")
        await s.wait_for(pilot, lambda: s.shows(app, "no model passes the filter"), "nothing is left")
        await pilot.press("enter")
        await s.wait_for(pilot, lambda: s.shows(app, "no model is under the cursor"), "a word")
