"""What the app does by itself, once each: it rings where the run waits, asks for a word, tells the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from textual.screen import Screen

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.tui.board import Board, Opening
from modelcar_tui.tui.screens.base import FaceScreen
from modelcar_tui.tui.screens.front import FrontScreen

if TYPE_CHECKING:
    from modelcar_tui.tui.tries import Tries


class Prompted(Board, Opening, Protocol):
    """The app, as far as it is moved by the run itself."""

    def bell(self) -> None:
        """The terminal's."""
        ...

    @property
    def screen_stack(self) -> list[Screen[Any]]:
        """The screens, the one that is shown last."""
        ...

    def push_screen(self, screen: Any) -> Any:
        """Show a screen above the others."""
        ...

    def leave(self, status: ExitStatus | None) -> None:
        """End the screen."""
        ...


class Prompting:
    """What has been told; a live run's tells once, whatever is folded again."""

    def __init__(self, app: Prompted) -> None:
        self._app = app
        self._asked = ""
        self._told_consent = False
        self._told_end = False
        self._tries: Tries | None = None
        self.summary_due = False
        """The summary waits until nothing is typed or asked any more."""

    def look(self) -> None:
        """The state may be another one."""
        app, state = self._app, self._app.face.state
        if state.waiting_for_approval and state.approval and self._asked != state.approval.request_id:
            self._asked = state.approval.request_id
            app.bell()
        if state.waiting_for_consent and not self._told_consent:
            self._told_consent = True
            self._ask_consent()
        if state.trials and not app.face.replay:
            from modelcar_tui.tui.tries import Tries  # the first paint has none

            self._tries = self._tries or Tries(app)
            self._tries.look()
        if state.finish is not None and not self._told_end:
            self._told_end = True
            if state.faults and not app.face.replay:
                # Nothing to look at: the lines are said once the terminal is back.
                app.leave(None)
                return
            app.bell()
            self.summary_due = not app.face.replay
        if self.summary_due:
            self._tell_the_end()

    def _ask_consent(self) -> None:
        screen = self._app.screen
        self._app.bell()
        if isinstance(screen, FrontScreen) and not screen.typing:
            self._app.open_screen("consent")

    def take_moment(self) -> None:
        """A replay shows another moment: what waits or has ended there is no news, what comes after it is."""
        state = self._app.face.state
        self._asked = state.approval.request_id if state.waiting_for_approval and state.approval else ""
        self._told_consent, self._told_end = state.waiting_for_consent, state.finish is not None

    def _tell_the_end(self) -> None:
        """The summary, once: at once, or as soon as nothing is typed or asked any more."""
        from modelcar_tui.tui.screens.finish import FinishDialog
        from modelcar_tui.tui.screens.quit import QuitDialog

        screen = self._app.screen
        if any(isinstance(each, FinishDialog) for each in self._app.screen_stack):
            self.summary_due = False  # the operator has it open: it says the end by itself
        elif isinstance(screen, QuitDialog):
            screen.dismiss("")  # it asks what to do with a run that goes on
        elif isinstance(screen, FaceScreen) and screen.offers_palette and not screen.typing:
            self.summary_due = False
            self._app.push_screen(FinishDialog(self._app.face, unasked=True))
