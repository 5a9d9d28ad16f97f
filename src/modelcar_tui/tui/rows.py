"""Rows of styled text: what every face of the dashboard is made of. Pure; knows no widget.

A row is a tuple of spans; a span is a text and a role of the theme. Widths are terminal cells.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from modelcar_tui.core.text import REPLACEMENT, clean

Span = tuple[str, str]


class Row(NamedTuple):
    """One line of the screen."""

    spans: tuple[Span, ...] = ()
    over: str = ""
    """A role laid over the whole row, such as `cursor`."""


EMPTY = Row()


@lru_cache(maxsize=4096)
def neutral(text: str) -> str:
    """`text` with every sign that prints nothing replaced, or dropped where it took no cell; blanks stay
    blank."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _stand_in(char) for char in text)


def _stand_in(char: str) -> str:
    return (" " if char.isspace() else REPLACEMENT) * cell_len(char)


def printable(text: str) -> str:
    """`text` as it may stand in a row: cleaned, if it was not at the edge."""
    return text if text.isprintable() else neutral(clean(text))


def row(*spans: Span | str, over: str = "") -> Row:
    """A row; a bare string has the role `text`."""
    return Row(tuple((span, "text") if isinstance(span, str) else span for span in spans), over)


def width(text: str) -> int:
    """Cells that `text` takes."""
    return len(text) if text.isascii() else cell_len(text)


def crop(text: str, cells: int, ellipsis: str = "…") -> str:
    """`text` in at most `cells` cells; what is cut is marked."""
    if cells <= 0:
        return ""
    text = printable(text)
    if width(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + ellipsis


def crop_middle(text: str, cells: int, ellipsis: str = "…") -> str:
    """`text` in at most `cells` cells with its middle cut: for names whose ends tell them apart."""
    text = printable(text)
    if width(text) <= cells or cells < 5:
        return crop(text, cells, ellipsis)
    tail = ""
    for char in reversed(text):
        if width(char + tail) > (cells - 1) // 2:
            break
        tail = char + tail
    return set_cell_size(text, cells - 1 - width(tail)) + ellipsis + tail


def pad(text: str, cells: int, align: str = "<", ellipsis: str = "…") -> str:
    """`text` cropped or filled to exactly `cells` cells, aligned `<` or `>`."""
    text = crop(text, cells, ellipsis)
    fill = " " * max(0, cells - width(text))
    return fill + text if align == ">" else text + fill


def wrap(text: str, cells: int) -> list[str]:
    """`text` in lines of at most `cells` cells, broken at blanks where there are any.

    A word that is too long for a line, such as a path or an image, is broken behind a slash where it has one
    far enough to the right, else behind another sign, else anywhere.
    """
    cells = max(cells, 4)
    text = printable(text)
    lines, line = [], ""
    for word in text.split(" "):
        candidate = f"{line} {word}" if line else word
        while width(candidate) > cells:
            if line and (width(line) * 3 > cells or width(word) <= cells):
                lines.append(line)
                candidate, line = word, ""
            else:
                head = _broken(set_cell_size(candidate, cells).rstrip())
                lines.append(head)
                candidate, line = candidate[len(head) :].lstrip(), ""
        line = candidate
    lines.append(line)
    return lines


def _broken(head: str) -> str:
    """What of `head` stays in a line that ends inside a word."""
    for signs in ("/", "-_:,.="):
        at = max(map(head.rfind, signs)) + 1
        if at * 2 > len(head):
            return head[:at]
    return head


def spans_width(spans: Iterable[Span]) -> int:
    """Cells that the spans take together."""
    return sum(width(text) for text, _ in spans)


def fit(line: Row, cells: int, ellipsis: str = "…") -> Row:
    """`line` in exactly `cells` cells, with every control character gone."""
    out: list[Span] = []
    left = cells
    for text, role in line.spans:
        safe = printable(text)
        need = width(safe)
        if need > left:
            safe = crop(safe, left, ellipsis)
            need = width(safe)
            if safe:
                out.append((safe, role))
            left -= need
            break
        if safe:
            out.append((safe, role))
        left -= need
    if left > 0:
        out.append((" " * left, "text"))
    return Row(tuple(out), line.over)


def between(left: Row, right: Row, cells: int, ellipsis: str = "…") -> Row:
    """`left` at the left edge and `right` at the right edge; `left` gives way."""
    room = cells - spans_width(right.spans)
    if room < 4:
        return fit(left, cells, ellipsis)
    body = fit(left, room - 1, ellipsis)
    return Row((*body.spans, (" ", "text"), *right.spans), left.over)


def paragraph(text: str, cells: int, role: str = "text", indent: int = 0) -> list[Row]:
    """`text` as wrapped rows of one role."""
    return [row((" " * indent, role), (line, role)) for line in wrap(text, cells - indent)]


def labelled(
    label: str, text: str, cells: int, *, indent: int = 7, role: str = "text", tone: str = "muted"
) -> list[Row]:
    """A paragraph behind its label of the role `tone`; nothing for an empty text."""
    lines = paragraph(text, cells - indent, role) if text else []
    return [Row(((f"{'' if at else label:<{indent}}", tone), *line.spans)) for at, line in enumerate(lines)]
