"""The models as a table with a cursor: only the rows that are seen are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.tui.arranging import TWO_FROM
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.models import MANY, ModelGroup, ModelRow, arrange_models, groupings, model_rows
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.patterns import Filter
from modelcar_tui.tui.rows import Row, row
from modelcar_tui.tui.view import View

if TYPE_CHECKING:
    from modelcar_tui.tui.faces.kinds import KindColumn
    from modelcar_tui.tui.faces.model_table import Columns


class ModelTable(View, can_focus=True):
    """The heart of the dashboard once deciding is done."""

    framed = True
    closes = False

    def __init__(self, face: Face) -> None:
        super().__init__(face, id="models", classes="panel")
        self.filter: Filter | None = None
        self.grouping: str | None = None
        """One of `groupings`; None until the operator chose: many are grouped by themselves."""
        self.cursor = 0
        self.top = 0
        self.moved = False
        """The operator has moved the cursor: it stays with its model, else with the worst."""
        self.shown: list[ModelRow | ModelGroup] = []
        self._turned: set[str] = set()
        self._all: list[ModelRow] = []
        self._kinds: tuple[KindColumn, ...] = ()
        self._of: tuple[object, ...] = ()

    @property
    def by(self) -> str:
        """What the rows are grouped by."""
        return self.grouping if self.grouping is not None else "reason" if len(self._all) > MANY else ""

    @property
    def current(self) -> ModelRow | ModelGroup | None:
        """The row under the cursor."""
        self._look()
        return self.shown[self.cursor] if self.cursor < len(self.shown) else None

    @property
    def model(self) -> ModelRow | None:
        """The model under the cursor, or the first of the group there."""
        one = self.current
        return one.first if isinstance(one, ModelGroup) else one

    def wanted(self, width: int) -> int:
        """Rows for all of it where it has `width` columns, its frame included both times."""
        self._look()
        return len(self.shown) + 3 + self._has_free(width)

    def head(self) -> tuple[Row, Row]:
        self._look()
        title = row(("models", "title"), (f"  /{self.filter.text}" if self.filter else "", "accent"))
        by = f"by {self.by}, {shown('b')} by another" if self.by else f"{shown('b')} groups"
        return title, row((f"{len(self._all)} {by}" if self._all else "", "muted"))

    def foot(self) -> Row:
        hidden = len(self.shown) - self.top - self._room
        below = f"{hidden} more {self.face.glyphs.down}" if hidden > 0 else ""
        return row((below, "muted")) if below else row()

    def body(self, width: int, height: int) -> list[Row]:
        self._look()
        if not self.shown:
            return [row((self._nothing(), "muted"))]
        from modelcar_tui.tui.faces.model_table import free_row, head_row, table_row
        from modelcar_tui.tui.faces.qa_models import qa_words

        state, glyphs = self.face.state, self.face.glyphs
        cols = self._columns(width)
        ends = (
            [free_row(cols, glyphs)]
            if self._has_free(self.size.width) and height > len(self.shown) + 1
            else []
        )
        self._room = max(1, height - 1 - len(ends))
        self.cursor = max(0, min(self.cursor, len(self.shown) - 1))
        least = max(0, min(self.cursor, len(self.shown) - self._room))
        self.top = max(min(self.top, least), self.cursor - self._room + 1, 0)
        visible = enumerate(self.shown[self.top : self.top + self._room], self.top)
        words = qa_words(state) if cols.qa else {}
        rows = [table_row(one, cols, glyphs, words, chosen=at == self.cursor) for at, one in visible]
        return [head_row(cols, judged=state.decision is not None), *rows, *ends]

    _room = 1

    def _columns(self, width: int) -> Columns:
        from modelcar_tui.tui.faces.model_table import columns

        qa = self.face.state.qa
        tested = bool(qa.started.container) or (qa.outcome is not None and not qa.outcome.skipped)
        return columns(self.shown, self._kinds, width, qa=tested)

    def _has_free(self, width: int) -> bool:
        return sum(1 for kind in self._kinds if kind.units) > 1 and width >= TWO_FROM

    def _nothing(self) -> str:
        if self._all:
            return f"no model passes the filter; {shown('/')} changes it"
        if self.face.state.manifest is not None:
            return "the manifest names no model"
        return "no model is known" if self.face.state.finish is not None else "reading the manifest"

    def _look(self) -> None:
        state = self.face.state
        known = (state.decision, state.models, state.manifest, state.qa.outcome, state.answer, state.cluster)
        key = (*known, state.finish)
        now = (*key, self.filter, self.grouping)
        if self._of and all(new is old for new, old in zip(now, self._of, strict=True)):
            return
        chosen = self.shown[self.cursor] if self.moved and self.cursor < len(self.shown) else None
        if not self._of or any(new is not old for new, old in zip(key, self._of, strict=False)):
            from modelcar_tui.tui.faces.kinds import kind_columns

            self._all, self._kinds = model_rows(state), kind_columns(state)
        self._of = now
        self._group(chosen)

    def _group(self, chosen: ModelRow | ModelGroup | None) -> None:
        self.shown = arrange_models(self._all, self.by, self.filter, self._turned)
        if chosen is None:
            self.cursor = 0 if not self.moved else min(self.cursor, max(0, len(self.shown) - 1))
            return
        self.cursor = next((at for at, one in enumerate(self.shown) if _same(one, chosen)), 0)

    def move(self, by: int) -> None:
        """Move the cursor by rows."""
        self.moved = True
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
        return max(1, self._room - 1)

    def next_grouping(self) -> str:
        """Group by the next thing, or not at all."""
        chosen = self.current
        known = groupings(self._all)
        self.grouping = known[(known.index(self.by) + 1) % len(known)] if self.by in known else ""
        self._turned.clear()
        self._group(chosen)
        self.update()
        return self.by

    def fold(self) -> bool:
        """Unfold or fold the group under the cursor; False where there is none."""
        one = self.current
        if not isinstance(one, ModelGroup):
            return False
        self.moved = True
        self._turned ^= {one.key}
        self._group(one)
        self.update()
        return True

    def set_filter(self, chosen: Filter | None) -> None:
        """Show only what passes."""
        self.filter = chosen
        self.update()


def _same(one: ModelRow | ModelGroup, other: ModelRow | ModelGroup) -> bool:
    if isinstance(other, ModelGroup):
        same = isinstance(one, ModelGroup) and one.key == other.key
        return same or (isinstance(one, ModelRow) and one.name == other.first.name)
    if isinstance(one, ModelGroup):
        return any(line.name == other.name for line in one.rows) and not one.open
    return one.name == other.name
