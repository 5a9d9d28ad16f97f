"""The terminal as it was found, and how to give it back without ever waiting for it."""

from __future__ import annotations

import os
import select
import signal
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

GIVE_BACK = (
    b"\x18"  # ends a sequence that was cut in its middle
    b"\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?2048l"
    b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l"
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l\x1b[0m"
)
"""Synchronised output, paste, wrap, in-band size, mouse, kitty's keys, alternate screen, cursor, focus."""
LOOK_S = 0.1
"""How long a write that finds no room waits before it asks whether it should go on."""
STDERR = 2
"""Where the screen is painted."""
PIECE = 256
"""Bytes for which a terminal that says it can be written has room."""


class Terminal:
    """The terminal behind a descriptor: its attributes, and a way to write to it that never blocks.

    The descriptor itself is shared with the shell and stays as it is; ours is opened anew.
    """

    def __init__(self, handle: int) -> None:
        """
        Raises:
            OSError: `handle` is no terminal (`termios.error` is made one).
        """
        try:
            self._attributes: list[Any] = termios.tcgetattr(handle)
        except termios.error as error:
            raise OSError(*error.args) from error
        self._handle, self._own = _opened(handle)
        self.painted = False
        """Whether a screen is on it that has to be taken off."""

    def write(self, data: bytes, go_on: Callable[[], bool]) -> bool:
        """Write all of `data`, as long as `go_on` says so; False where it was not all, or nobody is there."""
        left = memoryview(data)
        while left:
            try:
                if self._own:
                    done = os.write(self._handle, left)
                else:
                    done = os.write(self._handle, left[:PIECE]) if self._has_room(LOOK_S) else 0
            except BlockingIOError:
                self._has_room(LOOK_S)
                done = 0
            except OSError:
                return False
            left = left[done:]
            if left and not go_on():
                return False
        return True

    def give_back(self, seconds: float = 0.5) -> bool:
        """Attributes and modes as they were found; what nobody has read of the screen is dropped.

        Nothing is done in the background. From any thread; comes back within about `seconds`, and says
        whether the terminal took it.
        """
        if not self._ours():
            return False
        deadline = time.monotonic() + seconds
        with _no_stop(), suppress(termios.error, OSError):
            termios.tcsetattr(self._handle, termios.TCSANOW, self._attributes)
            if not self._has_room(0):
                termios.tcflush(self._handle, termios.TCOFLUSH)
            done = self.write(GIVE_BACK, lambda: time.monotonic() < deadline)
            self.painted = not done
            return done
        return False

    def _has_room(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._handle, select.POLLOUT)
        return bool(poll.poll(seconds * 1000))

    def _ours(self) -> bool:
        """Whether we are in the foreground: a shell that has its terminal back has set it up for itself."""
        with suppress(OSError):
            return os.tcgetpgrp(self._handle) == os.getpgrp()
        return False


def own_size() -> tuple[int, int] | None:
    """Columns and rows that the terminal itself tells; None where there is none, or it tells nothing (0x0, as
    a serial line).

    Textual and Rich would take `COLUMNS` and `LINES` first, which a shell may have exported for another
    window.
    """
    for handle in (STDERR, 0, 1):
        with suppress(OSError):
            columns, rows = os.get_terminal_size(handle)
            if columns and rows:
                return columns, rows
    return None


def _opened(handle: int) -> tuple[int, bool]:
    """A descriptor of the same terminal that does not block; `handle` and False where there is none.

    After `su` the terminal is another user's and can't be opened by its own name; `/dev/tty` always can.
    """
    flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    with suppress(OSError):
        return os.open(f"/proc/self/fd/{handle}", flags), True
    with suppress(OSError):
        os.tcgetpgrp(handle)  # fails where this is not the terminal that /dev/tty is
        return os.open("/dev/tty", flags), True
    return handle, False


@contextmanager
def _no_stop() -> Iterator[None]:
    """Setting a terminal from the background would stop the process."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
