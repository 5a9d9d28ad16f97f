"""Where log lines come from: the spool file, read when they are looked at."""

from __future__ import annotations

import re
from array import array
from pathlib import Path
from typing import NamedTuple, Protocol


class LogLine(NamedTuple):
    """One line with its time (seconds since 1970; 0 when unknown)."""

    text: str
    at: float = 0.0


class LogSource(Protocol):
    """A growing log with an index."""

    def refresh(self) -> int:
        """Look for growth; the number of lines now."""
        ...

    def gap(self) -> tuple[int, int]:
        """A line's number, and how many were left out in its place, which moved those behind it; zeroes where
        none were."""
        ...

    def lines(self, start: int, count: int) -> list[LogLine]:
        """At most `count` lines from line `start` (counted from 0)."""
        ...


class SpoolLog:
    """The spool of a run of ours: text and index are on disk, nothing is held in memory."""

    def __init__(self, path: Path) -> None:
        from modelcar_tui.qa.log import SpoolReader  # there is no log before QA

        self._reader = SpoolReader(path)

    def refresh(self) -> int:
        """See `LogSource.refresh`."""
        return self._reader.count

    def gap(self) -> tuple[int, int]:
        """See `LogSource.gap`."""
        return self._reader.gap

    def lines(self, start: int, count: int) -> list[LogLine]:
        """See `LogSource.lines`."""
        return [LogLine(line.text, line.at) for line in self._reader.lines(start, count)]


class FileLog:
    """A plain file (a recorded log): offsets of its lines in memory (8 bytes each), text on disk."""

    CHUNK = 1 << 20

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts = array("Q", [0])
        self._size = 0

    def refresh(self) -> int:
        """Index at most 16 MiB more, so that a tick stays short."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._size)
                for _ in range(16):
                    chunk = file.read(self.CHUNK)
                    if not chunk:
                        break
                    self._starts.extend(self._size + hit.end() for hit in re.finditer(b"\n", chunk))
                    self._size += len(chunk)
        except OSError:
            pass
        return len(self._starts) - 1

    def gap(self) -> tuple[int, int]:
        """None: the file is not ours to cut."""
        return 0, 0

    def lines(self, start: int, count: int) -> list[LogLine]:
        """See `LogSource.lines`."""
        start = max(0, start)
        end = min(start + max(0, count), len(self._starts) - 1)
        if end <= start:
            return []
        try:
            with self._path.open("rb") as file:
                file.seek(self._starts[start])
                data = file.read(self._starts[end] - self._starts[start])
        except OSError:
            return []
        return [LogLine(text) for text in data.decode("utf-8", "replace").removesuffix("\n").split("\n")]


class NoLog:
    """A log that has not begun."""

    def refresh(self) -> int:
        """See `LogSource.refresh`."""
        return 0

    def gap(self) -> tuple[int, int]:
        """See `LogSource.gap`."""
        return 0, 0

    def lines(self, start: int, count: int) -> list[LogLine]:
        """See `LogSource.lines`."""
        return []


def open_log(path: str) -> LogSource | None:
    """The log at `path`; None while it is not there."""
    from modelcar_tui.qa.log import spool_index

    file = Path(path)
    if spool_index(file).exists():
        return SpoolLog(file)
    return FileLog(file) if file.exists() else None
