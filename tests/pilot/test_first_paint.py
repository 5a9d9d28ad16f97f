"""The screen must not wait for what only the engine needs, nor for panels that have nothing to show."""

from __future__ import annotations

import subprocess
import sys

import pytest
from textual import events

from modelcar_tui.supervisor import RunState
from modelcar_tui.tui import glyphs
from modelcar_tui.tui.ahead import BEGIN, ahead
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.front import with_board
from modelcar_tui.tui.screens.dashboard import DashboardScreen
from modelcar_tui.tui.screens.front import FrontScreen
from modelcar_tui.tui.screens.gpus import GpuScreen

from . import support as s

HEAVY = (
    "langgraph",
    "langchain_core",
    "google",
    "kubernetes",
    "pydantic",
    "httpx",
    "yaml",
    "langsmith",
    "modelcar_tui.tui.screens.dashboard",
    "modelcar_tui.tui.widgets.models",
    "modelcar_tui.tui.widgets.log",
    "modelcar_tui.tui.faces.qa",
    "modelcar_tui.tui.patterns",
    "modelcar_tui.qa.log.spool",
)
MOST_MODULES = 141
"""Of ours. Each costs 0.1 to 1 ms; say in the commit why the first frame needs one more."""
MOST_WIDGETS = 8
"""Each costs 0.5 ms until it is painted."""


def loaded(code: str) -> list[str]:
    """The modules after `code` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.split()


def test_the_first_frame_waits_for_nothing_that_it_does_not_show() -> None:
    start = (
        "from modelcar_tui import cli\n"
        "from modelcar_tui.commands import start\n"
        "start.parser().parse_args(['FILE', '--gpu', 'L40S:4'])\n"
        "from modelcar_tui.commands import dashboard\n"
    )
    before = loaded(f"{start}from modelcar_tui.tui import painted_ahead")
    assert [name for name in before if name in ("textual", "rich.console", "rich.style", "asyncio")] == []
    names = loaded(f"{start}from modelcar_tui.tui import run_dashboard")
    assert [name for name in HEAVY if name in names] == []
    ours = [name for name in names if name.partition(".")[0] == "modelcar_tui"]
    assert "modelcar_tui.tui.app" in ours
    assert len(ours) <= MOST_MODULES, sorted(ours)


class Watched(DashboardApp):
    """Types before the first paint, and keeps what is mounted and shown at it."""

    mounted: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    first: type[object] = object

    def on_mount(self) -> None:
        # Textual calls the handlers of the classes below, too.
        self.post_message(events.Key("g", "g"))

    async def _start(self) -> None:
        self.first = type(self.screen)
        self.rows = tuple(s.screen_text(self))
        self.mounted = tuple(type(one).__name__ for one in self.query("*"))
        await super()._start()


async def test_the_first_frame_mounts_few_widgets_and_a_key_typed_before_it_is_heard_after() -> None:
    engine = s.FakeEngine(s.decided())
    app = Watched(engine)
    async with app.run_test(size=(120, 40)) as pilot:
        await s.wait_for(pilot, lambda: "start" in engine.calls, "the engine is started")
        await s.wait_for(pilot, lambda: isinstance(app.screen, GpuScreen), "the early key opens the GPUs")
        assert app.first is FrontScreen
        assert 4 <= len(app.mounted) <= MOST_WIDGETS, app.mounted
        assert [type(one) for one in app.screen_stack] == [FrontScreen, DashboardScreen, GpuScreen]


@pytest.mark.parametrize("only_ascii", [False, True], ids=["unicode", "ascii"])
@pytest.mark.parametrize("demo", [False, True], ids=["", "demo"])
@pytest.mark.parametrize("size", [(40, 10), (60, 20), (80, 24), (120, 40), (200, 60)], ids=str)
async def test_what_is_painted_before_textual_is_loaded_stays_where_it_is(
    size: tuple[int, int], *, demo: bool, only_ascii: bool
) -> None:
    state = RunState(path="/srv/models/\x1b[2Jgr\u00e4nite.base.yaml", demo=demo)
    engine = s.FakeEngine(s.decided())
    app = Watched(engine, initial=state, ascii=only_ascii)
    async with app.run_test(size=size) as pilot:
        await s.wait_for(pilot, lambda: app.rows, "the first frame")
    face = Face(state=with_board(state), glyphs=glyphs.ASCII if only_ascii else glyphs.UNICODE)
    sent = ahead(face, *size)
    assert sent.startswith(BEGIN)
    shown = sent.removeprefix(BEGIN).split("\r\n")
    assert "\x1b" not in "".join(shown)
    assert len(shown) >= 4
    assert [row.rstrip() for row in app.rows[: len(shown)]] == shown
    assert not "".join(app.rows[len(shown) : -1]).strip()
