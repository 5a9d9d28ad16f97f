"""The second, different confirmation: a word is typed, letter by letter; no single key can do it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType

from modelcar_tui.core.text import reveal
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.rows import EMPTY, Row, labelled, paragraph, row
from modelcar_tui.tui.screens.base import Dialog


class ConfirmDialog(Dialog):
    """Answers with the word when it was typed in full, else with nothing. Enter does nothing.

    Warnings come first: a question that is asked a second time must look like another one.
    """

    deaf_s = 0.5
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "back")]

    def __init__(
        self, face: Face, word: str, title: str, facts: Sequence[tuple[str, str]], warnings: Sequence[str]
    ) -> None:
        super().__init__(face)
        self._word = word
        self._heading = title
        self._facts = facts
        self._warnings = warnings
        self._typed = 0

    def title_text(self) -> str:
        return self._heading

    def rows(self, cells: int) -> list[Row]:
        rows = [EMPTY]
        for text in self._warnings:
            rows += paragraph(f"! {reveal(text)}", cells, "warn")
        rows += [EMPTY] if self._warnings else []
        indent = max([4, *(len(label) for label, _ in self._facts)]) + 2
        for label, text in self._facts:
            rows += labelled(label, reveal(text), cells, indent=indent)
        typed, rest = self._word[: self._typed], self._word[self._typed :]
        return [
            *rows,
            EMPTY,
            row("type ", (typed, "ok"), (rest, "need"), f" to {self._word}   ", ("Esc", "key"), " back"),
            EMPTY,
        ]

    def _scrolls(self, key: str) -> bool:
        return any(one.action.startswith("scroll") for one in self._bindings.key_to_bindings.get(key, ()))

    def on_key(self, event: events.Key) -> None:
        """The next letter, or back to the first; a key that scrolls is no letter where the word has
        another."""
        if self._typed == len(self._word):
            event.stop()  # typed on while the dialog goes away: Enter behind the word is a habit
            return
        right = event.character == self._word[self._typed]
        if event.key == "escape" or (not right and self._scrolls(event.key)):
            return
        event.stop()
        self._typed = self._typed + 1 if right else 0
        if self._typed == len(self._word):
            self.dismiss(self._word)
            return
        self.refresh_state()
