"""What is shown before anything is known: the manifest's name, the answer's rows and the specialists.

The first frame shows this alone, so that it waits for none of the panels.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import Container
from textual.widget import Widget

from modelcar_tui.tui.faces.front import front_heights
from modelcar_tui.tui.screens.base import FaceScreen, Keys
from modelcar_tui.tui.widgets.panels import Banner, Strip


class FrontScreen(FaceScreen):
    """The first screen, and the upper part of the dashboard."""

    @property
    def specialist(self) -> str:
        """The specialist whose pane has the focus, else none."""
        return ""

    def content(self) -> Iterable[Widget]:
        self._banner = Banner(self.face, id="banner")
        yield self._banner
        self._strip = Strip(self.face, lambda: self.specialist, id="strip")
        yield self._strip
        yield self.board()

    def board(self) -> Widget:
        """What stands between the specialists and the keys."""
        return Container(id="board")

    def keys(self) -> Keys:
        return [("q", "quit")]

    def on_mount(self) -> None:
        super().on_mount()
        self.fit()

    def refresh_state(self) -> None:
        self.fit()
        super().refresh_state()

    def on_resize(self) -> None:
        self.fit()

    def fit(self) -> None:
        """Rows of the header, the answer and the specialists."""
        self.fit_header()
        heights = front_heights(self.face, *self.app.size)
        self._banner.styles.height, self._strip.styles.height = heights
