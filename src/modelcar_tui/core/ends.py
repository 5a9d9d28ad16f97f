"""The end of the process: asked for by a signal or by the operator, it comes, whatever blocks.

Python runs its own signal handlers in the main thread, between two steps of the interpreter: not while that
thread waits for a full queue or a call into C. Its C handler writes the signal's number to a pipe at once. A
thread of our own reads that pipe, tells whoever listens, and counts down; if the process is still there then,
it gives the terminal back and ends the process with the status that the signal stands for.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Protocol

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.terminal import Terminal

STATUS = {
    signal.SIGHUP: ExitStatus.HANGUP,
    signal.SIGINT: ExitStatus.INTERRUPTED,
    signal.SIGQUIT: ExitStatus.QUIT,
    signal.SIGTERM: ExitStatus.TERMINATED,
}
LIMIT_S = 8.0
"""From the first signal to the end by force; the terminal's restoring comes on top of it."""
HURRY_S = 1.0
"""After this long whoever listens is told to wait for nothing more."""
TAIL_S = 1.0
"""For what Python does after the last of ours: other threads are waited for, clean-ups run."""
LAST_S = 20.0
"""For its very last part, in which no thread of ours runs: the kernel's timer ends it then, with a status of
its own. A busy machine takes seconds for what takes a tenth of one, so it is long."""


class Ended(KeyboardInterrupt):
    """A signal where nobody listens; a KeyboardInterrupt, for only that passes through every event loop."""

    def __init__(self, status: ExitStatus) -> None:
        super().__init__()
        self.status = status


class Listener(Protocol):
    """Whoever ends something in good order. Both are called in the watchdog's thread and return at once."""

    def leave(self, status: ExitStatus) -> float:
        """A signal has come (again): the seconds that its end may take."""
        ...

    def hurry(self) -> None:
        """`HURRY_S` have gone by: wait for no terminal any more."""
        ...


