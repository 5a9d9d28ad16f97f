"""What others ask of the app, so that none of them imports it."""

from __future__ import annotations

from typing import Any, Protocol

from textual.driver import Driver
from textual.screen import Screen

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.logindex import LogIndex
from modelcar_tui.tui.port import EnginePort


class Board(Protocol):
    """What a screen is opened with."""

    face: Face
    port: EnginePort
    index: LogIndex

    @property
    def screen(self) -> Screen[Any]:
        """The screen that is shown."""
        ...

    def tell(self, text: str) -> None:
        """One line in the footer, until the next key."""
        ...


class Ending(Protocol):
    """What is ended by a signal, or by a terminal that goes away."""

    _driver: Driver | None

    @property
    def is_headless(self) -> bool:
        """Whether there is no terminal."""
        ...

    @property
    def qa_works(self) -> bool:
        """Whether something of QA may be running that the operator's stop has to clean up."""
        ...

    def leave(self, status: ExitStatus | None) -> None:
        """End the screen."""
        ...
