"""One run on the screen, from the first byte to the terminal's being as it was."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from modelcar_tui.core.ends import ENDS, LIMIT_S
from modelcar_tui.core.exit_codes import SIGNALLED, ExitStatus
from modelcar_tui.core.keymap import Keymap
from modelcar_tui.supervisor import STOP_S, TRY_STOP_S, RunState
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.port import EnginePort
from modelcar_tui.tui.signals import let_go_of_terminal

SETTLE_S = 1.0
"""An engine that has nothing to clean up closes its journal; what it still waits for is not waited for."""


def run_dashboard(
    port: EnginePort,
    *,
    initial: RunState | None = None,
    mouse: bool = True,
    ascii: bool = False,  # noqa: A002
    theme: str | None = None,
    low_bandwidth: bool = False,
    keys: Keymap | None = None,
    pictures: Path | None = None,
) -> int:
    """Show the run until the operator leaves; the exit status for `sys.exit`.

    `pictures` is where pictures of the screen go while there is no run's folder to write to.
    The terminal is as it was when this returns. A live engine is then stopped (or detached) and waited for.
    """
    ENDS.install()
    app = DashboardApp(
        port,
        initial=initial,
        ascii=ascii,
        theme=theme,
        low_bandwidth=low_bandwidth,
        keys=keys,
        pictures=pictures,
    )
    # A screen without a terminal is of no use, and Textual's reader would spin on its end: SIGHUP counts here
    # even where it was ignored.
    with ENDS.heard_by(app.signals, hangup=True):
        return _finish(app, port, app.run(mouse=mouse))


def _finish(app: DashboardApp, port: EnginePort, result: int | None) -> int:
    status = int(result) if result is not None else int(app.return_code or ExitStatus.INTERRUPTED)
    if status == ExitStatus.HANGUP:
        let_go_of_terminal()
    tries = app.state.trial is not None
    live = (app.state.finish is None or tries) and not app.face.replay
    if live and not app.leaving:
        # Only the operator's own stop ends QA; after a dropped line or a shutdown `--resume` finds it again.
        drops = status in SIGNALLED and status != ExitStatus.INTERRUPTED
        app.leaving = "detach" if drops and app.qa_works else "cancel"
        (port.detach if app.leaving == "detach" else port.cancel)()
    if live and app.engine_ready:
        _settle(app, port, tries=tries)
    return status


def _settle(app: DashboardApp, port: EnginePort, *, tries: bool) -> None:
    """Wait for the engine: as long as the clean-up may take of a QA that is stopped, or a try, which no end
    leaves running; else for its journal."""
    if port.join(SETTLE_S) or not (tries or (app.qa_works and app.leaving != "detach")):
        return
    limit = TRY_STOP_S if tries else STOP_S
    ENDS.allow(limit + LIMIT_S)
    sys.stderr.write(
        "modelcar-tui: stopping what the run has started ... (Ctrl-C again leaves it as it is)\n"
    )
    until = time.monotonic() + limit
    while time.monotonic() < until:
        if port.join(0.2):
            return
        if app.signals.again:
            sys.stderr.write("modelcar-tui: not waited for; resume the run to find what is left\n")
            return
    sys.stderr.write(f"modelcar-tui: the engine did not stop within {limit:.0f} s; resume the run\n")
