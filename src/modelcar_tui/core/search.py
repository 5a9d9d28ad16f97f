"""Many words to look for in many lines: most lines hold none, and one pass of a regular expression tells
so."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

MASK: Final = b"***"
_HEAD = 5
"""Bytes of a word with which the pass looks for it: fewer find too much, more cost more to compile."""


class Search:
    """Words in lower case, as bytes; `blot` replaces them in whatever case of ASCII they are written."""

    def __init__(self, needles: Iterable[bytes], before: Search | None = None) -> None:
        """
        Args:
            needles: what to look for; none is empty.
            before: an older search, whose expression is kept where the words begin alike.
        """
        self.needles: Final = sorted(needles, key=len, reverse=True)
        """The longest first, for one may be a part of another."""
        self._lengths: Final = [-len(needle) for needle in self.needles]
        self._heads: Final = frozenset(needle[:_HEAD] for needle in self.needles)
        self._any: Final[re.Pattern[bytes]] = (
            before._any
            if before is not None and before._heads == self._heads
            else re.compile(_tree(self._heads), re.DOTALL)
        )

    def blot(self, data: bytes) -> bytes:
        """`data` with `***` for each of the words; `data` itself where it holds none."""
        low = data.lower()
        if not self._any.search(low):
            return data
        for needle in self.needles[bisect_left(self._lengths, -len(low)) :]:
            if needle not in low:
                continue
            kept, start = bytearray(), 0
            while (at := low.find(needle, start)) >= 0:
                kept += data[start:at] + MASK
                start = at + len(needle)
            data = bytes(kept + data[start:])
            low = data.lower()
        return data


def _tree(words: Iterable[bytes]) -> bytes:
    """A regular expression for any of some words, which tries common beginnings once."""
    branches: dict[bytes, list[bytes]] = {}
    for word in words:
        branches.setdefault(word[:1], []).append(word[1:])
    if b"" in branches:
        return b""
    return (
        b"(?:" + b"|".join(re.escape(first) + _tree(rest) for first, rest in sorted(branches.items())) + b")"
    )
