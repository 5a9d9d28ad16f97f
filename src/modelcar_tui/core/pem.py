"""Bodies of PEM blocks in a text that comes line by line, where no line alone has their shape."""

from __future__ import annotations

import re

from modelcar_tui.core.numbers import mask_of
from modelcar_tui.core.shapes import unlike_ordinary

_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}-----")
_END = "-----END "
_LAST_WORD = re.compile(r"(?P<word>[A-Za-z0-9+/=]{2,})[\"',\\nr]{0,6}\s*$")
_HEADER = re.compile(r"(?:Proc-Type|DEK-Info|Comment|Version|Hash): ")
_MOST_LINES = 400
"""Of a block whose end never comes."""
_LONG = 16


class PemLines:
    """Give it one line after the other; it gives each with a mask for what belongs to a block."""

    def __init__(self) -> None:
        self._left = 0

    def __call__(self, line: str) -> str:
        """The line as it may be shown; a line that is none of a block's ends the block."""
        begins = _BEGIN.search(line)
        if begins is not None:
            self._left = 0 if _END in line[begins.end() :] else _MOST_LINES
            return line
        if self._left == 0:
            return line
        self._left -= 1
        found = _LAST_WORD.search(line)
        word = found["word"] if found else ""
        if not _HEADER.search(line) and len(word) < _LONG and not unlike_ordinary(word):
            self._left = 0
            return line
        return line[: found.start("word")] + mask_of(word) if found else line
