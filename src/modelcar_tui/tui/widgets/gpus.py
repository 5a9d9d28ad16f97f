"""The GPU inventory: a virtual table, only the visible rows are made."""

from __future__ import annotations

from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.supervisor.reports import DecisionReport
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.gpus import SORTS, GpuRow, arrange, columns, gpu_rows, head_row, summary, table_row
from modelcar_tui.tui.patterns import Filter
from modelcar_tui.tui.rows import EMPTY, Row, paragraph, row
from modelcar_tui.tui.view import View


class GpuTable(View, can_focus=True):
    """Nodes with a cursor, an order and a filter."""

    framed = True

    def __init__(self, face: Face, *, id: str) -> None:  # noqa: A002
        super().__init__(face, id=id, classes="panel")
        self.sort = SORTS[0]
        self.filter: Filter | None = None
        self.cursor = 0
        self.top = 0
        self._of: tuple[AcceleratorReport | None, DecisionReport | None, str, Filter | None] | None = None
        self._all: list[GpuRow] = []
        self.shown: list[GpuRow] = []

    @property
    def current(self) -> GpuRow | None:
        """The row under the cursor."""
        self._look()
        return self.shown[self.cursor] if self.cursor < len(self.shown) else None

    def head(self) -> tuple[Row, Row]:
        self._look()
        title = row(("GPUs", "title"), (f"  /{self.filter.text}" if self.filter else "", "accent"))
        return title, row((summary(self._all, self.face.state), "muted"))

    def foot(self) -> Row:
        if not self.has_focus or not self.shown:
            return EMPTY
        return row((f"{self.cursor + 1:,}/{len(self.shown):,} by {self.sort}", "muted"))

    def body(self, width: int, height: int) -> list[Row]:
        self._look()
        if not self.shown:
            return self._nothing(width)
        rows = max(1, height - 1)
        self.cursor = max(0, min(self.cursor, len(self.shown) - 1))
        self.top = max(min(self.top, self.cursor, max(0, len(self.shown) - rows)), self.cursor - rows + 1, 0)
        cols = columns(self._all, width)
        visible = self.shown[self.top : self.top + rows]
        return [
            head_row(cols),
            *(
                table_row(line, cols, width, self.face.glyphs, chosen=self.has_focus and at == self.cursor)
                for at, line in enumerate(visible, self.top)
            ),
        ]

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

    def set_filter(self, wanted: Filter | None) -> None:
        """Show only what passes."""
        self.filter = wanted
        self.update()

    def _look(self) -> None:
        state = self.face.state
        now = (state.cluster, state.decision, self.sort, self.filter)
        if self._of is not None and all(new is old for new, old in zip(now, self._of, strict=True)):
            return
        if self._of is None or now[0] is not self._of[0] or now[1] is not self._of[1]:
            self._all = gpu_rows(state)
        self._of = now
        self.shown = arrange(self._all, self.sort, self.filter)

    def _nothing(self, width: int) -> list[Row]:
        report = self.face.state.cluster
        if report is None:
            return [row(("looking for accelerators", "muted"))]
        if self._all:
            return [row(("no node passes the filter; / changes it", "muted"))]
        if not report.inventory.known:
            problem = report.access.problem
            return paragraph(f"could not look: {problem or report.access.rung.value}", width, "warn")
        return paragraph(f"no accelerators on {report.inventory.nodes_seen} nodes", width, "warn")
