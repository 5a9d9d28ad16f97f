"""`ctrl+p`: every command of the screen below, and the themes, found by typing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from modelcar_tui.core.keymap import ACTS
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.keys import pretty
from modelcar_tui.tui.messages import ThemeChosen
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.rows import Row, row
from modelcar_tui.tui.screens.base import FaceScreen, Keys, style
from modelcar_tui.tui.themes import PALETTES
from modelcar_tui.tui.view import View


class Choices(View):
    """The commands that match."""

    def __init__(self, face: Face) -> None:
        super().__init__(face, id="choices")
        self.items: list[tuple[str, str]] = []
        self.cursor = 0

    def body(self, width: int, height: int) -> list[Row]:
        top = max(0, self.cursor - height + 1)
        return [
            row((f" {key:<12} ", "accent"), label, over="cursor" if at == self.cursor else "")
            for at, (key, label) in enumerate(self.items[top : top + height], top)
        ]


class PaletteScreen(FaceScreen):
    """A list of commands over the screen that it was called from."""

    TITLE = "commands"
    offers_palette = False
    CSS_PATH = style("palette")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", priority=True),
        Binding("down,ctrl+n", "step(1)", "down", priority=True),
        Binding("up", "step(-1)", "up", priority=True),
        Binding("enter", "run", "do it", priority=True),
    ]

    def __init__(self, face: Face, below: FaceScreen) -> None:
        super().__init__(face)
        self._below = below

    def content(self) -> Iterable[Widget]:
        line = Input(placeholder="type a part of the command", compact=True)
        line.cursor_blink = False
        yield line
        yield Choices(self.face)

    def on_mount(self) -> None:
        super().on_mount()
        self._commands = self._collect()
        self.query_one(Input).focus()
        self._narrow("")

    def keys(self) -> Keys:
        return [("↑ ↓", "choose"), ("Enter", "do it"), ("Esc", "back")]

    def _collect(self) -> list[tuple[str, str, Callable[[], object]]]:
        out: list[tuple[str, str, Callable[[], object]]] = []
        seen: set[str] = set()
        titles = {f"pane({at})": pane.title for at, pane in enumerate(self.face.state.panes, 1)}
        for bindings in self._below._bindings.key_to_bindings.values():
            for one in bindings:
                if not one.show or not one.description or one.action in seen or one.action == "back":
                    continue
                seen.add(one.action)
                label = titles.get(one.action, "") if one.action.startswith("pane(") else one.description
                if label and not one.action.startswith("move("):
                    run = lambda action=one.action: self._below.run_action(action)  # noqa: E731
                    out.append((pretty(one.key), label, run))
        save = lambda: self.app.call_after_refresh(self.app.action_screenshot)  # noqa: E731
        out.append((shown("F7"), ACTS["picture"].meaning, save))
        for name in PALETTES:
            out.append(("theme", name, lambda name=name: self.app.post_message(ThemeChosen(name))))  # type: ignore[misc]
        return out

    def on_input_changed(self, event: Input.Changed) -> None:
        self._narrow(event.value)

    def _narrow(self, text: str) -> None:
        words = text.lower().split()
        self._found = [c for c in self._commands if all(word in f"{c[0]} {c[1]}".lower() for word in words)]
        view = self.query_one(Choices)
        view.items = [(key, label) for key, label, _ in self._found]
        view.cursor = 0
        view.update()

    def action_step(self, by: int) -> None:
        """Move."""
        view = self.query_one(Choices)
        view.cursor = max(0, min(view.cursor + by, len(view.items) - 1))
        view.update()

    def action_run(self) -> None:
        """Do the chosen command on the screen below."""
        at = self.query_one(Choices).cursor
        if at < len(self._found):
            command = self._found[at][2]
            self.dismiss()
            self.app.call_later(command)
