"""Signals and a terminal that goes away: the screen ends cleanly and never spins."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import stat
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

from modelcar_tui.core.exit_codes import ExitStatus

if TYPE_CHECKING:
    from modelcar_tui.tui.app import DashboardApp

BACKSTOP_S = 10
"""A screen that is stuck in a blocked write is killed this long after the signal; the journal is on disk."""
_STATUS = {signal.SIGHUP: ExitStatus.HANGUP, signal.SIGTERM: ExitStatus.TERMINATED}


class Watch:
    """Handlers for SIGHUP and SIGTERM, and an eye on the terminal's end of file.

    Handlers are installed even where SIGHUP was ignored (nohup): a screen without a terminal is of no use,
    and Textual's reader would spin on the end of file.
    """

    def __init__(self, app: DashboardApp) -> None:
        self._app = app
        self._loop: asyncio.AbstractEventLoop | None = None
        self._next_look = 0.0
        self._poll: select.poll | None = None

    def install(self) -> None:
        """In the main thread of a real terminal; tests and embedding programs keep their own handlers."""
        if threading.current_thread() is not threading.main_thread() or self._app.is_headless:
            return
        self._loop = asyncio.get_running_loop()
        for number in _STATUS:
            self._loop.add_signal_handler(number, self._leave, number)
            # The loop's handler needs a free loop; this one also runs while a write to the terminal blocks.
            signal.signal(number, _arm_backstop)
            signal.siginterrupt(number, False)
        stdin = sys.__stdin__
        if stdin is not None and stdin.isatty():
            self._poll = select.poll()
            self._poll.register(stdin.fileno(), 0)

    def terminal_gone(self) -> bool:
        """Whether the terminal hung up without a signal; looks once a second."""
        now = time.monotonic()
        if self._poll is None or now < self._next_look:
            return False
        self._next_look = now + 1.0
        with suppress(OSError):
            return any(
                what & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, what in self._poll.poll(0)
            )
        return True

    def _leave(self, number: signal.Signals) -> None:
        self._app.leave(_STATUS[number])


def backstop_off() -> None:
    """The screen is gone in time."""
    signal.alarm(0)


def let_go_of_terminal() -> None:
    """Point our output away from a terminal that is gone: flushing to it would spoil the exit status."""
    with suppress(OSError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        for handle in (1, 2):
            with suppress(OSError):
                if stat.S_ISCHR(os.fstat(handle).st_mode):
                    os.dup2(nowhere.fileno(), handle)


def _arm_backstop(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(BACKSTOP_S)
