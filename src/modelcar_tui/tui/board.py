"""What others ask of the app, so that none of them imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from textual.driver import Driver
from textual.screen import Screen

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.logindex import LogIndex
from modelcar_tui.tui.port import EnginePort

if TYPE_CHECKING:
    from modelcar_tui.tui.patterns import Filter


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


class Opening(Protocol):
    """What a screen asks of the app at a key. By a call and no message: a message would come behind the next
    key, which may have been typed already and is meant for the screen that the first one opens."""

    def open_screen(self, name: str) -> None:
        """A screen by its name in `screens.opening`."""
        ...

    def open_log(self, key: str) -> None:
        """The whole log, with one of its keys done: it has no room on the dashboard."""
        ...

    def open_why(self, topic: str, chosen: Filter | None = None, at: str = "") -> None:
        """Where the numbers of a panel come from.

        Args:
            topic: a specialist's name, or `gpus`, `log`, `plan`.
            chosen: the panel's own filter.
            at: what is under the cursor: a model, a node, or the id of a change.
        """
        ...

    def action_request_quit(self) -> None:
        """The operator wants to leave."""
        ...


class Ending(Protocol):
    """What is ended by a signal, or by a terminal that goes away."""

    _driver: Driver | None

    @property
    def is_headless(self) -> bool:
        """Whether there is no terminal."""
        ...

    @property
    def works(self) -> bool:
        """Whether something of QA, or a try, may be running that the operator's stop has to clean up."""
        ...

    def leave(self, status: ExitStatus | None) -> None:
        """End the screen."""
        ...
