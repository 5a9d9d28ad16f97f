"""Textual's driver over a terminal that may take nothing for a long time, or for ever."""

from __future__ import annotations

import sys
import termios
from contextlib import suppress
from queue import Empty, Full
from typing import IO, Any

from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver

from modelcar_tui.core.ends import ENDS
from modelcar_tui.core.terminal import STDERR, Terminal, own_size

FULL_S = 0.2
"""How long a write to the full queue waits before it looks whether the terminal was given up."""


class ScreenWriter(WriterThread):
    """Writes what the screen paints, without ever waiting inside the kernel.

    A terminal that nobody reads fills the queue and holds the screen up, as it should; `cut` lets go of it.
    One that is gone is let go of by itself.
    """

    def __init__(self, file: IO[str], terminal: Terminal) -> None:
        super().__init__(file)
        self._terminal = terminal
        self.lost = False
        """Nothing reaches the terminal from here."""

    def write(self, text: str) -> None:
        """Give the thread something to write; waits while the queue is full."""
        self._hand_over(text)

    def run(self) -> None:
        """Write until `stop`."""
        while (text := self._queue.get()) is not None and not self.lost:
            data = text.encode("utf-8", "backslashreplace")
            if not self._terminal.write(data, lambda: not self.lost):
                self.cut()

    def stop(self) -> None:
        """Write the rest, and wait for it."""
        self._hand_over(None)
        self.join()

    def cut(self) -> None:
        """Write nothing more. From any thread."""
        self.lost = True
        with suppress(Empty):
            while True:
                self._queue.get_nowait()
        with suppress(Full):
            self._queue.put_nowait(None)  # the thread may be waiting

    def _hand_over(self, text: str | None) -> None:
        while not self.lost:
            with suppress(Full):
                self._queue.put(text, timeout=FULL_S)
                return


class TerminalDriver(LinuxDriver):
    """Writes through a `ScreenWriter`, and tells the watchdog while a screen is on the terminal."""

    _screen: ScreenWriter | None = None

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._terminal = ENDS.terminal or Terminal(STDERR)
        ENDS.terminal = self._terminal

    @property
    def _writer_thread(self) -> WriterThread | None:
        return self._screen

    @_writer_thread.setter
    def _writer_thread(self, made: WriterThread | None) -> None:
        """Textual makes a writer of its own whenever it takes the terminal."""
        self._screen = ScreenWriter(made._file, self._terminal) if made is not None else None

    def _get_terminal_size(self) -> tuple[int, int]:
        return own_size() or super()._get_terminal_size()

    def start_application_mode(self) -> None:
        """Take the terminal."""
        self._terminal.painted = True
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Wait until the terminal has everything, and give it back ourselves where it does not take it."""
        super().close()
        if self._screen is None or not self._screen.lost:
            self._terminal.painted = False
        elif self._terminal.painted:
            self._terminal.give_back()

    def cut(self) -> None:
        """Wait for the terminal no longer. From any thread."""
        if self._screen is not None:
            self._screen.cut()


def forget_typed() -> None:
    """Forget what was typed and not yet read."""
    if sys.__stdin__ is not None and sys.__stdin__.isatty():
        termios.tcflush(sys.__stdin__.fileno(), termios.TCIFLUSH)
