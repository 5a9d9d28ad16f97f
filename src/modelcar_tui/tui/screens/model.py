"""One model's page on a screen of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from modelcar_tui.tui.face import Face
from modelcar_tui.tui.keys import bind
from modelcar_tui.tui.messages import Copied
from modelcar_tui.tui.screens.base import FaceScreen, Keys, move_bindings
from modelcar_tui.tui.widgets.board import PagePanel
from modelcar_tui.tui.widgets.models import ModelTable

MOVES = ("down", "up", "pagedown", "pageup", "home", "end")


class ModelScreen(FaceScreen):
    """Facts, bar, arguments, changes and what QA said of one model; the next one is a key away."""

    TITLE = "model"
    BINDINGS: ClassVar[list[BindingType]] = [
        *move_bindings(*MOVES),
        *bind("right_curly_bracket", "model(1)"),
        *bind("left_curly_bracket", "model(-1)"),
        *bind("d", "diff"),
        *bind("t", "try"),
        *bind("y", "copy"),
        *bind("question_mark,f1", "why"),
        *bind("escape,q,enter", "back"),
    ]

    def __init__(self, face: Face, table: ModelTable) -> None:
        super().__init__(face)
        self._table = table

    def content(self) -> Iterable[Widget]:
        self._page = PagePanel(self.face, lambda: self._table.model, id="whole")
        yield self._page

    def on_mount(self) -> None:
        super().on_mount()
        self._page.focus()

    def keys(self) -> Keys:
        return [
            ("j k", "scroll"),
            ("} {", "next, last model"),
            ("d", "changes"),
            ("t", "try it"),
            ("y", "copy"),
            ("?", "why"),
            ("q", "back"),
        ]

    def action_move(self, how: str) -> None:
        """Scroll."""
        page = self._page.inner[1] - 1
        steps = {"down": 1, "up": -1, "home": -9999, "end": 9999, "pagedown": page, "pageup": -page}
        self._page.scroll_rows(steps[how])

    def action_model(self, by: int) -> None:
        """`}` and `{`."""
        self._table.move(by)
        self.refresh_state()

    def action_diff(self) -> None:
        """`d`."""
        self.opening.open_screen("diff")

    @property
    def model_name(self) -> str:
        """The model that is shown."""
        return self._table.model.name if self._table.model is not None else ""

    @property
    def subject_gone(self) -> bool:
        """Whether there is no model any more."""
        return self._table.model is None

    def action_try(self) -> None:
        """`t`."""
        self.opening.open_screen("try")

    def action_copy(self) -> None:
        """`y`."""
        self.post_message(Copied("\n".join(line.strip("│| ") for line in self._page.plain()[1:-1])))

    def action_why(self) -> None:
        """`?`."""
        model = self._table.model
        self.opening.open_why("decision", at=model.name if model is not None else "")
