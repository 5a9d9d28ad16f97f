"""`?`: why, where each number of the focused panel comes from; and the keys of the screen below."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.facts import Known, explain_rows, fact_row, facts_of
from modelcar_tui.tui.rows import EMPTY, Row, paragraph, row
from modelcar_tui.tui.screens.base import FaceScreen, Keys, style
from modelcar_tui.tui.screens.gpus import MOVES
from modelcar_tui.tui.screens.palette import pretty
from modelcar_tui.tui.view import View


class FactList(View, can_focus=True):
    """The facts behind the panel, grouped by model or node."""

    framed = True

    def __init__(self, face: Face, topic: str) -> None:
        super().__init__(face, id="facts")
        self._topic = topic
        self.cursor = 0
        self.facts: list[Known] = []

    @property
    def current(self) -> Known | None:
        """The fact under the cursor."""
        return self.facts[self.cursor] if self.cursor < len(self.facts) else None

    def head(self) -> tuple[Row, Row]:
        pane = self.face.state.pane(self._topic)
        return row(("why: ", "muted"), (pane.title if pane else self._topic, "title")), EMPTY

    def body(self, width: int, height: int) -> list[Row]:
        self.facts = facts_of(self.face.state, self._topic)
        if not self.facts:
            return paragraph("no numbers are known here yet", width, "muted")
        now = time.time() if not self.face.replay else self.face.now
        rows: list[Row] = []
        chosen_at = 0
        group = None
        for at, known in enumerate(self.facts):
            if known.group != group:
                group = known.group
                rows.append(row((group, "title")))
            if at == self.cursor:
                chosen_at = len(rows)
            rows.append(fact_row(known, width, now, self.face.glyphs, chosen=at == self.cursor))
        top = max(0, min(chosen_at - height // 2, len(rows) - height))
        return rows[top : top + height]

    def move(self, by: int) -> None:
        """Move the cursor."""
        self.cursor = max(0, min(self.cursor + by, len(self.facts) - 1))


class Explanation(View):
    """The fact under the cursor down to its terms."""

    framed = True

    def __init__(self, face: Face, facts: FactList) -> None:
        super().__init__(face, id="explanation")
        self._facts = facts

    def body(self, width: int, height: int) -> list[Row]:
        known = self._facts.current
        if known is None:
            return []
        now = time.time() if not self.face.replay else self.face.now
        return explain_rows(known, width, now, self.face.glyphs)


class KeyList(View):
    """The live bindings of the screen below."""

    framed = True

    def __init__(self, face: Face, below: Screen[object]) -> None:
        super().__init__(face, id="keys")
        self._keys = key_rows(below)

    def head(self) -> tuple[Row, Row]:
        return row(("keys", "title")), EMPTY

    def body(self, width: int, height: int) -> list[Row]:
        half = (len(self._keys) + 1) // 2
        if len(self._keys) <= height or width < 70:
            return self._keys
        cells = width // 2
        left = [Row((*line.spans, (" " * max(1, cells - sum(len(t) for t, _ in line.spans)), "text")))
                for line in self._keys[:half]]  # fmt: skip
        right = [*self._keys[half:], EMPTY]
        return [Row((*a.spans, *b.spans)) for a, b in zip(left, right, strict=False)]


def key_rows(below: Screen[object]) -> list[Row]:
    """One row an action, its keys together."""
    actions: dict[str, tuple[list[str], str]] = {}
    for bindings in below._bindings.key_to_bindings.values():
        for binding in bindings:
            if binding.show and binding.description:
                actions.setdefault(binding.action, ([], binding.description))[0].append(pretty(binding.key))
    return [row((f"{' '.join(keys):<13}", "accent"), text) for keys, text in actions.values()]


class HelpScreen(FaceScreen):
    """Why, and keys."""

    TITLE = "why and keys"
    CSS_PATH = style("help")
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(keys, f"move('{how}')", how) for keys, how in MOVES),
        Binding("escape,q,question_mark,f1", "back", "back"),
    ]

    def __init__(self, face: Face, topic: str, below: Screen[object]) -> None:
        super().__init__(face)
        self._topic = topic
        self._below = below

    def content(self) -> Iterable[Widget]:
        self._facts = FactList(self.face, self._topic)
        yield self._facts
        yield Explanation(self.face, self._facts)
        yield KeyList(self.face, self._below)

    def on_mount(self) -> None:
        super().on_mount()
        self._facts.focus()

    def keys(self) -> Keys:
        return [("j k", "choose a number"), ("q", "back")]

    def action_move(self, how: str) -> None:
        """Move among the facts."""
        steps = {"down": 1, "up": -1, "pagedown": 8, "pageup": -8, "home": -9999, "end": 9999}
        self._facts.move(steps[how])
        self.refresh_state()
