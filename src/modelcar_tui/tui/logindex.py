"""Which lines of the log are shown: all, or those that a filter lets pass, found bit by bit."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left

from modelcar_tui.tui.lines import Filter, is_error
from modelcar_tui.tui.logs import LogLine, LogSource, NoLog

BATCH = 2000


class LogIndex:
    """Positions (rows of the shown log) to line numbers (of the file). Never holds the text."""

    def __init__(self) -> None:
        self.source: LogSource = NoLog()
        self.filter: Filter | None = None
        self.search: Filter | None = None
        self.total = 0
        self._hits = array("Q")
        self._scanned = 0

    @property
    def shown(self) -> int:
        """Lines that pass, as far as was looked."""
        return len(self._hits) if self.filter is not None else self.total

    @property
    def busy(self) -> bool:
        """Whether the filter has lines left to look at."""
        return self.filter is not None and self._scanned < self.total

    def refresh(self, budget_s: float = 0.02) -> bool:
        """Take notice of new lines and filter on for at most `budget_s`; whether anything changed."""
        before = (self.total, len(self._hits), self._scanned)
        self.total = self.source.refresh()
        if self.total < before[0]:
            self.set_filter(self.filter)
        end = time.monotonic() + budget_s
        while self.busy and self.filter is not None and time.monotonic() < end:
            for number, line in enumerate(self.source.lines(self._scanned, BATCH), self._scanned):
                if self.filter.matches(line.text):
                    self._hits.append(number)
            self._scanned = min(self.total, self._scanned + BATCH)
        return before != (self.total, len(self._hits), self._scanned)

    def set_filter(self, wanted: Filter | None) -> None:
        """Start over with another filter."""
        self.filter = wanted
        self._hits = array("Q")
        self._scanned = 0
        self.refresh(0.1)

    def read(self, position: int, count: int) -> list[tuple[int, LogLine]]:
        """Numbers and texts of `count` shown lines from `position`."""
        if self.filter is None:
            return list(enumerate(self.source.lines(position, count), position))
        numbers = self._hits[position : position + count]
        return [(number, line) for number in numbers for line in self.source.lines(number, 1)]

    def number_at(self, position: int) -> int:
        """The line's number in the file."""
        if self.filter is None:
            return position
        return self._hits[position] if position < len(self._hits) else self.total

    def position_of(self, number: int) -> int:
        """Where line `number`, or the next that passes, is shown."""
        return number if self.filter is None else bisect_left(self._hits, number)

    def find(self, start: int, step: int, wanted: Filter | None, budget_s: float = 2.0) -> int | None:
        """Number of the next shown line that matches (None: an error line), from `start`, round the end."""
        end = time.monotonic() + budget_s
        numbers = range(self.total)
        order = [range(start, len(numbers)), range(start)] if step > 0 else [
            range(start, -1, -1), range(self.total - 1, start, -1)
        ]  # fmt: skip
        for part in order:
            for at in range(0, len(part), BATCH):
                chunk = part[at : at + BATCH]
                first, last = min(chunk[0], chunk[-1]), max(chunk[0], chunk[-1])
                lines = self.source.lines(first, last - first + 1)
                for number in chunk:
                    line = lines[number - first].text if number - first < len(lines) else ""
                    if self._hit(line, wanted) and self._passes(line):
                        return number
                if time.monotonic() > end:
                    return None
        return None

    def _hit(self, line: str, wanted: Filter | None) -> bool:
        return is_error(line) if wanted is None else wanted.matches(line)

    def _passes(self, line: str) -> bool:
        return self.filter is None or self.filter.matches(line)
