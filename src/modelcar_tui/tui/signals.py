"""Signals and a terminal that goes away: the screen ends cleanly and never spins."""

from __future__ import annotations

import asyncio
import os
import select
import stat
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from modelcar_tui.core.ends import LIMIT_S
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor import STOP_S
from modelcar_tui.tui.driver import TerminalDriver

if TYPE_CHECKING:
    from modelcar_tui.tui.board import Ending

AGAIN_S = 3.0
"""What an end may still take once it was asked for a second time."""


class Leaving:
    """What the dashboard does about a signal; `leave` and `hurry` are called in the watchdog's thread."""

    def __init__(self, app: Ending) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._heard: list[ExitStatus] = []
        self._next_look = 0.0
        self._poll: select.poll | None = None

    @property
    def again(self) -> bool:
        """Whether a second signal has come."""
        return len(self._heard) > 1

    def attach(self) -> None:
        """The app's loop takes calls from here on; a signal that came before it is passed on."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
            heard = self._heard[:1]
        for status in heard:
            self._app.leave(status)
        stdin = sys.__stdin__
        if not self._app.is_headless and stdin is not None and stdin.isatty():
            self._poll = select.poll()
            self._poll.register(stdin.fileno(), 0)

    def leave(self, status: ExitStatus) -> float:
        """Have the app end its screen. Only the operator's own stop may take as long as QA's clean-up."""
        with self._lock:
            self._heard.append(status)
            loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._app.leave, status)
        if self.again:
            return AGAIN_S
        stops = status is ExitStatus.INTERRUPTED and self._app.works
        return STOP_S + LIMIT_S if stops else LIMIT_S

    def hurry(self) -> None:
        """Let go of a terminal that does not take what the screen still has for it."""
        driver = self._app._driver
        if isinstance(driver, TerminalDriver):
            driver.cut()

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


def let_go_of_terminal() -> None:
    """Point our output away from a terminal that is gone: flushing to it would spoil the exit status."""
    with suppress(OSError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        for handle in (1, 2):
            with suppress(OSError):
                if stat.S_ISCHR(os.fstat(handle).st_mode):
                    os.dup2(nowhere.fileno(), handle)
