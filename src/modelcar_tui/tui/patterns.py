"""What an operator types as a filter: a regular expression that can not hold up the screen.

Python's own `re` can't be stopped, so one line and `(a|aa)+$` would freeze a terminal. `regex` takes a limit.
"""

from __future__ import annotations

import re
from functools import cached_property
from math import prod
from typing import Any

from modelcar_tui.core.errors import Problem, UserError

LIMIT_S = 0.05
"""CPU seconds for one line; an expression that needs more is given up."""
LONGEST = 500
MOST_COPIES = 10_000
_REPEAT = re.compile(r"\{(\d*),?(\d*)\}")
_SPECIAL = frozenset(r".^$*+?{}[]\|()")


class Filter:
    """A regular expression; with `!` before it, the lines that do not match.

    Raises:
        UserError: it is no regular expression, or one that would unfold to something huge.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.inverse = text.startswith("!")
        self.gave_up = False
        """An expression took too long on a line; nothing passes any more."""
        self._source = (text[1:] if self.inverse else text)[:LONGEST]
        self._any_case = self._source == self._source.lower()
        self._plain = not _SPECIAL.intersection(self._source)
        if not self._plain:
            self._pattern  # noqa: B018 - a fault is told now

    @cached_property
    def _pattern(self) -> Any:
        import regex

        # Counted repeats are unfolded when they are compiled: nested ones would take minutes and gigabytes.
        counts = [max(int(low or 1), int(high or 1), 1) for low, high in _REPEAT.findall(self._source)]
        if prod(counts) > MOST_COPIES:
            raise _fault("repeats too often", "use smaller numbers in {}")
        try:
            return regex.compile(self._source, regex.IGNORECASE if self._any_case else 0)
        except (regex.error, RecursionError, OverflowError) as error:
            raise _fault(str(error), "escape signs with \\") from None

    def matches(self, line: str) -> bool:
        """Whether the line passes."""
        if self.gave_up:
            return False
        if self._plain:
            return (self._source in (line.lower() if self._any_case else line)) is not self.inverse
        try:
            return (self._pattern.search(line, timeout=LIMIT_S) is not None) is not self.inverse
        except TimeoutError:
            self.gave_up = True
            return False

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where it matches in a line that passed, in order; empty matches left out."""
        if self.gave_up or self.inverse:
            return []
        try:
            return [
                hit.span() for hit in self._pattern.finditer(text, timeout=LIMIT_S) if hit.end() > hit.start()
            ]
        except TimeoutError:
            self.gave_up = True
            return []


def parse_filter(text: str) -> Filter | None:
    """The filter that the operator typed; None for an empty one. Small letters match both cases.

    Raises:
        UserError: as `Filter`.
    """
    return Filter(text) if text.removeprefix("!") else None


def _fault(what: str, fix: str) -> UserError:
    return UserError(Problem(what=f"no regular expression: {what}", where="filter", fix=fix))
