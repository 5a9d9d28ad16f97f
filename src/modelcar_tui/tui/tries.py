"""What the app does about tries by itself: it asks where one waits for a word, and tells how one ended."""

from __future__ import annotations

from typing import Protocol

from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor import Trial
from modelcar_tui.tui.board import Board, Opening
from modelcar_tui.tui.faces.trial import end_line
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.screens.base import FaceScreen

NEWS_S = 60.0
"""Seconds after which an end is no news."""


class Asking(Board, Opening, Protocol):
    """The app, as far as a try asks by itself."""

    def bell(self) -> None:
        """The terminal's."""
        ...


class Tries:
    """Looks at the tries of a live run whenever its state is another one."""

    def __init__(self, app: Asking) -> None:
        self._app = app
        self._asked = ""
        self._told: set[str] = set()

    def look(self) -> None:
        """Ask once, and tell each end once; what ended long ago, before a run went on, is not news."""
        trials = self._app.face.state.trials
        for trial in trials:
            if trial.end is not None and trial.id not in self._told:
                self._told.add(trial.id)
                if self._app.face.clock() - trial.ended < NEWS_S:
                    self._ring(self._end_of(trial))
        waiting = next((trial for trial in trials if trial.asks), None)
        if waiting is None or waiting.id == self._asked:
            return
        self._asked = waiting.id
        screen = self._app.screen
        if isinstance(screen, FaceScreen) and screen.offers_palette and not screen.typing:
            self._app.bell()
            self._app.open_screen("try-question")
        else:
            self._ring(f"the try of {reveal(waiting.model)} waits for your word: {shown('t')}")

    def _end_of(self, trial: Trial) -> str:
        """What the footer says of an end; nothing on the try's own screen, where it stands above the keys."""
        screen = self._app.screen
        here = getattr(screen, "model_name", "") == trial.model
        if here and getattr(screen, "shows_tries", False):
            return ""
        return end_line(trial, screen.size.width - 2, under_cursor=here)

    def _ring(self, text: str) -> None:
        self._app.bell()
        self._app.tell(text)
