"""An app in one of our themes, whose every painted line is neutral; what it costs at the start is kept
low."""

from __future__ import annotations

import os
from collections.abc import Sequence

from textual.driver import Driver
from textual.filter import LineFilter

from modelcar_tui.core.terminal import own_size
from modelcar_tui.tui.painted import PaintedApp
from modelcar_tui.tui.safety import ControlFilter
from modelcar_tui.tui.themes import PALETTES, Palette, choose


class ThemedApp(PaintedApp):
    """Themes by name, NO_COLOR, and the filter of control characters."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, theme: str | None, driver: type[Driver] | None = None) -> None:
        # Textual takes NO_COLOR out of the environment, and Rich believes COLUMNS and LINES rather than the
        # terminal; the programs that we start shall still see them.
        names = ("NO_COLOR", *(("COLUMNS", "LINES") if own_size() else ()))
        hidden = {name: os.environ.pop(name) for name in names if name in os.environ}
        super().__init__(driver_class=driver)
        os.environ.update(hidden)
        no_color = hidden.get("NO_COLOR")
        self.palette: Palette = choose(theme, no_color=bool(no_color))
        self._control = ControlFilter()
        for known in PALETTES.values():
            self.register_theme(known.theme())
        self.theme = self.palette.name
        self.stylesheet.set_variables(self.get_css_variables())
        self._css_is_fresh = True

    def get_line_filters(self) -> Sequence[LineFilter]:
        before = tuple(super().get_line_filters())
        if before != self._control.before:
            self._control = ControlFilter(before)
        return [self._control]

    def refresh_css(self, animate: bool = True) -> None:
        if self._css_is_fresh:
            # Textual would read all styles a second time, for a theme that they have been read with.
            self._css_is_fresh = False
            return
        super().refresh_css(animate)
