"""The dashboard's small views: header, banner, strip, tabs, footer, and a specialist's pane."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import TYPE_CHECKING

from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.banner import banner_rows, header_rows, keys_row
from modelcar_tui.tui.faces.panes import pane_head, pane_rows
from modelcar_tui.tui.faces.strip import strip_rows
from modelcar_tui.tui.narrow import narrowed
from modelcar_tui.tui.own_keys import shown_keys
from modelcar_tui.tui.rows import EMPTY, Row
from modelcar_tui.tui.view import Scrolled, View

if TYPE_CHECKING:
    from modelcar_tui.tui.patterns import Filter


class HeaderBar(View):
    """Product, manifest, screen, DEMO, the language model that is asked."""

    def __init__(self, face: Face, screen: str = "") -> None:
        super().__init__(face, classes="bar")
        self._screen_title = screen

    def body(self, width: int, height: int) -> list[Row]:
        return header_rows(self.face, self._screen_title, width)

    def rows_in(self, width: int) -> int:
        """The rows that it takes on a screen of that width."""
        return len(header_rows(self.face, self._screen_title, width))


class Banner(View):
    """The verdict and what to do next."""

    def body(self, width: int, height: int) -> list[Row]:
        return banner_rows(self.face, width, height)


class Footer(View):
    """The keys that work here, or a message."""

    def __init__(self, face: Face, keys: Callable[[], list[tuple[str, str]]]) -> None:
        super().__init__(face, classes="bar")
        self._keys = keys

    def body(self, width: int, height: int) -> list[Row]:
        keys = [(shown_keys(key), label) for key, label in self._keys()]
        return [keys_row(keys, self.face.message, width)]


class Strip(View):
    """The specialists, a row each where there is room, else all in one."""

    def __init__(self, face: Face, current: Callable[[], str], *, id: str) -> None:  # noqa: A002
        super().__init__(face, id=id)
        self._current = current

    def body(self, width: int, height: int) -> list[Row]:
        return strip_rows(self.face, self._current(), width, height)


class SpecialistPane(Scrolled, can_focus=True):
    """One specialist: checklist, result, elapsed time."""

    closes = False

    def __init__(self, face: Face, name: str, number: int) -> None:
        super().__init__(face, id=f"pane-{number}", classes="panel")
        self.specialist = name
        self.number = number
        self.filter: Filter | None = None
        self._kept: tuple[tuple[object, ...], tuple[int, int], list[Row]] | None = None
        """Its rows and what they were made of: of thousands of nodes they are dear."""

    @property
    def lists_models(self) -> bool:
        """Whether `/` narrows this pane."""
        return self.specialist in ("configuration", "decision")

    def set_filter(self, chosen: Filter | None) -> None:
        """Show only the models whose names pass."""
        self.filter, self.top = chosen, 0
        self.update()

    def wanted(self, width: int) -> int:
        """Rows for all that it has to tell, its frame included."""
        return len(self.all_rows(max(1, width - 4), 400)) + 2

    def all_rows(self, width: int, height: int) -> list[Row]:
        pane = self.face.state.pane(self.specialist)
        if pane is None:
            return []
        whole = self.face.state
        of = (pane, whole.models, whole.cluster, whole.decision, whole.qa.outcome, self.filter)
        ended = pane.finished is not None
        kept = self._kept
        if ended and kept and kept[1] == (width, height) and all(map(is_, kept[0], of)):
            return kept[2]
        state = narrowed(whole, self.filter)
        rows = pane_rows(state, pane, width, height, self.face.glyphs, self.face.now)
        self._kept = (of, (width, height), rows) if ended else None
        return rows

    def head(self) -> tuple[Row, Row]:
        pane = self.face.state.pane(self.specialist)
        if pane is None:
            return EMPTY, EMPTY
        title, status = pane_head(self.face.state, pane, self.number, self.face.now, self.face.glyphs)
        if self.filter is not None:
            title = Row((*title.spans, (f"  /{self.filter.text}", "accent")))
        return title, status
