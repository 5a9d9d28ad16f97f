"""The whole QA log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from modelcar_tui.tui.face import Face
from modelcar_tui.tui.keys import bind
from modelcar_tui.tui.logindex import LogIndex
from modelcar_tui.tui.messages import Copied
from modelcar_tui.tui.screens.base import FaceScreen, Keys, move_bindings, style
from modelcar_tui.tui.screens.gpus import MOVES
from modelcar_tui.tui.screens.logkeys import LogKeys
from modelcar_tui.tui.screens.moving import move_in
from modelcar_tui.tui.screens.prompt import Prompt
from modelcar_tui.tui.widgets.log import LogView


class LogScreen(FaceScreen):
    """The log on a screen of its own."""

    TITLE = "QA log"
    CSS_PATH = style("log")
    BINDINGS: ClassVar[list[BindingType]] = [
        *move_bindings(*MOVES, "left", "right"),
        *bind("slash", "press('slash')"),
        *bind("n", "press('n')"),
        *bind("N", "press('N')"),
        *bind("e", "press('e')"),
        *bind("E", "press('E')"),
        *bind("f", "press('f')"),
        *bind("w", "press('w')"),
        *bind("T", "press('T')"),
        *bind("s", "press('s')"),
        *bind("y", "copy"),
        *bind("question_mark,f1", "why"),
        *bind("escape,q,l", "back"),
    ]

    def __init__(self, face: Face, index: LogIndex, *, first: str = "") -> None:
        """
        Args:
            face: what is shown.
            index: the log.
            first: a key of the log that is done as soon as it is shown.
        """
        super().__init__(face)
        self._index = index
        self._first = first

    def content(self) -> Iterable[Widget]:
        self._view = LogView(self.face, self._index, id="log")
        yield self._view
        self._prompt = Prompt()
        yield self._prompt
        self._keys = LogKeys(self._view, self._prompt, self.tell)

    def on_mount(self) -> None:
        super().on_mount()
        self._view.focus()
        if self._first:
            self.call_after_refresh(self.action_press, self._first)

    def keys(self) -> Keys:
        return [
            ("/", "filter"),
            ("n N", "match"),
            ("e", "error"),
            ("f", "follow"),
            ("w", "wrap"),
            ("T", "times"),
            ("s", "save"),
            ("y", "copy"),
            ("?", "keys"),
            ("q", "back"),
        ]

    def action_move(self, how: str) -> None:
        """Scroll."""
        if why := self._view.stuck(how):
            self.tell(why)
        move_in(self._view, how)

    def action_press(self, key: str) -> None:
        """One of the log's keys."""
        self._keys.press(key, self.face.state.folder)

    def action_copy(self) -> None:
        """`y`: whole lines, whatever of them is shown."""
        if not self._view.index.shown:
            self.tell("nothing to copy: no line is shown")
            return
        self.post_message(Copied("\n".join(self._view.visible_lines())))

    def action_why(self) -> None:
        """`?`."""
        self.opening.open_why("qa")
