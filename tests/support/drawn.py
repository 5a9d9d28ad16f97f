"""What stands in a picture of a screen, read back out of its SVG."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from rich.cells import cell_len

SVG = "{http://www.w3.org/2000/svg}"
CELL = 10
ALLOWED = {
    "svg": {"viewBox", "role"},
    "title": set(),
    "rect": {"x", "y", "width", "height", "rx", "fill"},
    "g": {
        *("transform", "font-family", "font-size", "fill", "shape-rendering"),
        "{http://www.w3.org/XML/1998/namespace}space",
    },
    "text": {
        *("x", "textLength", "lengthAdjust", "fill", "font-weight", "font-style", "text-decoration"),
    },
}
"""Elements and attributes of a picture: no link, no style, no script, no image, no event."""


def rows(svg: str) -> list[str]:
    """Each row's text, its pieces at their columns, without the blanks at its end.

    What a picture may not hold fails here: other elements, addresses, signs out of their place.
    """
    root = ElementTree.fromstring(svg)
    for one in root.iter():
        name = one.tag.removeprefix(SVG)
        assert set(one.attrib) <= ALLOWED[name], (name, one.attrib)
        for value in one.attrib.values():
            assert not re.search(r"url|//|javascript|&", value), value
    [screen] = root.findall(f"{SVG}g")
    return [_row(row) for row in screen.findall(f"{SVG}g")]


def _row(row: ElementTree.Element) -> str:
    out: list[str] = []
    for piece in row.findall(f"{SVG}text"):
        at, text = int(piece.get("x", "")) // CELL, piece.text or ""
        taken = cell_len("".join(out))
        assert at >= taken, (at, out, text)
        assert int(piece.get("textLength", CELL)) == CELL * cell_len(text)
        out += [" " * (at - taken), text]
    return "".join(out).rstrip()
