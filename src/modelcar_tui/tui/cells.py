"""Rows of cells: what a terminal shows, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from rich.cells import get_character_cell_size, split_graphemes
from rich.color import ColorSystem
from rich.segment import Segment

from modelcar_tui.tui.looks import PLAIN, Looks
from modelcar_tui.tui.rows import neutral

UNKNOWN = "\0"
"""The text of a cell of which nobody knows what it shows; no cell that is written has it."""
LAST_OF_BMP = 0xFFFF
"""Beyond it terminals of different age have different widths."""
_SURE_WIDE = (
    (0x1100, 0x115F),
    (0x2E80, 0xA4CF),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF),
    (0xFE30, 0xFE6F),
    (0xFF00, 0xFF60),
    (0xFFE0, 0xFFE6),
)
"""East Asian signs that every terminal draws two cells wide."""


class Cells:
    """One row. `text[x]` is a sign with what combines with it, or empty in the second cell of a wide one.

    `looks[x]` is the number of its look.
    """

    __slots__ = ("looks", "text", "unsure")

    def __init__(self, text: list[str], looks: list[int], *, unsure: bool = False) -> None:
        self.text = text
        self.looks = looks
        self.unsure = unsure
        """Terminals don't agree on how wide some sign in it is."""

    @classmethod
    def unknown(cls, width: int) -> Cells:
        """A row of which nothing is known."""
        return cls([UNKNOWN] * width, [PLAIN] * width)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cells) and self.text == other.text and self.looks == other.looks

    __hash__ = None  # type: ignore[assignment]

    def copy(self) -> Cells:
        """A row of its own with the same cells."""
        return Cells(self.text.copy(), self.looks.copy(), unsure=self.unsure)

    def key(self) -> tuple[str, tuple[int, ...]]:
        """The same for rows that look the same."""
        return "\1".join(self.text), tuple(self.looks)

    def put(self, x: int, other: Cells) -> None:
        """Lay other cells over it, from `x`; what has no room is left out."""
        room = len(self.text) - x
        text, looks = other.text[:room], other.looks[:room]
        if not text:
            return
        if len(other.text) > room and not other.text[room]:
            text[-1] = " "  # the first half of a wide sign
        end = x + len(text)
        if x and not self.text[x] and text[0]:
            self.text[x - 1] = " "
        if end < len(self.text) and not self.text[end]:
            self.text[end] = " "
        self.text[x:end] = text
        self.looks[x:end] = looks
        self.unsure = (self.unsure or other.unsure) and any(map(unsure, self.text))


def cells(segments: Iterable[Segment], looks: Looks, colours: ColorSystem) -> Cells:
    """The cells of segments in one row; nothing that is not printable stays in them."""
    text: list[str] = []
    worn: list[int] = []
    unsure = False
    for content, style, control in segments:
        if control is not None or not content:
            continue
        sign, blank = looks.of(style, colours)
        if content.isascii() and content.isprintable():
            text += content
        else:
            unsure |= _spread(neutral(content), text)
        if sign == blank or " " not in content:
            worn += [sign] * (len(text) - len(worn))
        else:
            worn += [blank if cell == " " else sign for cell in text[len(worn) :]]
    return Cells(text, worn, unsure=unsure)


def _spread(content: str, text: list[str]) -> bool:
    """Append the cells of a text; whether a terminal may draw them wider or narrower."""
    if all(map(_narrow, content)):
        text += content
        return False
    spans, _ = split_graphemes(content)
    doubtful = False
    for start, end, width in spans:
        sign = content[start:end]
        doubtful |= _unsure(sign)
        if width:
            text.append(sign)
            if width == 2:
                text.append("")
        elif text:
            _combine(text, sign)
    return doubtful


def _combine(text: list[str], mark: str) -> None:
    at = len(text) - 1
    while at > 0 and not text[at]:
        at -= 1
    text[at] += mark


@lru_cache(maxsize=1024)
def _narrow(char: str) -> bool:
    return get_character_cell_size(char) == 1 and ord(char) <= LAST_OF_BMP


@lru_cache(maxsize=1024)
def _unsure(sign: str) -> bool:
    if len(sign) > 1:
        return True
    code = ord(sign)
    if get_character_cell_size(sign) == 1:
        return code > LAST_OF_BMP
    return not any(low <= code <= high for low, high in _SURE_WIDE)


def unsure(sign: str) -> bool:
    """Whether terminals may draw the sign wider or narrower than we reckon."""
    return bool(sign) and sign != UNKNOWN and not sign.isascii() and _unsure(sign)
