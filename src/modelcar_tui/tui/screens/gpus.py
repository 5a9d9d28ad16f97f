"""All GPU nodes: order, groups, filter, what is free, why a node does not count."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from modelcar_tui.tui.face import Face
from modelcar_tui.tui.keys import bind
from modelcar_tui.tui.messages import Copied
from modelcar_tui.tui.narrow import ask_filter
from modelcar_tui.tui.port import EnginePort, Looking
from modelcar_tui.tui.screens.base import FaceScreen, Keys, move_bindings, style
from modelcar_tui.tui.screens.moving import move_in
from modelcar_tui.tui.screens.prompt import Prompt
from modelcar_tui.tui.widgets.gpu_detail import GpuDetail, GpuLimits
from modelcar_tui.tui.widgets.gpus import GpuTable

MOVES = ("down", "up", "pagedown", "pageup", "home", "end")
BOTH_FROM = 110
"""Columns from which both panels stand side by side."""
SMALL_BELOW = 30
"""Rows below which the lower panels are shorter."""


class GpuScreen(FaceScreen):
    """The inventory on a screen of its own."""

    TITLE = "GPUs"
    _looking = False
    CSS_PATH = style("gpus")
    BINDINGS: ClassVar[list[BindingType]] = [
        *move_bindings(*MOVES),
        *bind("slash", "filter"),
        *bind("greater_than_sign", "sort"),
        *bind("b", "group"),
        *bind("enter", "fold"),
        *bind("r", "look_again"),
        *bind("i", "limits"),
        *bind("y", "copy"),
        *bind("question_mark,f1", "why"),
        *bind("escape,q,g", "back"),
    ]

    def __init__(self, face: Face, port: EnginePort) -> None:
        super().__init__(face)
        self._port = port

    def content(self) -> Iterable[Widget]:
        self._table = GpuTable(self.face, id="gpus")
        yield self._table
        with Horizontal(id="below"):
            yield GpuDetail(self.face, self._table)
            yield GpuLimits(self.face)
        yield Prompt()

    def on_mount(self) -> None:
        super().on_mount()
        self._table.focus()

    def on_resize(self) -> None:
        """Both panels where there is room for them, else one at a time."""
        self.set_class(self.size.width >= BOTH_FROM, "-both")
        self.set_class(self.size.height < SMALL_BELOW, "-small")

    def keys(self) -> Keys:
        keys = [
            ("j k", "move"),
            ("/", "filter"),
            ("r", "read again"),
            (">", "sort"),
            ("b", f"group {self._table.grouping or 'none'}"),
        ]
        if self._table.grouping:
            keys.append(("Enter", "fold"))
        if self.size.width < BOTH_FROM:
            keys.append(("i", "node" if self.has_class("-limits") else "limits"))
        return [*keys, ("y", "copy"), ("?", "why"), ("q", "back")]

    def action_move(self, how: str) -> None:
        """Move the cursor."""
        move_in(self._table, how)
        self.refresh_state()

    def action_filter(self) -> None:
        """`/`."""
        ask_filter(self._table, self.query_one(Prompt), self.tell, self.refresh_state)

    def action_sort(self) -> None:
        """`>`."""
        self._table.next_sort()
        self.refresh_state()

    def action_group(self) -> None:
        """`b`."""
        self._table.next_grouping()
        self.refresh_state()

    def action_fold(self) -> None:
        """Enter."""
        self._table.fold()
        self.refresh_state()

    def action_limits(self) -> None:
        """`i`, where only one of the two panels has room."""
        self.toggle_class("-limits")
        self.refresh_state()

    def action_look_again(self) -> None:
        """`r`."""
        port = self._port
        if not isinstance(port, Looking):
            self.tell("a recording has no cluster to look at")
        elif self._looking:
            self.tell("still reading")
        else:
            self._looking = True
            self.tell("reading again what is free ...")
            port.look_again(self._looked)

    def _looked(self, line: str) -> None:
        """From the engine's thread, perhaps after the screen has gone."""
        with suppress(RuntimeError):
            self.app.call_from_thread(self._tell_looked, line)

    def _tell_looked(self, line: str) -> None:
        self._looking = False
        self.tell(line)

    def action_copy(self) -> None:
        """`y`."""
        self.post_message(Copied("\n".join(line.text for line in self._table.shown[:2000])))

    def action_why(self) -> None:
        """`?`."""
        self.opening.open_why("gpus")
