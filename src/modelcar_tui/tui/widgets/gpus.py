"""The GPU inventory: a virtual table, only the visible rows are made."""

from __future__ import annotations

from modelcar_tui.core.counting import several
from modelcar_tui.tui import format as f
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.gpu_groups import GROUPINGS, Group, group, group_row
from modelcar_tui.tui.faces.gpus import (
    SORTED_BY,
    SORTS,
    Columns,
    GpuRow,
    arrange,
    columns,
    gpu_rows,
    head_row,
    legend,
    summary,
    table_row,
)
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.patterns import Filter
from modelcar_tui.tui.rows import EMPTY, Row, paragraph, row, width
from modelcar_tui.tui.view import View


class GpuTable(View, can_focus=True):
    """Nodes with a cursor, an order and a filter."""

    framed = True
    closes = False

    def __init__(self, face: Face, *, id: str) -> None:  # noqa: A002
        super().__init__(face, id=id, classes="panel")
        self.sort = SORTS[0]
        self.filter: Filter | None = None
        self.cursor = 0
        self.top = 0
        self._of: tuple[object, ...] | None = None
        self._all: list[GpuRow] = []
        self._summary = ""
        self.grouping = ""
        """One of `GROUPINGS`."""
        self._turned: set[str] = set()
        self._cols: tuple[object, int, Columns] | None = None
        self.shown: list[GpuRow | Group] = []

    @property
    def current(self) -> GpuRow | Group | None:
        """The row or heading under the cursor."""
        self._look()
        return self.shown[self.cursor] if self.cursor < len(self.shown) else None

    def wanted(self) -> int:
        """Rows for all nodes, the frame included."""
        self._look()
        return len(self.shown) + 3 if self.shown else 3

    def head(self) -> tuple[Row, Row]:
        self._look()
        title = row(("GPUs", "title"), (f"  /{self.filter.text}" if self.filter else "", "accent"))
        return title, row((self._summary, "muted"))

    def foot(self) -> Row:
        if not self.has_focus or not self.shown:
            hidden = len(self.shown) - self.top - max(1, self.inner[1] - 1)
            return row((f"{hidden:,} more {self.face.glyphs.down}", "muted")) if hidden > 0 else EMPTY
        grouped = f", grouped by {self.grouping}" if self.grouping else ""
        cluster = self.face.state.cluster
        age = f.age(cluster.inventory.at, self.face.now) if cluster else ""
        read = (
            f", read {age}" if age.endswith(" ago") and " s " not in age else ""
        )  # no seconds: they cost bytes
        told = f"{self.cursor + 1:,}/{len(self.shown):,} sorted by {SORTED_BY[self.sort]}{grouped}{read}"
        cells = self.inner[0]
        signs = f"  {legend(self.face.glyphs, self._columns(cells))}"
        return row((told + signs * (width(told + signs) < cells - 4), "muted"))

    def body(self, width: int, height: int) -> list[Row]:
        self._look()
        if not self.shown:
            return self._nothing(width)
        rows = max(1, height - 1)
        self.cursor = max(0, min(self.cursor, len(self.shown) - 1))
        self.top = max(min(self.top, self.cursor, max(0, len(self.shown) - rows)), self.cursor - rows + 1, 0)
        cols = self._columns(width)
        visible = self.shown[self.top : self.top + rows]
        return [
            head_row(cols, self.sort),
            *(
                self._line(line, cols, width, chosen=self.has_focus and at == self.cursor)
                for at, line in enumerate(visible, self.top)
            ),
        ]

    def _line(self, line: GpuRow | Group, cols: Columns, width: int, *, chosen: bool) -> Row:
        if isinstance(line, Group):
            return group_row(line, cols, self.face.glyphs, chosen=chosen)
        return table_row(line, cols, width, self.face.glyphs, chosen=chosen)

    def _columns(self, width: int) -> Columns:
        """The widths; looking through thousands of rows is done once for a state."""
        key = (self._of, width)
        if self._cols is None or self._cols[0] is not self._of or self._cols[1] != width:
            self._cols = (*key, columns(self._all, width, grouping=self.grouping))
        return self._cols[2]

    def move(self, by: int) -> None:
        """Move the cursor by rows."""
        self.cursor = max(0, min(self.cursor + by, len(self.shown) - 1))
        self.update()

    def home(self) -> None:
        """The first row."""
        self.move(-len(self.shown))

    def end(self) -> None:
        """The last row."""
        self.move(len(self.shown))

    def page(self) -> int:
        """Rows of one page."""
        return max(1, self.inner[1] - 2)

    def next_sort(self) -> str:
        """Order by the next column."""
        self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]
        self.update()
        return self.sort

    def next_grouping(self) -> str:
        """Group by the next thing, or not at all."""
        chosen = self.current
        self.grouping = GROUPINGS[(GROUPINGS.index(self.grouping) + 1) % len(GROUPINGS)]
        self._turned.clear()
        self._look()
        self._go_to(chosen)
        self.update()
        return self.grouping

    def fold(self) -> None:
        """Fold or unfold the group under the cursor, or the one that the row belongs to."""
        chosen = self.current
        heading = chosen if isinstance(chosen, Group) else self._heading(chosen)
        if heading is None:
            return
        self._turned ^= {heading.key}
        self._of = None
        self._look()
        self._go_to(heading)
        self.update()

    def _heading(self, line: GpuRow | None) -> Group | None:
        above = reversed(self.shown[: self.cursor])
        return None if line is None else next((one for one in above if isinstance(one, Group)), None)

    def _go_to(self, line: GpuRow | Group | None) -> None:
        """The cursor to the same row or heading, else to the heading of the row's group."""
        if line is None:
            return
        for at, one in enumerate(self.shown):
            if isinstance(line, Group):
                same = isinstance(one, Group) and one.key == line.key
            else:
                same = one is line or (isinstance(one, Group) and not one.open and line in one.rows)
            if same:
                self.cursor = at
                return

    def set_filter(self, wanted: Filter | None) -> None:
        """Show only what passes."""
        self.filter = wanted
        self.update()

    def _look(self) -> None:
        state = self.face.state
        now = (state.cluster, state.decision, self.sort, self.filter, self.grouping)
        if self._of is not None and all(new is old for new, old in zip(now, self._of, strict=True)):
            return
        if self._of is None or now[0] is not self._of[0] or now[1] is not self._of[1]:
            self._all, self._summary = gpu_rows(state), summary(state)
        self._of = now
        self.shown = group(arrange(self._all, self.sort, self.filter), self.grouping, self._turned)

    def _nothing(self, width: int) -> list[Row]:
        report = self.face.state.cluster
        if report is None:
            return [row(("looking for accelerators", "muted"))]
        if self._all:
            return [row((f"no node passes the filter; {shown('/')} changes it", "muted"))]
        if not report.inventory.known:
            problem = report.access.problem
            return paragraph(f"could not look: {problem or report.access.rung.value}", width, "warn")
        return paragraph(f"no accelerators on {several(report.inventory.nodes_seen, 'node')}", width, "warn")
