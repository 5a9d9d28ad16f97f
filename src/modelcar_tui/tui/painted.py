"""The one place that reaches into how Textual draws: its updates go through our painter.

Relies on names of Textual 8.2 that are its own affair; `tests/unit/tui/test_tui_painted.py` fails where they
change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

from rich.color import ColorSystem
from rich.console import Console, RenderableType
from textual import events
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual._context import visible_screen_stack
from textual.app import App
from textual.screen import Screen
from textual.strip import Strip

from modelcar_tui.tui.cells import Cells, cells
from modelcar_tui.tui.looks import Looks
from modelcar_tui.tui.painter import Painter


class Words(CompositorUpdate):
    """What the painter says, as Textual's `_display` takes it."""

    def __init__(self, words: str) -> None:
        self._words = words

    def render_segments(self, console: Console) -> str:
        return self._words


class PaintedApp(App[int]):
    """Sends only the cells that differ from what the terminal shows."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.painter = Painter()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if not isinstance(renderable, LayoutUpdate | ChopsUpdate) or not self._paints():
            if renderable is not None and self._paints():
                self.painter.forget()
            super()._display(screen, renderable)
            return
        words = paint(self.painter, renderable, colours_of(self.console))
        at = self.screen.outer_size.clamp_offset(self.cursor_position)
        if words or at != self._previous_cursor_position:
            super()._display(screen, cast("RenderableType", Words(words)))
        else:
            self.post_display_hook()

    def _paints(self) -> bool:
        """Whether `_display` would send anything; what it drops must not count as shown."""
        takes = self._running and not self._closed and not self.is_headless
        return takes and not self._batch_count and self._driver is not None and not self._driver.is_inline

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Resize) and not event.is_forwarded:
            # A terminal cuts and unfolds its rows when its size changes, also where it changes back at once:
            # of that Textual draws nothing.
            self.painter.forget()
            if event.size == self.size:
                self.draw_again()
        await super().on_event(event)

    def draw_again(self) -> None:
        """The terminal shows something else than we think: all of every screen is sent."""
        self.painter.forget()
        for screen in self.screen_stack:
            getattr(screen, "paint_whole", screen.refresh)()

    def action_draw_again(self) -> None:
        """`ctrl+l`: a line that loses bytes, or another program, has spoilt the terminal."""
        self.draw_again()


def strips_of(app: App[Any]) -> list[Strip]:
    """Every row of the screen that is shown, a dialog over what lies below; nothing counts as sent by it."""
    before = visible_screen_stack.set(app._background_screens)
    try:
        return app.screen._compositor.render_strips()
    finally:
        visible_screen_stack.reset(before)


def colours_of(console: Console) -> ColorSystem:
    """The colours that the terminal knows, as Textual takes them."""
    return console._color_system or ColorSystem.TRUECOLOR


def paint(painter: Painter, update: LayoutUpdate | ChopsUpdate, colours: ColorSystem) -> str:
    """What is to be sent for an update of Textual's compositor."""
    if isinstance(update, LayoutUpdate):
        width, height = update.region.right, update.region.bottom
        pieces = _of_layout(update)
    else:
        width, height = max(map(max, update.chop_ends), default=0), len(update.chops)
        pieces = _of_chops(update)
    painter.fit(width, height)
    fresh: dict[int, Cells] = {}
    for y, x, strips in pieces:
        if not 0 <= y < height:
            continue
        row = fresh.get(y)
        if row is None:
            row = fresh[y] = painter.rows[y].copy()
        row.put(x, _cells_of(strips, painter.looks, colours))
    return painter.paint(fresh)


def _cells_of(strips: Iterable[Strip], looks: Looks, colours: ColorSystem) -> Cells:
    return cells((segment for strip in strips for segment in strip), looks, colours)


def _of_layout(update: LayoutUpdate) -> Iterator[tuple[int, int, Iterable[Strip]]]:
    for y, line in enumerate(update.strips, update.region.y):
        yield y, update.region.x, line


def _of_chops(update: ChopsUpdate) -> Iterator[tuple[int, int, Iterable[Strip]]]:
    """Row, first column and content of every piece, cut as Textual cuts them."""
    for y, start, stop in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x >= stop or end <= start:
                continue
            yield y, x, [strip if end <= stop else strip.crop(0, stop - x)]
