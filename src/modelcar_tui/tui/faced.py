"""What the dashboard and the list of runs share as programs: one face on all screens, one way to end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events

from modelcar_tui.core.ends import ENDS
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.keymap import Keymap
from modelcar_tui.supervisor import RunState
from modelcar_tui.tui import glyphs
from modelcar_tui.tui.driver import TerminalDriver
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.keys import bind, moved_bindings
from modelcar_tui.tui.messages import Said, ThemeChosen
from modelcar_tui.tui.own_keys import use
from modelcar_tui.tui.screens.base import Faced
from modelcar_tui.tui.signals import Leaving
from modelcar_tui.tui.themed import ThemedApp
from modelcar_tui.tui.themes import PALETTES

if TYPE_CHECKING:
    from modelcar_tui.tui.patterns import Filter


class FacedApp(ThemedApp):
    """A program whose screens all look at one `Face`."""

    TITLE = "modelcar-tui"
    BINDINGS = [  # noqa: RUF012
        *bind("ctrl+c,ctrl+q", "request_quit", show=False, priority=True),
        *bind("ctrl+p", "palette"),
        *bind("ctrl+l", "draw_again", show=False),
        *bind("f7", "screenshot", show=False),
    ]

    def __init__(
        self,
        state: RunState,
        clock: Callable[[], float],
        *,
        replay: bool = False,
        ascii: bool = False,  # noqa: A002
        theme: str | None = None,
        low_bandwidth: bool = False,
        keys: Keymap | None = None,
        pictures: Path | None = None,
    ) -> None:
        """
        Args:
            state: what is shown first.
            clock: seconds since 1970.
            replay: whether a recorded run is shown.
            ascii: whether no sign beyond ASCII is drawn.
            theme: its name; by default what suits the terminal.
            low_bandwidth: whether the line is slow.
            keys: the operator's own.
            pictures: where pictures go that belong to no run.
        """
        use(keys or {})
        super().__init__(theme or ("ansi" if low_bandwidth else None), TerminalDriver)
        self._bindings = moved_bindings(self._bindings)
        self.face = Face(
            state=state,
            glyphs=glyphs.ASCII if ascii else glyphs.UNICODE,
            palette=self.palette,
            clock=clock,
            slow=low_bandwidth,
            replay=replay,
        )
        self._pictures = pictures
        self.signals = Leaving(self)
        self._crash_line = ""

    def show(self) -> None:
        """The screen looks at the face again."""
        screen = self.screen
        if isinstance(screen, Faced):
            with self.batch_update():
                screen.refresh_state()

    def tell(self, text: str) -> None:
        """One line in the footer, until the next key."""
        self.face.message = text
        self.show()

    def heard(self, event: events.Event) -> bool:
        """Whether the screen hears this key; one that is heard ends the footer's line."""
        screen = self.screen
        if isinstance(screen, Faced) and screen.deaf(event.time):
            return False
        if isinstance(event, events.Key) and self.face.message:
            self.face.message = ""
            self.show()
        return True

    def open_why(self, topic: str, chosen: Filter | None = None, at: str = "") -> None:
        """Help on a topic, and the keys of the screen that is shown."""
        from modelcar_tui.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.face, topic, self.screen, chosen, at))

    def on_said(self, said: Said) -> None:
        self.tell(said.text)

    def on_theme_chosen(self, chosen: ThemeChosen) -> None:
        self.face.palette = PALETTES[chosen.name]
        self.theme = chosen.name

    @property
    def works(self) -> bool:
        """Whether something runs that an end has to clean up."""
        return False

    def leave(self, status: ExitStatus | None) -> None:
        """End the program; the first that ends it gives the status, 0 where it gives None."""
        if self._exit:
            return
        code = int(status or ExitStatus.GO)
        ENDS.begin(code)
        self.exit(code)

    @property
    def crash_folder(self) -> str:
        """Of the run that a report of a fault of ours belongs to, or the empty text."""
        return ""

    def _fatal_error(self) -> None:
        from modelcar_tui.tui.crash import report

        self._return_code = int(ExitStatus.INTERNAL)
        ENDS.begin(ExitStatus.INTERNAL)
        self.bell()
        self._crash_line = report(self._exception, self.crash_folder)
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        # Rich would cut the line, and with it the report's path, at the terminal's edge.
        if self._crash_line:
            sys.stderr.write(f"{self._crash_line}\n")
