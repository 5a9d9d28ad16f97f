"""Text in columns of a terminal or of a file: widths are cells, wide characters take two.

The dashboard has Rich for this, which nothing below it may load.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence

_LEAST = 12
"""Cells below which no column is made for want of room."""


def width(text: str) -> int:
    """Cells that a cleaned text takes; ambiguous characters count as narrow, as terminals show them."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wrap(text: str, cells: int) -> list[str]:
    """The text in lines of at most `cells` cells (2 at least): broken at blanks, else within a word. Nothing
    is lost but blanks."""
    cells = max(2, cells)
    lines, line = [], ""
    for word in text.split():
        candidate = f"{line} {word}" if line else word
        if line and width(candidate) > cells:
            lines.append(line)
            candidate = word
        while width(candidate) > cells:
            head = _head(candidate, cells)
            lines.append(head)
            candidate = candidate[len(head) :]
        line = candidate
    return [*lines, line] if line or not lines else lines


def _head(text: str, cells: int) -> str:
    """As much of the text as `cells` hold; broken behind one of `-./,:` where that leaves most of it."""
    taken = size = 0
    for char in text:
        size += _cells(char)
        if size > cells:
            break
        taken += 1
    last = max(text.rfind(mark, 0, taken) for mark in "-./,:")
    return text[: last + 1] if last * 2 > taken else text[:taken]


def hang(lead: str, text: str, cells: int) -> list[str]:
    """`lead` and the text behind it, its further lines under the first; two blanks from the edge under a lead
    that takes more than half the line, or where a word would be broken for it."""
    longest = max(map(width, text.split()), default=0)
    indent = width(lead) if width(lead) * 2 <= cells and longest <= cells - width(lead) else 2
    if indent == width(lead):
        lines = wrap(text, cells - indent)
        return [(lead if not at else " " * indent) + line for at, line in enumerate(lines)]
    first, *rest = wrap(f"{lead.rstrip()} {text}", cells)
    return [first, *(" " * indent + line for line in wrap(" ".join(rest), cells - indent) if rest)]


def pad(text: str, cells: int, *, right: bool = False) -> str:
    """The text filled to `cells` cells, at the right edge where `right`; a longer one stays whole."""
    fill = " " * max(0, cells - width(text))
    return fill + text if right else text + fill


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    cells: int,
    *,
    right: Collection[int] = (),
    firm: Collection[int] = (),
) -> list[str]:
    """Columns two blanks apart in at most `cells` cells: wide columns are wrapped, within words last. Where
    even that has no room, a block a row, a line a cell.

    Args:
        head: titles of the columns.
        rows: as many texts each; cleaned.
        cells: of a line.
        right: numbers of the columns that stand at their right edge.
        firm: numbers of the columns that are not wrapped.
    """
    columns = list(zip(head, *rows, strict=True))
    widths = [max(map(width, column)) for column in columns]
    words = [max(width(word) for text in column for word in text.split() or [""]) for column in columns]
    least = [min(word, max(width(title), _LEAST)) for word, title in zip(words, head, strict=True)]
    room = cells - 2 * (len(head) - 1)
    for floor in (words, least):
        firmly = [own if at in firm else few for at, (own, few) in enumerate(zip(widths, floor, strict=True))]
        _shrink(widths, firmly, room)
    if sum(widths) > room:
        return _blocks(head, rows, cells)
    return [line for row in (head, *rows) for line in _row(row, widths, right)]


def _shrink(widths: list[int], least: Sequence[int], room: int) -> None:
    """Take from the widest columns, a little at a time, until all have room or none can give more."""
    while (over := sum(widths) - room) > 0:
        spare = [own - few for own, few in zip(widths, least, strict=True)]
        at = max(range(len(widths)), key=lambda at: (spare[at] > 0, widths[at]))
        if spare[at] <= 0:
            return
        widths[at] -= min(over, spare[at], max(1, widths[at] // 8))


def _row(row: Sequence[str], widths: Sequence[int], right: Collection[int]) -> list[str]:
    wrapped = [wrap(text, most) for text, most in zip(row, widths, strict=True)]
    lines = []
    for at in range(max(map(len, wrapped))):
        texts = [column[at] if at < len(column) else "" for column in wrapped]
        padded = (pad(text, widths[n], right=n in right) for n, text in enumerate(texts))
        lines.append("  ".join(padded).rstrip())
    return lines


def _blocks(head: Sequence[str], rows: Sequence[Sequence[str]], cells: int) -> list[str]:
    """The first column's text leads a row, indented lines follow: beside it, or under one that leaves no
    room."""
    lines = []
    for first, *others in rows:
        texts = [f"{title}: {text}" for title, text in zip(head[1:], others, strict=True) if text]
        beside = width(first) + 1 if cells - width(first) > _LEAST else 2
        told = [" " * beside + line for text in texts for line in wrap(text, cells - beside)]
        if beside > width(first) and told:
            told[0] = first + told[0][width(first) :]
        else:
            told = [*wrap(first, cells), *told]
        lines += told
    return lines
