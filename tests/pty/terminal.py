"""A real pty with a terminal emulator (pyte) behind it: what a user sees, and every byte that was sent."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Sequence
from typing import Self

import pyte


class Terminal:
    """Runs a command in a pty of a given size; use as a context manager."""

    def __init__(
        self, argv: Sequence[str], *, columns: int = 80, rows: int = 24, env: dict[str, str] | None = None
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.sent = bytearray()
        self.status: int | None = None
        self.started = time.monotonic()
        self.pid, self._handle = pty.fork()
        if self.pid == 0:
            try:
                environment = {
                    **os.environ,
                    "TERM": "xterm-256color",
                    "LC_ALL": "C.UTF-8",
                    **(env or {}),
                }
                os.execvpe(argv[0], list(argv), environment)
            finally:
                os._exit(127)
        fcntl.ioctl(self._handle, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._handle)

    @property
    def text(self) -> str:
        """The screen's rows."""
        return "\n".join(self.screen.display)

    def keys(self, *keys: str) -> None:
        """Type."""
        for key in keys:
            os.write(self._handle, key.encode())

    def wait_for(self, what: str | Callable[[str], bool], seconds: float = 30.0) -> float:
        """Read until the screen shows `what`; the seconds since the start."""
        shows = what if callable(what) else lambda text: what in text
        deadline = time.monotonic() + seconds
        while not shows(self.text):
            if time.monotonic() > deadline or not self._read(min(0.2, deadline - time.monotonic())):
                if shows(self.text):
                    break
                raise AssertionError(f"never saw {what!r}; status {self.status}; the screen:\n{self.text}")
        return time.monotonic() - self.started

    def quiet(self, seconds: float) -> int:
        """How many bytes come within `seconds`."""
        before, deadline = len(self.sent), time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self._read(left):
            pass
        return len(self.sent) - before

    def wait_end(self, seconds: float = 30.0) -> int:
        """Read until the process has ended; its exit status (or minus the signal)."""
        deadline = time.monotonic() + seconds
        while self.status is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"still running; the screen:\n{self.text}")
            self._read(0.1)
            self._reap()
        while self._read(0.05):
            pass
        return self.status

    def wait_unread(self, seconds: float = 30.0) -> int:
        """Wait for the end without reading a byte, then read what is left; the exit status."""
        deadline = time.monotonic() + seconds
        while self.status is None:
            if time.monotonic() > deadline:
                raise AssertionError("still running, and nobody reads")
            time.sleep(0.05)
            self._reap()
        while self._read(0.05):
            pass
        return self.status

    def flood(self, keys: str, times: int) -> None:
        """Type and read nothing, until neither end of the line takes more."""
        for _ in range(times):
            if not select.select([], [self._handle], [], 0)[1]:
                break
            os.write(self._handle, keys.encode())
            time.sleep(0.002)
        time.sleep(1.0)

    def attributes(self) -> list[object]:
        """How the terminal is set: flags and control characters."""
        return list(termios.tcgetattr(self._handle))

    def kill(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def _reap(self) -> None:
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)

    def _read(self, seconds: float) -> bool:
        """Read what is there; False when the process has ended and everything was read."""
        ready, _, _ = select.select([self._handle], [], [], max(seconds, 0))
        if not ready:
            self._reap()
            return self.status is None
        try:
            data = os.read(self._handle, 65536)
        except OSError:
            self._reap()
            return False
        self.sent += data
        self._stream.feed(data)
        return True
