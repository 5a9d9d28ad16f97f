"""The earlier runs as a list with a cursor: only the rows that are seen are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.counting import several
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.runs import (
    RunGroup,
    Telling,
    arrange_runs,
    detail_rows,
    head_row,
    list_row,
    passing,
)
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.patterns import Filter
from modelcar_tui.tui.rows import EMPTY, Row, paragraph, row
from modelcar_tui.tui.shelf import Shelf
from modelcar_tui.tui.view import View

if TYPE_CHECKING:
    from modelcar_tui.api import EarlierRun

START_ONE = "no runs yet; modelcar-tui --demo makes one, modelcar-tui FILE judges your manifest"


class RunTable(View, can_focus=True):
    """All runs that have been read so far."""

    framed = True

    def __init__(self, face: Face, shelf: Shelf) -> None:
        super().__init__(face, id="runs")
        self._shelf = shelf
        self.filter: Filter | None = None
        self.grouped = True
        self.cursor = 0
        self.top = 0
        self.reading = True
        self.runs: list[EarlierRun] = []
        self.words: dict[str, str] = {}
        self.shown: list[EarlierRun | RunGroup] = []
        self._moved = False
        """The operator has moved the cursor: it stays with its run, else with the first."""
        self._turned: set[int] = set()
        self._room = 1
        self._places: dict[str, str] = {}

    @property
    def current(self) -> EarlierRun | RunGroup | None:
        """The row under the cursor."""
        return self.shown[self.cursor] if self.cursor < len(self.shown) else None

    @property
    def run(self) -> EarlierRun | None:
        """The run under the cursor; None on a heading."""
        one = self.current
        return None if isinstance(one, RunGroup) else one

    @property
    def seen_runs(self) -> list[EarlierRun]:
        """The runs that are seen."""
        seen = self.shown[self.top : self.top + self._room]
        return [one for one in seen if not isinstance(one, RunGroup)]

    @property
    def telling(self) -> Telling:
        """What rows are told with."""
        return Telling(self.face.now, self.face.glyphs, self.words, self.place)

    def place(self, run: EarlierRun) -> str:
        """The run's manifest, as it is shown."""
        if run.id not in self._places:
            self._places[run.id] = self._shelf.manifest(run)
        return self._places[run.id]

    def head(self) -> tuple[Row, Row]:
        title = row(("earlier runs", "title"), (f"  /{self.filter.text}" if self.filter else "", "accent"))
        count = several(len(self.runs), "run") + (", reading" if self.reading else "")
        return title, row((count if self.runs else "", "muted"))

    def foot(self) -> Row:
        hidden = len(self.shown) - self.top - self._room
        return row((f"{hidden:,} more {self.face.glyphs.down}", "muted")) if hidden > 0 else EMPTY

    def body(self, width: int, height: int) -> list[Row]:
        if not self.shown:
            self._room = 1
            return paragraph(self._nothing(), width, "muted")
        self._room = max(1, height - 1)
        self.cursor = max(0, min(self.cursor, len(self.shown) - 1))
        self.top = max(0, min(self.top, self.cursor, len(self.shown) - self._room))
        self.top = max(self.top, self.cursor - self._room + 1)
        seen, how = enumerate(self.shown[self.top : self.top + self._room], self.top), self.telling
        return [head_row(width), *(list_row(one, width, how, chosen=at == self.cursor) for at, one in seen)]

    def _nothing(self) -> str:
        if self.runs:
            return f"no run passes the filter; {shown('/')} changes it"
        return "reading" if self.reading else START_ONE

    def add(self, runs: list[EarlierRun], words: dict[str, str], *, reading: bool) -> None:
        """Runs that have been read, older than those before, and outcomes in words."""
        changed = bool(runs or words) or reading is not self.reading
        self.runs += runs
        self.words |= words
        self.reading = reading
        if runs:
            self._arrange()
        if changed:
            self.update()

    def drop(self, run: EarlierRun) -> None:
        """It is no longer there."""
        self.runs = [one for one in self.runs if one.id != run.id]
        at = self.cursor
        self._arrange()
        self.cursor = min(at, max(0, len(self.shown) - 1))
        self.update()

    def _arrange(self) -> None:
        before = self.current if self._moved else None
        passes = passing(self.filter, self.place)
        self.shown = arrange_runs(self.runs, passes, self._turned, grouped=self.grouped)
        if before is None:
            # The first run, not its heading: Enter is for runs.
            self.cursor = min(1 if self.grouped else 0, max(0, len(self.shown) - 1))
            return
        found = (at for at, one in enumerate(self.shown) if _same(one, before))
        self.cursor = next(found, min(self.cursor, max(0, len(self.shown) - 1)))

    def go(self, how: str) -> None:
        """One movement key."""
        page, all_rows = max(1, self._room - 1), len(self.shown)
        steps = {"down": 1, "up": -1, "pagedown": page, "pageup": -page, "home": -all_rows, "end": all_rows}
        self._moved = True
        self.cursor = max(0, min(self.cursor + steps[how], all_rows - 1))
        self.update()

    def fold(self) -> None:
        """Unfold or fold the group under the cursor."""
        one = self.current
        if isinstance(one, RunGroup):
            self._moved = True
            self._turned ^= {one.group}
            self._arrange()
            self.update()

    def turn_groups(self) -> None:
        """By groups, or by time alone."""
        self._moved = True
        self.grouped = not self.grouped
        self._arrange()
        self.update()

    def set_filter(self, chosen: Filter | None) -> None:
        """Show only what passes."""
        self.filter = chosen
        self._arrange()
        self.update()


class RunDetail(View):
    """The run under the cursor, whole."""

    framed = True

    def __init__(self, face: Face, table: RunTable) -> None:
        super().__init__(face, id="run")
        self._table = table

    def body(self, width: int, height: int) -> list[Row]:
        return detail_rows(self._table.current, width, self._table.telling)


def _same(one: EarlierRun | RunGroup, other: EarlierRun | RunGroup) -> bool:
    if isinstance(one, RunGroup) or isinstance(other, RunGroup):
        return isinstance(one, RunGroup) and isinstance(other, RunGroup) and one.group == other.group
    return one.id == other.id
