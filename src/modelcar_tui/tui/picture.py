"""Rows of the screen as an SVG that needs nothing but itself: no font, sheet, script or address from outside.

Rich can export an SVG, too: with web fonts, a clip path a row, and wide signs squeezed into half their cells.
Here each piece of text has its own place and length, so that columns stay columns in whatever font is at
hand. Everything is an attribute of its element: several pictures in one page do not meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple
from xml.sax.saxutils import escape

from rich.cells import split_graphemes
from rich.color import Color, blend_rgb
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import TerminalTheme

from modelcar_tui.tui.rows import neutral

CELL, ROW, SIZE = 10, 19.4, 16.6
"""A cell's width, a row's height and the size of the font, in units of the picture: frames join."""
FULL = "█"
_BASE = 15.4
"""From a row's upper edge to the line that letters stand on."""
_EDGE = 12
"""Around the rows."""
_FONTS = "ui-monospace,'DejaVu Sans Mono','Liberation Mono',Menlo,Consolas,monospace"
_DIM = 0.4
"""How much of the background a dim letter takes, as in Rich."""


class Look(NamedTuple):
    """How a sign is drawn; colours as `#rrggbb`."""

    ink: str
    paper: str
    bold: bool = False
    italic: bool = False
    line: str = ""
    """`underline`, `line-through`, both or none."""


class Ground(NamedTuple):
    """The colours of a screen that says none, and of the 16 that a terminal would choose."""

    ink: str
    paper: str
    theme: TerminalTheme


class Piece(NamedTuple):
    """Text from the cell `x` on, `cells` wide."""

    x: int
    cells: int
    text: str
    look: Look


def picture(rows: Sequence[Iterable[Segment]], width: int, ground: Ground, title: str) -> str:
    """An SVG of rows of a screen.

    Args:
        rows: each row's segments, from the left.
        width: cells of a row; what is beyond is left out.
        ground: the colours behind all.
        title: what the picture shows, for whoever can't see it.
    """
    wide, high = _said(width * CELL + 2 * _EDGE), _said(len(rows) * ROW + 2 * _EDGE)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" role="img">',
        f"<title>{_text(title)}</title>",
        f'<rect width="{wide}" height="{high}" rx="8" fill="{ground.paper}"/>',
        f'<g transform="translate({_EDGE} {_EDGE})" font-family="{_FONTS}" font-size="{SIZE}" '
        f'fill="{ground.ink}" shape-rendering="crispEdges" xml:space="preserve">',
    ]
    cells = [_cells(segments, width, ground) for segments in rows]
    # All that lies behind first: a row would else cut what hangs below the line of the row above.
    out += (paper for y, row in enumerate(cells) for paper in _papers(row, y, ground))
    for y, row in enumerate(cells):
        drawn = "".join(_drawn(piece, ground) for piece in _pieces(row))
        out.append(f'<g transform="translate(0 {_said(y * ROW + _BASE)})">{drawn}</g>')
    return "\n".join((*out, "</g>", "</svg>", ""))


def _cells(segments: Iterable[Segment], width: int, ground: Ground) -> list[tuple[str, Look]]:
    """Each cell's sign and look; the second cell of a wide sign has no sign."""
    row: list[tuple[str, Look]] = []
    for content, style, control in segments:
        if control is not None:
            continue
        look = _look(style or Style.null(), ground)
        for sign, cells in _signs(neutral(content)):
            if cells:
                row += [(sign, look), *[("", look)] * (cells - 1)]
            elif row:
                at = len(row) - 1
                while at and not row[at][0]:
                    at -= 1
                row[at] = row[at][0] + sign, row[at][1]
    if len(row) > width and not row[width][0]:
        row[width - 1] = " ", row[width - 1][1]  # the first half of a wide sign
    return row[:width]


def _signs(text: str) -> Iterator[tuple[str, int]]:
    if text.isascii():
        yield from ((sign, 1) for sign in text)
        return
    spans, _ = split_graphemes(text)
    yield from ((text[start:end], cells) for start, end, cells in spans)


def _papers(row: list[tuple[str, Look]], y: int, ground: Ground) -> Iterator[str]:
    """What lies behind the signs, where it is not the picture's own ground; a full block has no seams so."""
    x = 0
    for paper, group in groupby(look.ink if sign == FULL else look.paper for sign, look in row):
        cells = len(list(group))
        if paper != ground.paper:
            place = f'x="{x * CELL}" y="{_said(y * ROW)}" width="{cells * CELL}" height="{ROW}"'
            yield f'<rect {place} fill="{paper}"/>'
        x += cells


def _pieces(row: list[tuple[str, Look]]) -> Iterator[Piece]:
    """Runs of ASCII in one look, and of one other sign; a wide sign alone. Two blanks end a piece."""
    x = 0
    while x < len(row):
        sign, look = row[x]
        end = x + 1
        if not sign.isascii():
            while end < len(row) and row[end] in (("", look), (sign, look)) and (row[end][0] or end == x + 1):
                wide = end == x + 1 and not row[end][0]
                end += 1
                if wide:
                    break
            yield Piece(x, end - x, "".join(cell for cell, _ in row[x:end]), look)
        else:
            while end < len(row) and row[end][0].isascii() and row[end][0] and row[end][1] == look:
                end += 1
            yield from _words(x, "".join(cell for cell, _ in row[x:end]), look)
        x = end


def _words(x: int, text: str, look: Look) -> Iterator[Piece]:
    if look.line:  # blanks are seen, too
        yield Piece(x, len(text), text, look)
        return
    at = 0
    for part in text.split("  "):
        word = part.strip()
        if word:
            yield Piece(x + at + len(part) - len(part.lstrip()), len(word), word, look)
        at += len(part) + 2


def _drawn(piece: Piece, ground: Ground) -> str:
    look = piece.look
    more = f' textLength="{piece.cells * CELL}"' if piece.cells > 1 else ""
    if not piece.text.isascii() and piece.cells > 1:
        more += ' lengthAdjust="spacingAndGlyphs"'
    more += f' fill="{look.ink}"' if look.ink != ground.ink else ""
    more += ' font-weight="bold"' if look.bold else ""
    more += ' font-style="italic"' if look.italic else ""
    more += f' text-decoration="{look.line}"' if look.line else ""
    return f'<text x="{piece.x * CELL}"{more}>{_text(piece.text)}</text>'


@lru_cache(maxsize=1024)
def _look(style: Style, ground: Ground) -> Look:
    ink = _rgb(style.color, ground.ink, ground, foreground=True)
    paper = _rgb(style.bgcolor, ground.paper, ground, foreground=False)
    if style.reverse:
        ink, paper = paper, ink
    if style.dim:
        ink = blend_rgb(_triplet(ink), _triplet(paper), _DIM).hex
    lines = ("underline" if style.underline else "", "line-through" if style.strike else "")
    return Look(ink, paper, bool(style.bold), bool(style.italic), " ".join(filter(None, lines)))


def _rgb(colour: Color | None, default: str, ground: Ground, *, foreground: bool) -> str:
    if colour is None or colour.is_default:
        return default
    return colour.get_truecolor(ground.theme, foreground=foreground).hex


def _triplet(colour: str) -> ColorTriplet:
    return ColorTriplet(*bytes.fromhex(colour[1:]))


def _said(units: float) -> str:
    return f"{units:.1f}".removesuffix(".0")


def _text(text: str) -> str:
    return escape(neutral(text))
