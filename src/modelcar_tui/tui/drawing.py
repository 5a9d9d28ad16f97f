"""One screen of a recorded run as a picture, without a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from textual.pilot import Pilot
from textual.strip import Strip

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.painted import strips_of
from modelcar_tui.tui.replay import ReplayPort
from modelcar_tui.tui.screens.base import Faced
from modelcar_tui.tui.screens.dashboard import DashboardScreen
from modelcar_tui.tui.snapshot import svg_of

PATIENCE_S = 60.0
"""Seconds until a screen that does not come to rest is given up."""
STILL_S, LOG_STILL_S = 0.25, 0.6
"""Longer than the dashboard leaves the recording, and its log, alone between two looks at them."""


class Way(NamedTuple):
    """How a screen is reached from the dashboard."""

    keys: tuple[str, ...]
    """By Textual's names."""
    opens: bool = True
    """It is a screen of its own, which a run may have nothing to show on."""


SCREENS = {
    "dashboard": Way((), opens=False),
    "models": Way(("m", "z"), opens=False),
    "model": Way(("m", "enter")),
    "review": Way(("d",)),
    "diff": Way(("d", "v")),
    "gpus": Way(("g",)),
    "log": Way(("l",)),
    "cause": Way(("l", "e")),
    "summary": Way(("o",)),
    "keys": Way(("question_mark",)),
}
"""The screens that can be drawn, by their names on the command line."""


class Drawn(DashboardApp):
    """The dashboard where no line can be slow: a busy machine leaves no trace in a picture."""

    def _notice_slowness(self, late: float) -> None:
        pass

    def _make_player(self) -> None:
        """A picture has no line of a replay: it shows the run."""


async def draw(
    port: ReplayPort,
    size: tuple[int, int] = (120, 40),
    screen: str = "dashboard",
    *,
    theme: str | None = None,
    ascii: bool = False,  # noqa: A002
) -> str:
    """An SVG of one of `SCREENS`, as the recorded run has it at its end; the same for the same recording.

    Args:
        port: the recording, at speed 0.
        size: columns and rows of the screen.
        screen: which one.
        theme: its colours; by default the dark one.
        ascii: whether to draw no sign beyond ASCII.

    Raises:
        UserError: the run has nothing to show there.
    """
    app = Drawn(port, theme=theme or "dark", ascii=ascii)
    async with app.run_test(size=size) as pilot:
        await _until(pilot, lambda: port.told and _has_dashboard(app))
        await _rest(pilot, app, LOG_STILL_S if app.state.qa.started.log else STILL_S)
        if app.screen.is_modal:  # what a live run would ask or tell by itself
            await _until(pilot, lambda: _hears(app))
            await pilot.press("escape")
            await _rest(pilot, app)
        for key in SCREENS[screen].keys:
            await _until(pilot, lambda: _hears(app))
            await pilot.press(key)
            await _rest(pilot, app)
        if SCREENS[screen].opens and isinstance(app.screen, DashboardScreen):
            what = f"this run has nothing to show on the screen {screen!r}"
            said = f"{what}: {app.face.message}" if app.face.message else what
            raise UserError(Problem(what=said, fix="take another --screen"))
        app.tell("")
        await _rest(pilot, app)
        return svg_of(app, app.palette, f"modelcar-tui: {screen}")


def _has_dashboard(app: DashboardApp) -> bool:
    return any(isinstance(screen, DashboardScreen) for screen in app.screen_stack)


def _hears(app: DashboardApp) -> bool:
    return not (isinstance(app.screen, Faced) and app.screen.deaf(time.monotonic()))


async def _rest(pilot: Pilot[int], app: DashboardApp, still_s: float = STILL_S) -> None:
    """Until nothing changes any more, and nothing is worked out in a thread or read from the log."""
    last: list[Strip] = []
    since = time.monotonic()

    def calm() -> bool:
        nonlocal last, since
        drawn = strips_of(app)
        if drawn != last or app.index.busy or any(worker.is_running for worker in app.workers):
            last, since = drawn, time.monotonic()
        return time.monotonic() - since > still_s

    await _until(pilot, calm)


async def _until(pilot: Pilot[int], true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            what = f"the screen did not come to rest within {PATIENCE_S:.0f} s"
            raise UserError(Problem(what=what), status=ExitStatus.TIMED_OUT)
        await pilot.pause(0.02)
