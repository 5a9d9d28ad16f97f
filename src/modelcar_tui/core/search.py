"""Many words to look for in many lines: most lines hold none, and one pass of a regular expression tells
so."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Final

from modelcar_tui.core.any_of import any_of
from modelcar_tui.core.numbers import MASKED, mask_of

_HEAD = 5
"""Bytes of a word with which the pass looks for it: fewer find too much, more cost more to compile."""
_TAKEN, _MASK = 1, 2
_MASKS = re.compile(MASKED.pattern.encode())


class Search:
    """Words in lower case, as bytes; `blot` replaces them in whatever case of ASCII they are written."""

    def __init__(self, needles: Mapping[bytes, str], before: Search | None = None) -> None:
        """
        Args:
            needles: what to look for, with the secret that each is a form of; none is empty.
            before: an older search, whose expression is kept where the words begin alike.
        """
        self.needles: Final = sorted(needles, key=len, reverse=True)
        """The longest first, for one may be a part of another."""
        self._secrets: Final = dict(needles)
        self._lengths: Final = [-len(needle) for needle in self.needles]
        self._heads: Final = frozenset(needle[:_HEAD] for needle in self.needles)
        self._any: Final[re.Pattern[bytes]] = (
            before._any
            if before is not None and before._heads == self._heads
            else re.compile(any_of(self._heads), re.DOTALL)
        )

    def blot(self, data: bytes) -> bytes:
        """`data` with a mask for each of the words; `data` itself where it holds none."""
        low = data.lower()
        if not self._any.search(low):
            return data
        covered = bytearray(len(data))
        for found in _MASKS.finditer(data):
            covered[found.start() : found.end()] = bytes([_MASK]) * len(found[0])
        masks: dict[tuple[int, int], str] = {}
        for needle in self.needles[bisect_left(self._lengths, -len(low)) :]:
            for start in _places(low, needle):
                for piece in _uncovered(covered, start, start + len(needle)):
                    masks[piece] = self._secrets[needle]
        return _replaced(data, masks) if masks else data


def _places(text: bytes, needle: bytes) -> Iterator[int]:
    at = text.find(needle)
    while at >= 0:
        yield at
        at = text.find(needle, at + len(needle))


def _uncovered(covered: bytearray, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The parts of a place that no longer word has taken, which are taken now; none where a mask stands."""
    if _MASK in covered[start:end]:
        return
    while (begin := covered.find(0, start, end)) >= 0:
        start = covered.find(_TAKEN, begin, end)
        start = end if start < 0 else start
        covered[begin:start] = bytes([_TAKEN]) * (start - begin)
        yield begin, start


def _replaced(data: bytes, masks: Mapping[tuple[int, int], str]) -> bytes:
    out, at = bytearray(), 0
    for start, end in sorted(masks):  # numbers are given in the order of the text
        out += data[at:start] + mask_of(masks[start, end]).encode()
        at = end
    return bytes(out + data[at:])
