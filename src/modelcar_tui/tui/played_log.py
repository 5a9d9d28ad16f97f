"""The log of a recording as it was at the moment that is shown."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from modelcar_tui.tui.logs import LogLine, LogSource


class LogUntil:
    """A log up to a moment, by the times of its own lines. Lines whose time is unknown count as said."""

    def __init__(self, source: LogSource, until: Callable[[], float]) -> None:
        """
        Args:
            source: All of it, in the order of its times.
            until: Seconds since 1970; infinity shows all.
        """
        self._source = source
        self._until = until
        self._count = 0

    def refresh(self) -> int:
        """See `LogSource.refresh`; fewer after a jump back."""
        total, until = self._source.refresh(), self._until()
        self._count = total if until == float("inf") else bisect_right(range(total), until, key=self._at)
        return self._count

    def gap(self) -> tuple[int, int]:
        """See `LogSource.gap`."""
        return self._source.gap()

    def _at(self, number: int) -> float:
        return next((line.at for line in self._source.lines(number, 1)), 0.0)

    def lines(self, start: int, count: int) -> list[LogLine]:
        """See `LogSource.lines`."""
        start = max(0, start)
        return self._source.lines(start, min(count, self._count - start))
