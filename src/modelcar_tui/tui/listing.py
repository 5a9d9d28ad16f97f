"""The list of earlier runs as a program of its own: it ends with the run that was chosen, or none."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from textual import events

from modelcar_tui.core.ends import ENDS
from modelcar_tui.core.exit_codes import SIGNALLED, ExitStatus
from modelcar_tui.core.keymap import Keymap
from modelcar_tui.supervisor import RunState
from modelcar_tui.tui.faced import FacedApp
from modelcar_tui.tui.messages import Copied
from modelcar_tui.tui.screens.base import FaceScreen, style
from modelcar_tui.tui.screens.runs import RunsScreen
from modelcar_tui.tui.shelf import Shelf
from modelcar_tui.tui.signals import let_go_of_terminal

if TYPE_CHECKING:
    from modelcar_tui.api import EarlierRun

WATCH_S = 1.0
"""How often it is looked whether the terminal is still there."""


class Chosen(NamedTuple):
    """What the operator left the list with."""

    choice: str
    """`resume`, `replay`, or nothing."""
    folder: str
    status: int
    """The exit status where nothing was chosen."""


class RunListApp(FacedApp):
    """The screen over all runs."""

    CSS_PATH = [style("app"), style("runs")]  # noqa: RUF012 - the first screen is not pushed

    def __init__(
        self,
        shelf: Shelf,
        *,
        ascii: bool = False,  # noqa: A002
        theme: str | None = None,
        low_bandwidth: bool = False,
        keys: Keymap | None = None,
        clock: Callable[[], float] = time.time,
        pictures: Path | None = None,
    ) -> None:
        super().__init__(
            RunState(path=shelf.place),
            clock,
            ascii=ascii,
            theme=theme,
            low_bandwidth=low_bandwidth,
            keys=keys,
            pictures=pictures,
        )
        self.face.now = float(int(clock()))
        self._shelf = shelf
        self.choice = ""
        self.folder = ""

    def get_default_screen(self) -> RunsScreen:
        return RunsScreen(self.face, self._shelf, self.choose, lambda: self.leave(ExitStatus.GO))

    def on_mount(self) -> None:
        self.signals.attach()
        self.app_resume_signal.subscribe(self, lambda _: self.draw_again())
        self.set_interval(WATCH_S, self._watch)
        self.call_after_refresh(gc.enable)

    def _watch(self) -> None:
        if self.signals.terminal_gone():
            self.leave(ExitStatus.HANGUP)

    async def on_event(self, event: events.Event) -> None:
        is_key = isinstance(event, events.Key) and not event.is_forwarded and self.screen_stack
        if is_key and not self.heard(event):
            return
        await super().on_event(event)

    def choose(self, choice: str, run: EarlierRun) -> None:
        """The list ends, and this run follows."""
        if not self._exit:
            self.choice, self.folder = choice, run.folder
            self.exit(int(ExitStatus.GO))

    def on_copied(self, copied: Copied) -> None:
        """To the operator's clipboard; the footer has the text, too, for a terminal that takes none."""
        from modelcar_tui.tui.clipboard import send

        write = self._driver.write if self._driver else None

        def work() -> None:
            said = send(copied.text, None, write)
            self.call_from_thread(self.tell, f"{copied.text}  ({said})")

        self.run_worker(work, thread=True, exclusive=True, group="copy", exit_on_error=False)

    def action_palette(self) -> None:
        """`ctrl+p`."""
        from modelcar_tui.tui.screens.palette import PaletteScreen

        screen = self.screen
        if isinstance(screen, FaceScreen) and screen.offers_palette and not screen.typing:
            self.push_screen(PaletteScreen(self.face, screen))

    def action_request_quit(self) -> None:
        """`ctrl+c`, `ctrl+q`: nothing is chosen."""
        self.leave(ExitStatus.GO)

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """`F7`: a picture of the list."""
        from modelcar_tui.tui.snapshot import keep

        keep(self, self.face.palette, Path(path) if path else self._pictures, self.tell)


def choose_run(
    shelf: Shelf,
    *,
    mouse: bool = True,
    ascii: bool = False,  # noqa: A002
    theme: str | None = None,
    low_bandwidth: bool = False,
    keys: Keymap | None = None,
    pictures: Path | None = None,
) -> Chosen:
    """Show the list until a run is chosen or the operator leaves; the terminal is as it was then.

    Args:
        shelf: the runs.
        mouse: whether clicks are heard.
        ascii: whether no sign beyond ASCII is drawn.
        theme: its name; by default what suits the terminal.
        low_bandwidth: whether the line is slow.
        keys: the operator's own.
        pictures: where pictures of the list go.
    """
    ENDS.install()
    app = RunListApp(
        shelf, ascii=ascii, theme=theme, low_bandwidth=low_bandwidth, keys=keys, pictures=pictures
    )
    with ENDS.heard_by(app.signals, hangup=True):
        result = app.run(mouse=mouse)
    status = int(result) if result is not None else int(app.return_code or ExitStatus.INTERRUPTED)
    if status == ExitStatus.HANGUP:
        let_go_of_terminal()
    if status in SIGNALLED or status != ExitStatus.GO:
        return Chosen("", "", status)
    return Chosen(app.choice, app.folder, status)
