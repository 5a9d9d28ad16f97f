"""A screen of 40x10 shows what a key would act on, and the way out; a smaller one still says what ends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcar_tui.tui.screens.dashboard import DashboardScreen
from modelcar_tui.tui.screens.diff import DiffScreen
from modelcar_tui.tui.screens.finish import FinishDialog
from pilot import states
from pilot import support as s

SHORT = (40, 10)
PLACES = {
    "d": ("[ ] --max-model-len", "W write"),
    "g": ("ip-1", "q back"),
    "l": ("no lines yet", "q back"),
    "question_mark": ("memory that one", "q back"),
    "enter": ("llama-3.3-70b", "q back"),
}
"""By the key that opens the screen: the row under its cursor or its first row, and a key at its foot."""


@pytest.mark.parametrize("key", PLACES)
async def test_each_screen_shows_its_row_and_its_keys_at_40x10(key: str, tmp_path: Path) -> None:
    async with s.dashboard(s.FakeEngine(states.waiting(tmp_path)), SHORT) as (app, pilot):
        await pilot.press(key)
        await s.wait_for(pilot, lambda: not isinstance(app.screen, DashboardScreen), "the screen")
        row, way_out = PLACES[key]
        await s.wait_for(pilot, lambda: s.shows(app, row), "the row under the cursor")
        assert way_out in s.screen_text(app)[-1]


async def test_the_row_under_the_cursor_of_a_review_stays_on_a_short_screen(tmp_path: Path) -> None:
    async with s.dashboard(s.FakeEngine(states.waiting(tmp_path)), (120, 40)) as (app, pilot):
        await pilot.press("d")
        await s.wait_for(pilot, lambda: isinstance(app.screen, DiffScreen), "the review is open")
        await s.hears(app, pilot)
        await pilot.resize_terminal(*SHORT)
        await pilot.press("j")
        await s.wait_for(pilot, lambda: s.shows(app, "[ ] gpu_count 2"), "the second change")
        await pilot.press("j")
        await s.wait_for(pilot, lambda: s.shows(app, "1 that changes no verdict"), "the heading")


async def test_what_a_quit_offers_is_never_cut(tmp_path: Path) -> None:
    async with s.dashboard(s.FakeEngine(states.waiting(tmp_path)), SHORT) as (app, pilot):
        await pilot.press("q")
        await s.wait_for(pilot, lambda: s.shows(app, "stop the run"), "the question")
        text = " ".join(line.strip("│ ") for line in s.screen_text(app))
        assert "nothing more is" in text
        assert "written, it can be resumed" in text


async def test_the_keys_of_a_dialog_are_its_last_rows_on_the_smallest_screen(tmp_path: Path) -> None:
    async with s.dashboard(s.FakeEngine(states.finished(tmp_path)), (30, 5)) as (app, pilot):
        await s.wait_for(pilot, lambda: isinstance(app.screen, FinishDialog), "the summary")
        await s.wait_for(pilot, lambda: s.shows(app, "q quits"), "the keys")


@pytest.mark.parametrize("size", [SHORT, (60, 20), (80, 24), (120, 40)])
async def test_no_meaning_of_a_key_is_cut_in_the_list_of_all_keys(size: tuple[int, int]) -> None:
    async with s.dashboard(s.FakeEngine(s.begin()), size) as (app, pilot):
        await pilot.press("question_mark")
        keys = s.view(app, "#keys")
        await s.wait_for(pilot, lambda: keys.size.height and len(keys.plain()) > 2, "the keys")
        told: list[str] = []
        for _ in range(60):
            rows = [line.strip("│ ") for line in keys.plain()[1:-1]]
            told += rows
            before = rows
            await pilot.press("j")
            if [line.strip("│ ") for line in keys.plain()[1:-1]] == before:
                break
        assert not [line for line in told if "…" in line]
        assert "never approves" in " ".join(" ".join(told).split())
