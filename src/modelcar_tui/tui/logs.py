"""Where log lines come from: the spool file, read when they are looked at."""

from __future__ import annotations

import re
from array import array
from pathlib import Path
from typing import Protocol


class LogSource(Protocol):
    """A growing file of lines with an index."""

    @property
    def count(self) -> int:
        """Lines that are known so far."""
        ...

    def refresh(self) -> int:
        """Look for growth; returns the new count."""
        ...

    def lines(self, start: int, count: int) -> list[str]:
        """At most `count` lines from line `start` (counted from 0)."""
        ...


class FileLog:
    """`LogSource` over a plain file: offsets of all lines in memory (8 bytes each), text on disk."""

    CHUNK = 1 << 20

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._starts = array("Q", [0])
        self._size = 0

    @property
    def count(self) -> int:
        return len(self._starts) - 1

    def refresh(self) -> int:
        """Index at most 16 MiB more, so that a tick stays short."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._size)
                for _ in range(16):
                    chunk = file.read(self.CHUNK)
                    if not chunk:
                        break
                    base = self._size
                    self._starts.extend(base + hit.end() for hit in re.finditer(b"\n", chunk))
                    self._size += len(chunk)
        except OSError:
            return self.count
        return self.count

    def lines(self, start: int, count: int) -> list[str]:
        start = max(0, start)
        end = min(start + max(0, count), self.count)
        if end <= start:
            return []
        try:
            with self._path.open("rb") as file:
                file.seek(self._starts[start])
                data = file.read(self._starts[end] - self._starts[start])
        except OSError:
            return []
        return data.decode("utf-8", "replace").removesuffix("\n").split("\n")


class NoLog:
    """A log that has not begun."""

    count = 0

    def refresh(self) -> int:
        return 0

    def lines(self, start: int, count: int) -> list[str]:
        return []