class Ends:
    """The process's one watchdog. It does nothing before `install`: embedding programs keep their own way."""

    def __init__(self, leave_now: Callable[[int], object] = os._exit) -> None:
        """
        Args:
            leave_now: How the process is ended in the end.
        """
        self.terminal: Terminal | None = None
        self._leave_now = leave_now
        self._lock = threading.Lock()
        self._status: ExitStatus | None = None
        self._deadline: float | None = None
        self._hurry: float | None = None
        self._latest: tuple[float, ExitStatus, str] | None = None
        self._listener: Listener | None = None
        self._quiet = False
        self._pipe: tuple[int, int] | None = None

    def install(self) -> None:
        """Take the signals, once and in the main thread only. One that is ignored (nohup) stays so."""
        if self._pipe is not None or threading.current_thread() is not threading.main_thread():
            return
        self._pipe = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for number in STATUS:
            # Python's own for SIGINT stays: asyncio knows it and cancels instead of raising anywhere.
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._heard)
        threading.Thread(target=self._watch, name="ends", daemon=True).start()
        signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)

    @contextmanager
    def heard_by(self, listener: Listener, *, hangup: bool = False) -> Iterator[None]:
        """From here on signals are the listener's, and raise nothing.

        Args:
            listener: Is told of a signal at once, in the watchdog's thread.
            hangup: Also SIGHUP where it was ignored.
        """
        if self._pipe is None:
            yield
            return
        before = signal.getsignal(signal.SIGINT)
        self._listener = listener
        self._take(signal.SIGINT)
        if hangup:
            signal.signal(signal.SIGHUP, self._heard)
        try:
            yield
        finally:
            self._listener = None
            if self._status is None:
                signal.signal(signal.SIGINT, before)

    @contextmanager
    def at_latest(self, status: int, seconds: float, line: str) -> Iterator[None]:
        """What runs in the block ends by itself before; a loop that is blocked does not hear its own limit.

        Args:
            status: Of the end by force.
            seconds: From now.
            line: Told on standard error then.
        """
        with self._lock:
            self._latest = (time.monotonic() + seconds, ExitStatus(status), line)
        self._wake()
        try:
            yield
        finally:
            with self._lock:
                self._latest = None

    def is_operators(self, error: BaseException) -> bool:
        """Whether a KeyboardInterrupt comes of a signal, and not of code that raises one."""
        return self._pipe is None or isinstance(error, Ended) or self._status is not None

    def begin(self, status: int, seconds: float = LIMIT_S) -> None:
        """An end begins that no signal has asked for; it comes within `seconds`."""
        if self._pipe is None:
            return
        with self._lock:
            self._start(ExitStatus(status), seconds)
        self._wake()

    def allow(self, seconds: float) -> None:
        """The end that has begun may take this long from now on: something outside is being cleaned up."""
        with self._lock:
            if self._deadline is not None:
                self._deadline = max(self._deadline, time.monotonic() + seconds)

    def over(self, status: int) -> int:
        """All of ours is done, and this is the status; what is left may take `TAIL_S`."""
        if self._pipe is None:
            return status
        if status == ExitStatus.LIMIT:
            self._leave_now(status)  # what is missing is missing for Python's own end, too
        self._quiet = True
        for number in STATUS:  # Python gives its handlers up before its end
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, LAST_S)  # no thread runs in its last part
        with self._lock:
            self._status = ExitStatus(status)
            self._deadline = min(self._deadline or float("inf"), time.monotonic() + TAIL_S)
            self._hurry = None
        self._wake()
        return status

    def _take(self, number: signal.Signals) -> None:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, self._heard)

    def _start(self, status: ExitStatus, seconds: float) -> None:
        now = time.monotonic()
        if self._status is None:
            self._status, self._hurry = status, now + HURRY_S
        self._deadline = min(self._deadline or float("inf"), now + seconds)

    def _wake(self) -> None:
        if self._pipe is not None:
            with suppress(BlockingIOError):
                os.write(self._pipe[1], b"\0")

    def _heard(self, number: int, _: FrameType | None) -> None:
        """In the main thread: the watchdog has heard it already."""
        if self._listener is None and not self._quiet:
            raise Ended(STATUS[signal.Signals(number)])

    def _watch(self) -> None:
        assert self._pipe is not None  # noqa: S101 - made before the thread
        poll = select.poll()
        poll.register(self._pipe[0], select.POLLIN)
        while True:
            if poll.poll(self._patience()):
                for number in os.read(self._pipe[0], 512):
                    self._hear(number)
            self._act()

    def _patience(self) -> float | None:
        """Milliseconds until there is something to do."""
        with self._lock:
            latest = self._latest[0] if self._latest is not None else None
            due = [at for at in (self._deadline, self._hurry, latest) if at is not None]
        return max(0.0, min(due) - time.monotonic()) * 1000 if due else None

    def _hear(self, number: int) -> None:
        status = next((status for known, status in STATUS.items() if known == number), None)
        if status is None or self._quiet:
            return
        listener = self._listener
        again = self._status is not None
        seconds = listener.leave(status) if listener is not None else HURRY_S if again else LIMIT_S
        with self._lock:
            self._start(status, seconds)

    def _act(self) -> None:
        now = time.monotonic()
        with self._lock:
            hurry = self._hurry is not None and now >= self._hurry
            if hurry:
                self._hurry = None
            over = self._deadline is not None and now >= self._deadline
            late = self._latest if self._latest is not None and now >= self._latest[0] else None
        if hurry and self._listener is not None:
            self._listener.hurry()
        if late is not None:
            self._status = late[1]
            with suppress(OSError):
                os.write(2, late[2].encode() + b"\n")
        if over or late is not None:
            self._end()

    def _end(self) -> None:
        try:
            if self.terminal is not None and self.terminal.painted:
                self.terminal.give_back()
        finally:
            status = ExitStatus.INTERNAL if self._status is None else self._status
            self._leave_now(int(status))  # GO is 0


ENDS = Ends()
"""Signals belong to the whole process, and so does this."""
