"""The text diff, unified or side by side."""

from __future__ import annotations

from itertools import zip_longest

from rich.cells import set_cell_size

from modelcar_tui.core.text import reveal
from modelcar_tui.manifest import Hunk
from modelcar_tui.tui.rows import Row, pad, printable, row, width


def hunk_rows(hunks: tuple[Hunk, ...], cells: int, *, side: bool) -> list[Row]:
    """The text diff, unified or side by side; long lines are broken, never cut: nothing may hide here."""
    rows: list[Row] = []
    for hunk in hunks:
        rows.append(row((reveal(hunk.header), "hunk")))
        if side:
            rows += _side_by_side(hunk, cells)
        else:
            rows += [row((part, _role(line))) for line in hunk.lines for part in _broken(_shown(line), cells)]
    return rows


def _role(line: str) -> str:
    return {"+": "add", "-": "del"}.get(line[:1], "muted")


def _shown(line: str) -> str:
    return printable(reveal(line.rstrip("\r\n").replace("\t", "    ")))


def _broken(text: str, cells: int) -> list[str]:
    """`text` in pieces of `cells`, continued under a blank mark."""
    pieces: list[str] = []
    rest = text
    while width(rest) > cells:
        head = set_cell_size(rest, cells).rstrip()
        blank = head.rfind(" ")
        if blank > cells // 2 and len(head) < len(rest) and rest[len(head)] != " ":
            head = head[:blank]  # between two words, where there are some
        pieces.append(head)
        rest = "  " + rest[len(head) :].lstrip()
    return [*pieces, rest]


def _side_by_side(hunk: Hunk, cells: int) -> list[Row]:
    half = (cells - 3) // 2
    rows: list[Row] = []
    old: list[str] = []
    new: list[str] = []

    def flush(roles: tuple[str, str]) -> None:
        for left, right in zip_longest(old, new, fillvalue=""):
            for a, b in zip_longest(_broken(left, half), _broken(right, half), fillvalue=""):
                rows.append(row((pad(a, half), roles[0]), (" | ", "frame"), (b, roles[1])))
        old.clear()
        new.clear()

    for line in hunk.lines:
        text = _shown(line)
        if text[:1] in ("-", "+"):
            (old if text.startswith("-") else new).append(text)
            continue
        flush(("del", "add"))
        old.append(text)
        new.append(text)
        flush(("muted", "muted"))
    flush(("del", "add"))
    return rows
