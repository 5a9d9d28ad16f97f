"""The panels of the dashboard: each says how many rows it has to tell, and the board places them.

What a panel shows is imported when it has something to show: the first frame has nothing yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from textual.containers import Container
from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from modelcar_tui.tui import format as f
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.rows import EMPTY, Row, row
from modelcar_tui.tui.view import Scrolled

if TYPE_CHECKING:
    from modelcar_tui.tui.faces.models import ModelRow


class _Placed(Layout):
    """Children at the places that the board finds for the room there is."""

    name = "placed"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        board = cast("Board", parent)
        board.places = board.find(size.width, size.height)
        none, nowhere = Spacing(), Offset()
        return [
            WidgetPlacement(board.places[child.id], nowhere, none, child)
            for child in children
            if child.id is not None and child.id in board.places
        ]


class Board(Container):
    """Lays out its children where `find` (columns, rows) puts them; what has no place is not shown."""

    def __init__(self, *children: Widget, find: Callable[[int, int], dict[str, Region]]) -> None:
        super().__init__(*children, id="board")
        self.find = find
        self.places: dict[str, Region] = {}
        self._placed = _Placed()

    @property
    def layout(self) -> Layout:
        return self._placed

    def look_again(self) -> None:
        """Move the panels where they have other things to tell; costs nothing where all stay."""
        if self.size.width and self.find(self.size.width, self.size.height) != self.places:
            self._clear_arrangement_cache()  # it knows of the size and the children, not of what they tell
            self.refresh(layout=True)


class Panel(Scrolled, can_focus=True):
    """A framed panel of the board whose rows are a function of the state."""

    closes = False

    def wanted(self, width: int) -> int:
        """Rows for all that it has to tell in a panel of `width` cells, its frame included; 0 for nothing."""
        rows = len(self.all_rows(max(1, width - 4), 400))
        return rows + 2 if rows else 0


class PagePanel(Panel):
    """The model under the table's cursor."""

    def __init__(self, face: Face, model: Callable[[], ModelRow | None], *, id: str = "page") -> None:  # noqa: A002
        super().__init__(face, id=id, classes="panel")
        self._model = model
        self._name = ""

    def head(self) -> tuple[Row, Row]:
        model = self._model()
        if model is None:
            return EMPTY, EMPTY
        word = f.verdict_spans(model.verdict, self.face.glyphs) if model.verdict is not None else ()
        return row((model.name, "title")), Row(word)

    def all_rows(self, width: int, height: int) -> list[Row]:
        from modelcar_tui.tui.faces.page import page_rows

        model = self._model()
        if model is None:
            return []
        if model.name != self._name:
            self._name, self.top = model.name, 0
        return page_rows(self.face.state, model, width, self.face.glyphs)


class NotesPanel(Panel):
    """Failed checks, findings, notes."""

    def __init__(self, face: Face) -> None:
        super().__init__(face, id="notes", classes="panel")

    def head(self) -> tuple[Row, Row]:
        return row(("remarks", "title")), EMPTY

    def all_rows(self, width: int, height: int) -> list[Row]:
        from modelcar_tui.tui.faces.notes import notes_rows

        return notes_rows(self.face.state, width, self.face.glyphs)


class PlanPanel(Panel):
    """The proposed changes in brief."""

    def __init__(self, face: Face) -> None:
        super().__init__(face, id="plan", classes="panel")

    def head(self) -> tuple[Row, Row]:
        from modelcar_tui.tui.faces.plan import plan_title, review_of

        return plan_title(self.face.state, review_of(self.face.state))

    def all_rows(self, width: int, height: int) -> list[Row]:
        from modelcar_tui.tui.faces.plan import plan_rows, review_of

        review = review_of(self.face.state)
        return plan_rows(review, width, self.face.glyphs, height) if review is not None else []

    def short(self, width: int) -> int:
        """Rows of the form that only counts what changes no verdict, its frame included; 0 for nothing."""
        rows = len(self.all_rows(max(1, width - 4), 1))
        return rows + 2 if rows else 0
