"""Where a run kills itself: at the n-th event, checkpoint or step of a file's write, or after some seconds.

Arm it in a child process alone: what it replaces stays replaced.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

KINDS = ("event-before", "event-after", "event-torn", "put-before", "put-after", "file-before", "file-after")
"""Those with a number; `random` takes seconds."""
_STEPS = ("open", "fsync", "link", "rename", "replace", "mkdir", "unlink", "chmod")


class Point(NamedTuple):
    """The `at`-th moment of a kind, from 1; of `random`, seconds after the start; 0 is nowhere."""

    kind: str
    at: float

    def __str__(self) -> str:
        return f"{self.kind} {self.at:g}"


NOWHERE = Point("nowhere", 0)


def die() -> None:
    """As the kernel's own end of a process: no handler, no `finally`."""
    os.kill(os.getpid(), signal.SIGKILL)
    while True:
        time.sleep(1)


class Counter:
    """Counts the moments of each kind, and dies at one of them."""

    def __init__(self, point: Point) -> None:
        self.seen = dict.fromkeys(KINDS, 0)
        self._point = point
        self._lock = threading.Lock()

    def hit(self, kind: str, die_so: Callable[[], None] = die) -> None:
        """One more of a kind."""
        with self._lock:
            self.seen[kind] += 1
            ours = self._point.kind == kind and self.seen[kind] == self._point.at
        if ours:
            die_so()


def arm(point: Point, rooms: Path) -> Counter:
    """Make this process die at `point`; only files below `rooms` are counted."""
    counter = Counter(point)
    if point.kind == "random":
        threading.Thread(target=lambda: (time.sleep(point.at), die()), daemon=True).start()
    _events(counter)
    _torn(counter)
    _puts(counter)
    _files(counter, str(rooms))
    return counter


def _events(counter: Counter) -> None:
    from modelcar_tui.supervisor.journal import Journal

    real = Journal.append

    def append(self: Journal, *args: Any) -> Any:
        counter.hit("event-before")
        stamped = real(self, *args)
        counter.hit("event-after")
        return stamped

    Journal.append = append  # type: ignore[method-assign]


def _torn(counter: Counter) -> None:
    """A part of a line reaches the file: another length each time, from nothing to all but its end."""
    real = os.pwrite

    def pwrite(handle: int, data: Any, offset: int) -> int:
        def torn() -> None:
            at = int(counter.seen["event-torn"])
            real(handle, bytes(data)[: at * 37 % max(1, len(data))], offset)
            die()

        counter.hit("event-torn", torn)
        return real(handle, data, offset)

    os.pwrite = pwrite


def _puts(counter: Counter) -> None:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    def counted(real: Any) -> Any:
        async def put(self: Any, *args: Any, **more: Any) -> Any:
            counter.hit("put-before")
            answer = await real(self, *args, **more)
            counter.hit("put-after")
            return answer

        return put

    for name in ("aput", "aput_writes"):
        setattr(AsyncSqliteSaver, name, counted(getattr(AsyncSqliteSaver, name)))


def _files(counter: Counter, rooms: str) -> None:
    """Every step of a write below `rooms`: making, flushing, naming, removing."""

    def counted(name: str, real: Any) -> Any:
        def step(*args: Any, **more: Any) -> Any:
            ours = name == "fsync" or rooms in os.fsdecode(
                args[0] if isinstance(args[0], bytes) else str(args[0])
            )
            if name == "open" and ours:
                ours = bool(args[1] & (os.O_CREAT | os.O_WRONLY | os.O_RDWR))
            if ours:
                counter.hit("file-before")
            answer = real(*args, **more)
            if ours:
                counter.hit("file-after")
            return answer

        return step

    for name in _STEPS:
        setattr(os, name, counted(name, getattr(os, name)))
