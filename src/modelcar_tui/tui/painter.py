"""Knows what the terminal shows and says what is to be sent so that it shows something else.

Textual sends whole regions, with all colours again for each piece of text; here only cells go that differ.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from operator import ne

from modelcar_tui.tui.cells import UNKNOWN, Cells
from modelcar_tui.tui.looks import Looks
from modelcar_tui.tui.pen import Pen

FEWEST_ROWS = 4
"""Changed rows from which on it is looked whether they only moved."""
MANY_RUNS = 4
"""Pieces of a row from which on it may be shorter to erase it first."""
WORTH_CELLS = 40
"""Cells that a scroll must save: its words are as long as some thirty of them."""


def fills_erased(environment: Mapping[str, str]) -> bool:
    """Whether the terminal gives what it erases the background that it wears.

    Almost all do (terminfo: `bce`). GNU screen does not, nor do terminals of which nothing is known.
    """
    kind = environment.get("TERM", "")
    if "TMUX" in environment:
        return True
    known = ("xterm", "tmux", "alacritty", "foot", "ghostty", "kitty", "konsole", "linux", "rxvt", "vte")
    return kind.startswith((*known, "wezterm", "gnome", "contour", "putty", "st-"))


class Painter:
    """The terminal's cells as they were last sent. Not safe for threads: the loop of the app owns it."""

    def __init__(self, *, fills: bool | None = None) -> None:
        self.looks = Looks()
        self.rows: list[Cells] = []
        self._fills = fills_erased(os.environ) if fills is None else fills

    def forget(self) -> None:
        """The terminal may show anything: what is painted next is sent even where it is as before."""
        self.rows = [Cells.unknown(len(row.text)) for row in self.rows]

    def fit(self, width: int, height: int) -> None:
        """The size in cells of the screen; of another size nothing is known."""
        if len(self.rows) != height or (self.rows and len(self.rows[0].text) != width):
            self.rows = [Cells.unknown(width) for _ in range(height)]

    def paint(self, fresh: Mapping[int, Cells]) -> str:
        """What makes the terminal show those rows, by number; empty where it does already."""
        changed = {y: row for y, row in fresh.items() if row != self.rows[y]}
        if not changed:
            return ""
        pen = Pen(self.looks, len(self.rows[0].text), fills=self._fills)
        if len(changed) >= FEWEST_ROWS:
            self._scroll(pen, changed)
        for y, row in sorted(changed.items()):
            self._write(pen, y, row)
            self.rows[y] = row
        return pen.end()

    def _write(self, pen: Pen, y: int, row: Cells) -> None:
        """The cells that differ; or the rest of the row erased and its signs, where that is shorter."""
        old = self.rows[y]
        runs = _runs(old, row)
        mark, before = len(pen.words), pen.place
        for run in runs:
            pen.write(row, y, *run)
        blank = _commonest_blank(row) if len(runs) >= MANY_RUNS else None
        if blank is None or not pen.erases(blank) or old.unsure or row.unsure or UNKNOWN in row.text:
            return
        piecewise, after = pen.words[mark:], pen.place
        del pen.words[mark:]
        pen.place = before
        start = runs[0][0]
        pen.erase_rest(y, start, blank)
        rest = len(row.text) - start
        for run in _runs(Cells(old.text[:start] + [" "] * rest, old.looks[:start] + [blank] * rest), row):
            pen.write(row, y, *run)
        if _bytes(pen.words[mark:]) >= _bytes(piecewise):
            pen.words[mark:] = piecewise
            pen.place = after

    def _scroll(self, pen: Pen, changed: dict[int, Cells]) -> None:
        """Move rows on the terminal where that leaves less to send."""
        if any(row.text[0] == UNKNOWN for row in self.rows):
            return
        shift = _likely_shift(self.rows, changed)
        if not shift:
            return
        ys = [
            y for y, row in changed.items() if 0 <= y + shift < len(self.rows) and row == self.rows[y + shift]
        ]
        top, bottom = min(ys) + min(shift, 0), max(ys) + max(shift, 0) + 1
        if any(UNKNOWN in row.text for row in self.rows[top:bottom]):
            return
        moved = _moved(self.rows[top:bottom], shift)
        goal = [changed.get(y, self.rows[y]) for y in range(top, bottom)]
        saved = sum(
            _differing(before, after) - _differing(then, after)
            for before, then, after in zip(self.rows[top:bottom], moved, goal, strict=True)
        )
        if saved < WORTH_CELLS:
            return
        pen.scroll(top, bottom, shift)
        self.rows[top:bottom] = moved
        changed.update(zip(range(top, bottom), goal, strict=True))


def _bytes(words: list[str]) -> int:
    return len("".join(words).encode())


def _commonest_blank(row: Cells) -> int | None:
    seen = Counter(look for cell, look in zip(row.text, row.looks, strict=True) if cell == " ")
    return seen.most_common(1)[0][0] if seen else None


def _likely_shift(old: list[Cells], changed: Mapping[int, Cells]) -> int:
    """By how many rows most changed rows moved up; 0 where few did."""
    at: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for y, row in enumerate(old):
        at.setdefault(row.key(), []).append(y)
    votes = Counter(there[0] - y for y, row in changed.items() if len(there := at.get(row.key(), [])) == 1)
    if not votes:
        return 0
    shift, count = votes.most_common(1)[0]
    return shift if count > 1 else 0


def _moved(rows: list[Cells], shift: int) -> list[Cells]:
    """The rows after a scroll; terminals don't agree on the background of those that come free."""
    free = [Cells.unknown(len(rows[0].text)) for _ in range(abs(shift))]
    return [*rows[shift:], *free] if shift > 0 else [*free, *rows[:shift]]


def _differing(old: Cells, new: Cells) -> int:
    unlike = map(ne, old.text, new.text)
    return sum(1 for a, b in zip(unlike, map(ne, old.looks, new.looks), strict=True) if a or b)


def _runs(old: Cells, new: Cells) -> list[tuple[int, int]]:
    """Where the row has to be written: from each first cell to the one after the last."""
    if old == new:
        return []
    width = len(new.text)
    if old.unsure or new.unsure:
        # A sign that was drawn wider than reckoned has damaged its neighbours.
        runs = _grouped([cell != UNKNOWN for cell in new.text])
    else:
        differs = [
            a or b for a, b in zip(map(ne, old.text, new.text), map(ne, old.looks, new.looks), strict=True)
        ]
        runs = _grouped(differs)
    wide = "" in old.text or "" in new.text
    return _grouped(_whole_signs(old, new, runs, width)) if wide else runs


def _grouped(differs: list[bool]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    at, width = 0, len(differs)
    while at < width:
        try:
            start = differs.index(True, at)
        except ValueError:
            break
        try:
            at = differs.index(False, start)
        except ValueError:
            at = width
        runs.append((start, at))
    return runs


def _whole_signs(old: Cells, new: Cells, runs: list[tuple[int, int]], width: int) -> list[bool]:
    """The cells of the runs, and the other halves of the wide signs at their edges.

    To write over one half of a wide sign blanks the other.
    """
    differs = [False] * width
    for start, end in runs:
        first, last = start, end
        while first > 0 and not (old.text[first] and new.text[first]):
            first -= 1
        while last < width and not (old.text[last] and new.text[last]):
            last += 1
        differs[first:last] = [True] * (last - first)
    return differs
