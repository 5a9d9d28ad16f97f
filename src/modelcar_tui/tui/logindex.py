"""Which lines of the log are shown: all, or those that a filter lets pass, found bit by bit."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from modelcar_tui.tui.logs import LogLine, LogSource, NoLog

if TYPE_CHECKING:
    from modelcar_tui.tui.patterns import Filter

Test = Callable[[str], bool]
Part = tuple[range, Test]
"""Numbers of lines in the order in which they are looked at, and what is looked for."""
BATCH = 2000
FIRST_S = 0.03
"""What a key may cost at once; the rest of the work is done tick by tick."""


class LogIndex:
    """Positions (rows of the shown log) to line numbers (of the file). Never holds the text."""

    def __init__(self) -> None:
        self.source: LogSource = NoLog()
        self.filter: Filter | None = None
        self.search: Filter | None = None
        self.total = 0
        self.moved = 0
        """By how many lines the end of the log has moved up in all, since its middle was left out."""
        self.gap = 0, 0
        """See `LogSource.gap`."""
        self._grew = 0
        self._hits = array("Q")
        self._scanned = 0
        self._seek: Iterator[int | None] | None = None
        self._found: Callable[[int | None], None] = lambda _: None

    @property
    def shown(self) -> int:
        """Lines that pass, as far as was looked."""
        return len(self._hits) if self.filter is not None else self.total

    @property
    def filtering(self) -> bool:
        """Whether the filter has lines left to look at."""
        return self.filter is not None and self._scanned < self.total and not self.filter.gave_up

    @property
    def busy(self) -> bool:
        """Whether there is work left for the next tick."""
        return self._seek is not None or self.filtering

    def pace(self, *, slow: bool, height: int) -> float:
        """Seconds to the next look: a flood repaints every row, so it is shown less often than a trickle."""
        return 0.5 if slow else 0.4 if self._grew > height else 0.25

    def refresh(self, budget_s: float = 0.02) -> bool:
        """Take notice of new lines, filter and seek on for at most `budget_s`; whether anything changed."""
        before = (self.total, len(self._hits), self._scanned)
        self.total = self.source.refresh()
        self._grew = self.total - before[0]
        if (gap := self.source.gap()) != self.gap:
            self._cut(gap)
        elif self.total < before[0]:
            self.set_filter(self.filter)
        end = time.monotonic() + budget_s
        while self.filtering and self.filter is not None and time.monotonic() < end:
            for line in self.source.lines(self._scanned, BATCH):
                if self.filter.matches(line.text):
                    self._hits.append(self._scanned)
                self._scanned += 1
                if not self._scanned & 63 and time.monotonic() > end:
                    break
        self._go_on(end)
        return before != (self.total, len(self._hits), self._scanned)

    def _cut(self, gap: tuple[int, int]) -> None:
        """Numbers of lines are others now: what was found by them is looked for again."""
        # The first cut also puts a line in, which says so.
        self.moved += gap[1] - self.gap[1] - (not self.gap[1])
        self.gap, self._seek = gap, None
        self.set_filter(self.filter)

    def set_filter(self, wanted: Filter | None) -> None:
        """Start over with another filter."""
        self.filter = wanted
        self._hits = array("Q")
        self._scanned = 0
        self.refresh(FIRST_S)

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

    def passes(self, number: int) -> bool:
        """Whether the filter shows that line."""
        return any(self._passes(line.text) for line in self.source.lines(number, 1))

    def find(self, start: int, step: int, wanted: Filter, found: Callable[[int | None], None]) -> None:
        """Look for the next shown line that matches, from `start`, round the end.

        `found` is told its number, or None; at once where it is near, else from a later `refresh`.
        """
        total = self.total
        order = (
            [range(start, total), range(min(start, total))]
            if step > 0
            else [range(start, -1, -1), range(total - 1, start, -1)]
        )
        self.find_in([(part, wanted.matches) for part in order], found)

    def find_in(self, parts: Iterable[Part], found: Callable[[int | None], None]) -> None:
        """Look through parts of the log, one after the other, each for its own kind of line; `found` is told
        as by `find`."""
        self._seek, self._found = self._looking(parts), found
        self._go_on(time.monotonic() + FIRST_S)

    def _go_on(self, end: float) -> None:
        while self._seek is not None:
            number = next(self._seek, -1)
            if number is not None:
                self._seek = None
                self._found(None if number < 0 else number)
            elif time.monotonic() > end:
                return

    def _looking(self, parts: Iterable[Part]) -> Iterator[int | None]:
        """The number when it is found; None now and then before."""
        for part, test in parts:
            for at in range(0, len(part), BATCH):
                chunk = part[at : at + BATCH]
                first, last = min(chunk[0], chunk[-1]), max(chunk[0], chunk[-1])
                lines = self.source.lines(first, last - first + 1)
                for number in chunk:
                    line = lines[number - first].text if number - first < len(lines) else ""
                    if test(line) and self._passes(line):
                        yield number
                    if not number & 63:
                        yield None

    def _passes(self, line: str) -> bool:
        return self.filter is None or self.filter.matches(line)
