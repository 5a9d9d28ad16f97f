"""The one widget under all others: rows of styled text, repainted row by row."""

from __future__ import annotations

from typing import Self

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from modelcar_tui.tui.face import Face
from modelcar_tui.tui.frame import framed
from modelcar_tui.tui.glyphs import to_ascii
from modelcar_tui.tui.rows import EMPTY, Row, fit, row
from modelcar_tui.tui.themes import role_styles


class View(Widget):
    """Shows what `body` returns, and repaints only the rows that changed since the last time.

    The frame is part of the rows, so that a changed title costs one row of output and not a pane.
    """

    framed = False
    closes = True
    """Whether the frame's lower edge is a rule; else it has its corners only."""
    ALLOW_SELECT = False

    def __init__(self, face: Face, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes, markup=False)
        self.face = face
        self._rows: list[Row] = []
        self._strips: dict[int, Strip] = {}
        self._styles_of = ""
        self._base = Style.null()
        self._styles: dict[tuple[str, str], Style] = {}
        self._composed_for: Size | None = None

    def body(self, width: int, height: int) -> list[Row]:
        """The rows inside the frame; at most `height` of them are shown."""
        raise NotImplementedError

    def head(self) -> tuple[Row, Row]:
        """Title at the left and status at the right of the frame's upper edge."""
        return EMPTY, EMPTY

    def foot(self) -> Row:
        """A hint in the frame's lower edge."""
        return EMPTY

    def update(self) -> None:
        """Look at the state again; rows that are as before cost nothing."""
        if not self.is_mounted or not self.size.width:
            self._composed_for = None  # hidden: look afresh when it is shown, whatever its size then
            return
        fresh = self._compose_rows()
        if len(fresh) != len(self._rows):
            self._rows = fresh
            self._strips.clear()
            self.refresh()
            return
        changed = [y for y, (new, old) in enumerate(zip(fresh, self._rows, strict=True)) if new != old]
        self._rows = fresh
        for y in changed:
            self._strips.pop(y, None)
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def look_afresh(self) -> None:
        """Compose anew when it is shown again, whatever its size then."""
        self._composed_for = None

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """As Textual's; but where the whole is asked for, as focus does, only the rows are sent that
        changed."""
        if not regions and repaint and not recompose and self._painted_as_is():
            self.update()
            repaint = False  # a layout paints what it moves
            if not layout:
                return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _painted_as_is(self) -> bool:
        themed = self._styles_of == self.face.palette.name
        return self.is_mounted and bool(self._strips) and themed and self._composed_for == self.size

    def render_line(self, y: int) -> Strip:
        """One row as Textual wants it."""
        if self._composed_for != self.size:
            self._rows = self._compose_rows()
            self._strips.clear()
        if self._styles_of != self.face.palette.name:
            self._styles_of = self.face.palette.name
            self._styles.clear()
            self._strips.clear()
        if y >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        strip = self._strips.get(y)
        if strip is None:
            strip = self._strips[y] = self._paint(self._rows[y])
        return strip

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self._base != self.rich_style:  # focus is told as a change of style; it changes none here
            self._base = self.rich_style
            self._styles.clear()
            self._strips.clear()

    def on_resize(self) -> None:
        if self._composed_for == self.size:
            return
        self._rows = self._compose_rows()
        self._strips.clear()
        self.refresh()

    def on_focus(self) -> None:
        self.update()

    def on_blur(self) -> None:
        self.update()

    @property
    def inner(self) -> tuple[int, int]:
        """Width and height inside the frame."""
        edge = 2 if self.framed else 0
        return max(0, self.size.width - 2 * edge), max(0, self.size.height - edge)

    def plain(self) -> list[str]:
        """The rows as text, for tests and for the clipboard."""
        return ["".join(text for text, _ in line.spans) for line in self._rows]

    def _compose_rows(self) -> list[Row]:
        self._composed_for = self.size
        width, height = self.inner
        if width <= 0 or height <= 0:
            return [fit(EMPTY, self.size.width) for _ in range(self.size.height)]
        mark = self.face.glyphs.ellipsis
        body = [fit(line, width, mark) for line in self.body(width, height)[:height]]
        body += [fit(EMPTY, width)] * (height - len(body))
        return self._frame(body) if self.framed else body

    def _frame(self, body: list[Row]) -> list[Row]:
        role = "focus" if self.has_focus else "frame"
        title, right = self.head()
        if label := self.face.labels.get(self.id or ""):
            title = Row(((f" {label} ", "key"), (" ", ""), *title.spans))
        rest = (title, right, self.foot())
        return framed(body, self.size.width, self.face.glyphs, role, *rest, closed=self.closes)

    def _paint(self, line: Row) -> Strip:
        last = len(line.spans) - 1
        framed_row = self.framed and last > 1
        segments: list[Segment] = []
        for index, (text, role) in enumerate(line.spans):
            over = "" if framed_row and index in (0, last) else line.over
            segments.append(
                Segment(to_ascii(text) if self.face.glyphs.ascii else text, self._style(role, over))
            )
        return Strip(segments, self.size.width)

    def _style(self, role: str, over: str) -> Style:
        style = self._styles.get((role, over))
        if style is None:
            roles = role_styles(self.face.palette.name)
            style = self.rich_style + roles.get(role, Style.null())
            if over in roles:
                style += roles[over]
            self._styles[role, over] = style
        return style


class Scrolled(View):
    """A framed view of what may have more rows than there is room for; its foot says how many more."""

    framed = True
    page_key = ""
    """The key that shows more, where it is not the one that moves down."""

    def __init__(self, face: Face, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(face, id=id, classes=classes)
        self.top = 0
        """The first row that is shown."""
        self._hidden = 0

    def all_rows(self, width: int, height: int) -> list[Row]:
        """The rows, whatever the room."""
        raise NotImplementedError

    def body(self, width: int, height: int) -> list[Row]:
        rows = self.all_rows(width, height)
        self.top = max(0, min(self.top, len(rows) - height))
        self._hidden = max(0, len(rows) - height - self.top)
        return rows[self.top :]

    def foot(self) -> Row:
        how = f", {self.page_key}" if self.page_key else f" {self.face.glyphs.down}"
        return row((f"{self._hidden} more{how}", "muted")) if self._hidden else EMPTY

    def scroll_rows(self, by: int) -> None:
        """Scroll the text."""
        self.top = max(0, self.top + by)
        self.update()
