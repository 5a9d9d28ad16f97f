"""The dashboard at four sizes, its keys, its panes, its quiet."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from modelcar_tui.core.secrets import Redactor
from modelcar_tui.core.settings_table import THEMES
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.joining import Refused
from modelcar_tui.supervisor.registry import panes
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.specialist import Context
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.tui.faces.results import configuration_rows
from modelcar_tui.tui.glyphs import UNICODE
from modelcar_tui.tui.run import run_dashboard
from modelcar_tui.tui.themes import PALETTES
from pilot import support as s


@pytest.mark.parametrize("size", s.SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_size_shows_verdict_question_and_keys_and_fits(size: tuple[int, int]) -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), size) as (app, _):
        rows = s.screen_text(app)
        assert len(rows) == size[1]
        assert all(len(row) == size[0] for row in rows)
        assert rows[1].startswith(" NO-GO ✗ ")
        assert any(row.startswith(" next  A: accept the 3 required   d: review all 4 ") for row in rows[2:4])
        assert " d review " in rows[-1]


async def test_the_wide_layout_shows_everything_at_once(tmp_path: Path) -> None:
    engine = s.FakeEngine(s.in_qa(s.spool(tmp_path, 50), 50))
    async with s.dashboard(engine, (120, 40)) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "50 lines follow"), "the log is read")
        text = "\n".join(s.screen_text(app))
        for part in (
            "1 Configuration",
            "2 Accelerator",
            "3 Decision",
            "4 QA",
            "GPUs",
            "[QA] log",
            "9/25",
            "8 passed",
            "1 failed",
            "4 x 143 GiB",
            "131,072 tokens need 40.0 GiB of KV cache",
        ):
            assert part in text, part


async def test_resize_changes_the_layout_and_loses_nothing(tmp_path: Path) -> None:
    engine = s.FakeEngine(s.in_qa(s.spool(tmp_path, 50), 50))
    async with s.dashboard(engine, (120, 40)) as (app, pilot):
        for size in ((60, 20), (200, 60), (80, 24), (120, 40), (20, 5), (120, 40)):
            await pilot.resize_terminal(*size)
            await s.wait_for(
                pilot, lambda size=size: len(s.screen_text(app)) == size[1], f"{size} is painted"
            )
        await s.wait_for(
            pilot, lambda: s.shows(app, "1 Configuration") and s.shows(app, "4 QA"), "all panes are back"
        )


async def test_number_keys_open_and_close_one_specialist_each_in_the_small_layouts() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (60, 20)) as (app, pilot):
        for key, text in (
            ("1", "197 GiB in all"),
            ("2", "qa-operator"),
            ("3", "143 vs 80 GiB x4"),
            ("4", "Prepare container"),
        ):
            await pilot.press(key)
            await s.wait_for(pilot, lambda text=text: s.shows(app, text), f"{key} shows {text}")
        await pilot.press("9")
        await s.wait_for(pilot, lambda: s.shows(app, "there is no specialist 9"), "a word for a dead key")
        assert s.shows(app, "Prepare container"), "a number without a specialist changes nothing"
        await pilot.press("4")
        await s.wait_for(pilot, lambda: not s.shows(app, "Prepare container"), "the same key closes it")
        assert s.shows(app, "llama-3.3")


async def test_a_specialist_s_pane_is_open_while_it_works_and_one_row_when_it_is_done() -> None:
    engine = s.FakeEngine(s.begin())
    async with s.dashboard(engine, (80, 24)) as (app, pilot):
        assert s.shows(app, "Inspect the images")
        assert s.shows(app, "qa-operator at api.prod")
        assert not s.shows(app, "Compare needs with GPU memory")
        engine.say(*s.decided()[len(s.begin()) :])
        await s.wait_for(pilot, lambda: s.shows(app, "3 required"), "the plan")
        await s.wait_for(pilot, lambda: not s.shows(app, "Inspect the images"), "the panes closed")
        assert s.shows(app, "1 Configuration ▲  2 Accelerator ✓  3 Decision ✗  4 QA ○")


async def test_tab_goes_through_the_panels_that_tell_something_and_the_frame_lights_up(
    tmp_path: Path,
) -> None:
    engine = s.FakeEngine(s.in_qa(s.spool(tmp_path, 50), 50))
    async with s.dashboard(engine, (120, 40)) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "50 lines follow"), "the log is read")
        seen = []
        for _ in range(7):
            await pilot.press("tab")
            seen.append(app.focused.id if app.focused else None)
            assert app.focused is not None
            assert app.focused.id in app.screen.query_one("#board").places  # type: ignore[attr-defined]
        assert seen == ["page", "gpus", "log", "pane-4", "models", "page", "gpus"]
        await pilot.press("shift+tab")
        assert app.focused is not None
        assert app.focused.id == "page"


async def test_zoom_gives_one_panel_the_screen_and_takes_it_back() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (120, 40)) as (app, pilot):
        await pilot.press("3", "z")
        last = "warning  llama-3.3-70b-instruct-fp8-dynamic: not needed here"
        await s.wait_for(pilot, lambda: s.shows(app, last), "the whole pane is there")
        assert not s.shows(app, "VERDICT")
        await pilot.press("escape")
        await s.wait_for(pilot, lambda: s.shows(app, "VERDICT"), "the table is back")
        await pilot.press("escape")
        await s.wait_for(pilot, lambda: not s.shows(app, "─ 3 Decision"), "the pane is closed")
        assert app.focused is not None
        assert app.focused.id == "models"


async def test_a_pane_scrolls_to_its_end() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (60, 20)) as (app, pilot):
        await pilot.press("3")
        await s.wait_for(pilot, lambda: s.shows(app, "3 Decision ─"), "the pane")
        assert not s.shows(app, "4 changes proposed  d to review")
        await pilot.press("end")
        await s.wait_for(pilot, lambda: s.shows(app, "4 changes proposed"), "the end of the pane")
        await pilot.press("home")
        await s.wait_for(pilot, lambda: not s.shows(app, "4 changes proposed"), "the beginning of the pane")


async def test_more_specialists_get_panes_of_their_own() -> None:
    started = s.begin()[0]
    assert isinstance(started, e.RunStarted)
    extra = e.PanePlan("licence", "Licence", (e.StepPlan("look", "Look at the licence"),))
    events = [
        msgspec.structs.replace(started, panes=(*s.PANES, extra)),
        e.SpecialistStarted(specialist="licence"),
        e.SpecialistFinished(
            specialist="licence", status=e.Status.DONE, summary="apache-2.0", lines=("all models", "are free")
        ),
    ]
    async with s.dashboard(s.FakeEngine(events), (120, 60)) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "apache-2.0"), "the fifth row")
        await pilot.press("5", "z")
        await s.wait_for(pilot, lambda: s.shows(app, "are free"), "the fifth pane alone")


@pytest.mark.parametrize("size", [(60, 20), (120, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_one_that_could_not_be_loaded_is_a_failed_pane(size: tuple[int, int], tmp_path: Path) -> None:
    started = s.begin()[0]
    assert isinstance(started, e.RunStarted)
    absent = Refused("licence", "Licence", "acme 1.0 (a:b) can't be loaded: ImportError")
    events: list[e.AnyEvent] = [msgspec.structs.replace(started, panes=(*s.PANES, *panes((absent,))))]
    await absent.run(
        Context("licence", Settings(manifest=""), tmp_path, events.append, RunState(), Redactor())
    )
    async with s.dashboard(s.FakeEngine(events), size) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "Licence: acme 1.0 (a:b)"), "the notice")
        await pilot.press("5")
        await s.wait_for(pilot, lambda: s.shows(app, "5 Licence"), "the fifth pane")
        assert s.shows(app, "can't be loaded: ImportError")


@pytest.mark.parametrize("size", [(60, 20), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_ascii_shows_only_ascii_on_every_screen(size: tuple[int, int], tmp_path: Path) -> None:
    engine = s.FakeEngine(s.in_qa(s.spool(tmp_path, 50), 50))
    async with s.dashboard(engine, size, ascii=True) as (app, pilot):
        for keys in ((), ("g",), ("q", "l"), ("q", "d"), ("question_mark",), ("tab",), ("q", "q", "ctrl+p")):
            if keys:
                await pilot.press(*keys)
                await pilot.pause()
            odd = {char for row in s.screen_text(app) for char in row if not char.isascii()}
            assert not odd, (keys, odd)


@pytest.mark.parametrize("size", [(60, 20), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_demo_is_marked_on_every_screen(size: tuple[int, int], tmp_path: Path) -> None:
    engine = s.FakeEngine(s.in_qa(s.spool(tmp_path, 50), 50, demo=True))
    async with s.dashboard(engine, size) as (app, pilot):
        for key in (
            "",
            "g",
            "q",
            "l",
            "q",
            "d",
            "q",
            "question_mark",
            "q",
            "ctrl+p",
            "escape",
            "o",
            "escape",
            "q",
        ):
            if key:
                await s.hears(app, pilot)
                await pilot.press(key)
                await pilot.pause()
            assert "DEMO" in "\n".join(s.screen_text(app)), key


def test_the_command_line_offers_every_theme() -> None:
    assert tuple(PALETTES) == THEMES


@pytest.mark.parametrize("theme", PALETTES)
async def test_every_theme_paints_the_same_text(theme: str) -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), theme=theme) as (app, _):
        assert s.shows(app, "NO-GO ✗")
        assert app.theme == theme


async def test_no_color_leaves_no_colour_and_goes_on_to_children(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("NO_COLOR", "1")
    async with s.dashboard(s.FakeEngine(s.decided())) as (app, _):
        assert os.environ["NO_COLOR"] == "1"
        for strip in app.screen._compositor.render_strips():
            for segment in strip:
                style = segment.style
                for color in (style.color, style.bgcolor) if style else ():
                    assert color is None or color.is_default, (segment.text, color)


async def test_an_empty_no_color_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    async with s.dashboard(s.FakeEngine(s.decided())) as (app, _):
        assert app.theme == "dark"


async def test_the_operator_is_told_of_the_question_and_not_interrupted_while_typing() -> None:
    engine = s.FakeEngine(s.decided()[:-1])
    async with s.dashboard(engine) as (app, pilot):
        await pilot.press("slash", "a", "b")
        focused = app.focused
        engine.say(s.decided()[-1])
        await s.wait_for(pilot, lambda: s.shows(app, "d: review all 4"), "the question is announced")
        assert app.focused is focused
        await pilot.press("c")
        await s.wait_for(pilot, lambda: s.shows(app, "/ abc"), "typing goes on")


async def test_unknown_is_never_shown_as_a_number() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (200, 60)) as (app, _):
        text = "\n".join(s.screen_text(app))
        assert "8 of 11 GPUs and an unknown number of 4 MIG slices free, 4 nodes" in text
        assert "?/4" in text
        assert "~25-36 GiB" in text


async def test_help_explains_a_number_down_to_its_terms() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (120, 40)) as (app, pilot):
        await pilot.press("1", "question_mark")
        await s.wait_for(pilot, lambda: s.shows(app, "why: Configuration"), "help is open")
        for part in (
            "weights + 10 %, all its GPUs together",
            "18.4 GiB",
            "computed",
            "s ago",
            "the sum",
            "weights",
            "safetensors headers",
        ):
            assert s.shows(app, part), part
        await pilot.press("tab")
        await s.wait_for(pilot, lambda: s.shows(app, "review the proposed changes"), "the keys")


async def test_the_palette_runs_a_command_and_changes_the_theme() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (120, 40)) as (app, pilot):
        await pilot.press("ctrl+p", *"all gpu", "enter")
        await s.wait_for(pilot, lambda: s.shows(app, "· GPUs"), "the GPU screen")
        await pilot.press("q", "ctrl+p", *"light", "enter")
        await s.wait_for(pilot, lambda: app.theme == "light", "the light theme")


async def test_an_idle_screen_paints_nothing() -> None:
    async with s.dashboard(s.FakeEngine(s.decided())) as (app, pilot):
        await pilot.pause(0.3)
        painted: list[object] = []
        display = app._display

        def watched(screen: object, what: object) -> None:
            painted.append(what)
            display(screen, what)

        app._display = watched
        end = time.monotonic() + 1.5
        await s.wait_for(pilot, lambda: time.monotonic() > end, "a while")
        assert [what for what in painted if what is not None] == []


async def test_while_something_runs_only_its_time_is_repainted() -> None:
    engine = s.FakeEngine(s.begin())
    async with s.dashboard(engine) as (app, pilot):
        pane = s.view(app, "#pane-1")
        before = pane.plain()
        engine.time += 1
        await s.wait_for(pilot, lambda: pane.plain()[0] != before[0], "the second is shown")
        assert pane.plain()[1:] == before[1:]


async def test_a_late_timer_slows_the_pace_and_says_so() -> None:
    async with s.dashboard(s.FakeEngine(s.begin())) as (app, pilot):
        app._last_tick = time.monotonic() - 2
        await s.wait_for(pilot, lambda: app.face.slow, "slowness is noticed")
        app.show()
        assert s.shows(app, "slow line")


async def test_the_summary_comes_at_the_end_and_q_leaves_with_the_run_s_status(tmp_path: Path) -> None:
    engine = s.FakeEngine(s.finished(s.spool(tmp_path, 50), 50))
    async with s.dashboard(engine) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "Summary"), "the summary")
        assert s.shows(app, "QA_ERROR:TESTS_FAILED: 1 of 25 tests failed")
        assert s.shows(app, "4 (QA failed) after")
        await s.hears(app, pilot)
        await pilot.press("q")
        await s.wait_for(pilot, lambda: app._exit, "the app ends")
    assert app.return_value == 4


@pytest.mark.parametrize(("key", "call", "status"), [("S", "cancel", 130), ("L", "detach", 1)])
async def test_quitting_a_live_run_asks(key: str, call: str, status: int, tmp_path: Path) -> None:
    engine = s.FakeEngine(s.in_qa(s.spool(tmp_path, 5), 5))
    async with s.dashboard(engine) as (app, pilot):
        await pilot.press("q")
        await s.wait_for(pilot, lambda: s.shows(app, "The run is still going on"), "the question")
        await pilot.press("q")
        await s.wait_for(pilot, lambda: not s.shows(app, "still going on"), "staying")
        assert engine.calls == ["start"]
        await pilot.press("ctrl+c")
        await s.wait_for(pilot, lambda: s.shows(app, "The run is still going on"), "the question again")
        await pilot.press(key)
        await s.wait_for(pilot, lambda: app._exit, "the app ends")
    assert engine.calls == ["start", call]
    assert app.return_value == status


async def test_detaching_is_only_offered_while_qa_runs() -> None:
    engine = s.FakeEngine(s.begin())
    async with s.dashboard(engine) as (app, pilot):
        await pilot.press("q")
        await s.wait_for(pilot, lambda: s.shows(app, "The run is still going on"), "the question")
        assert not s.shows(app, "leave:")
        await pilot.press("L")
        assert engine.calls == ["start"]


def test_the_entry_point_is_where_the_command_line_expects_it() -> None:
    assert callable(run_dashboard)


def test_one_need_has_one_number_once_there_is_a_verdict() -> None:
    """Configuration's first sum is of the weights; what the model must have at its arguments is told then."""
    events = s.decided()
    until = next(at for at, event in enumerate(events) if isinstance(event, e.DecisionMade))
    before, after = (
        fold(e.Stamped(number, 0.0, event) for number, event in enumerate(part))
        for part in (events[:until], events)
    )
    assert after.decision is not None
    judged = [model for model in after.decision.models if model.needed_gib.known]
    assert judged
    texts = {
        name: "".join(span[0] for one in configuration_rows(state, 100, UNICODE) for span in one.spans)
        for name, state in (("before", before), ("after", after))
    }
    for model in judged:
        assert f"{model.needed_gib.value:.1f} GiB" in texts["after"]
    first = before.models[0].required_vram_gib
    assert f"{first.value:.1f} GiB" in texts["before"]
