"""All GPU nodes: order, filter, what is free, why a node does not count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from modelcar_tui.tui import format as f
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.narrow import ask_filter
from modelcar_tui.tui.rows import Row, paragraph, row
from modelcar_tui.tui.screens.base import FaceScreen, Keys, move_bindings, style
from modelcar_tui.tui.screens.dashboard import move_in
from modelcar_tui.tui.screens.prompt import Prompt
from modelcar_tui.tui.view import View
from modelcar_tui.tui.widgets.gpus import GpuTable

MOVES = ("down", "up", "pagedown", "pageup", "home", "end")


class NodeDetail(View):
    """All that is known of the node under the cursor."""

    framed = True

    def __init__(self, face: Face, table: GpuTable) -> None:
        super().__init__(face, id="node")
        self._table = table

    def head(self) -> tuple[Row, Row]:
        line = self._table.current
        return row((line.name if line else "no node", "title")), Row()

    def body(self, width: int, height: int) -> list[Row]:
        line = self._table.current
        if line is None:
            return []
        glyphs = self.face.glyphs
        memory = f"{f.mib(line.mem_mib)} a unit (from {line.mem_from}, {line.guarantee.value})"
        if line.mem_mib is None:
            memory = "unknown"
        free = "unknown (pods could not be listed)" if line.free is None else str(line.free)
        rows = [
            row(
                ("product  ", "muted"),
                line.product,
                (f"  compute capability {line.cc}" if line.cc else "", "muted"),
            ),
            row(("resource ", "muted"), line.resource or "none", (f"  {line.where}", "muted")),
            row(("units    ", "muted"), f"{line.total} allocatable, {free} free"),
            row(("memory   ", "muted"), memory),
        ]
        if line.models:
            rows.append(row((f"{glyphs.land} lands   ", "accent"), (", ".join(line.models), "accent")))
        if line.why:
            label = "caution  " if line.usable else "not used "
            role = "warn" if line.usable else "bad"
            rows += [
                Row(((label if not at else " " * 9, "muted"), *part.spans))
                for at, part in enumerate(paragraph(line.why, width - 9, role))
            ]
        return rows


class GpuScreen(FaceScreen):
    """The inventory on a screen of its own."""

    TITLE = "GPUs"
    CSS_PATH = style("gpus")
    BINDINGS: ClassVar[list[BindingType]] = [
        *move_bindings(*MOVES),
        Binding("slash", "filter", "filter (regular expression, ! inverts)"),
        Binding("s", "sort", "order by the next column"),
        Binding("y", "copy", "copy the shown rows"),
        Binding("question_mark,f1", "why", "why and keys"),
        Binding("escape,q,g", "back", "back"),
    ]

    def content(self) -> Iterable[Widget]:
        self._table = GpuTable(self.face, id="gpus")
        yield self._table
        yield NodeDetail(self.face, self._table)
        yield Prompt()

    def on_mount(self) -> None:
        super().on_mount()
        self._table.focus()

    def keys(self) -> Keys:
        return [("j k", "move"), ("/", "filter"), ("s", f"sort: {self._table.sort}"), ("y", "copy"), ("?", "why"),
                ("q", "back")]  # fmt: skip

    def action_move(self, how: str) -> None:
        """Move the cursor."""
        move_in(self._table, how)
        self.refresh_state()

    def action_filter(self) -> None:
        """`/`."""
        ask_filter(self._table, self.query_one(Prompt), self.tell)

    def action_sort(self) -> None:
        """`s`."""
        self._table.next_sort()
        self.refresh_state()

    def action_copy(self) -> None:
        """`y`."""
        self.board.copy_out("\n".join(line.text for line in self._table.shown[:2000]))

    def action_why(self) -> None:
        """`?`."""
        self.board.open_help("gpus")
