"""The order in which `e` goes through the errors of a log: the root cause, the errors, what repeats them."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from modelcar_tui.tui.lines import is_error, is_follower
from modelcar_tui.tui.logindex import LogIndex, Part, Test


class Kind(IntEnum):
    """What an error line is, in the order of the jumps."""

    ROOT = 0
    ERROR = 1
    FOLLOWER = 2


def is_own_error(line: str) -> bool:
    """An error that says something of its own."""
    return is_error(line) and not is_follower(line)


def is_following(line: str) -> bool:
    """An error line that only points to another one or says it again."""
    return is_error(line) and is_follower(line)


class ErrorWalk:
    """Jumps from error to error.

    Args:
        index: of the log.
        root: the number of the root cause's line, counted from 0; None where none is known.
    """

    def __init__(self, index: LogIndex, root: int | None) -> None:
        self._index = index
        self._root = root if root is not None and root < index.total and index.passes(root) else None

    def go(self, step: int, mark: int | None, top: int, found: Callable[[int | None], None]) -> None:
        """Look for the next error line (`step` 1) or the one before (-1); `found` is told as by `find`.

        Args:
            mark: the number of the line that the last jump found; None before the first.
            top: the number of the first line on the screen, where a log without a known cause is begun.
        """
        kind = self._kind(mark)
        if step > 0 and self._root is not None and kind is None:
            found(self._root)
            return
        self._index.find_in(self._parts(step, mark, kind, top), found)

    def _kind(self, mark: int | None) -> Kind | None:
        if mark is None:
            return None
        if mark == self._root:
            return Kind.ROOT
        lines = self._index.source.lines(mark, 1)
        text = lines[0].text if lines else ""
        return None if not is_error(text) else Kind.FOLLOWER if is_follower(text) else Kind.ERROR

    def _parts(self, step: int, mark: int | None, kind: Kind | None, top: int) -> list[Part]:
        """Lines to look through in this order, and for what, until one is found."""
        total = self._index.total
        whole = range(total) if step > 0 else range(total - 1, -1, -1)
        at = top if mark is None else mark + step
        rest = range(max(at, 0), total) if step > 0 else range(min(at, total - 1), -1, -1)
        own, following, root = (
            self._around(whole, is_own_error),
            self._around(whole, is_following),
            self._roots(),
        )
        if kind is Kind.ROOT:
            return own + following + root if step > 0 else following + own + root
        if kind is Kind.FOLLOWER:
            turn = root + own if step > 0 else own + root
            return self._around(rest, is_following) + turn + following
        turn = following + root if step > 0 else root + following
        return self._around(rest, is_own_error) + turn + own

    def _roots(self) -> list[Part]:
        return [] if self._root is None else [(range(self._root, self._root + 1), lambda _: True)]

    def _around(self, numbers: range, test: Test) -> list[Part]:
        """The lines without the root's, which has its own place in the order."""
        if self._root is None or self._root not in numbers:
            return [(numbers, test)]
        at = numbers.index(self._root)
        return [(numbers[:at], test), (numbers[at + 1 :], test)]
