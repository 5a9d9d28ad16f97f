"""The log pane: lines are read and styled when they are looked at, whatever the length of the log."""

from __future__ import annotations

from modelcar_tui.core.counting import several
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.lines import keep_state, line_spans
from modelcar_tui.tui.logindex import LogIndex
from modelcar_tui.tui.logs import LogLine
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.patterns import Filter
from modelcar_tui.tui.rows import EMPTY, Row, Span, paragraph, row, spans_width, width
from modelcar_tui.tui.view import View


class LogView(View, can_focus=True):
    """The QA log. `follow` shows the end; scrolling up leaves it, and new lines are then only counted."""

    framed = True
    closes = False

    def __init__(self, face: Face, index: LogIndex, *, id: str) -> None:  # noqa: A002
        super().__init__(face, id=id, classes="panel")
        self.index = index
        self.top = 0
        """Position, in shown lines, of the first row."""
        self.left = 0
        self.follow = True
        self.wrap = False
        self.times = False
        self.seen = 0
        """Lines that were on the screen, or above it."""
        self.looked: int | None = None
        """Lines that there were when the operator last touched a key of the log, or came to it."""
        self._moved = index.moved
        self.mark: int | None = None
        """Number of the line that `n`, `N` or `e` found."""

    def head(self) -> tuple[Row, Row]:
        spans: list[Span] = [("[QA] log", "title")]
        if self.index.filter is not None:
            spans.append((f"  /{self.index.filter.text}", "accent"))
            if self.index.filter.gave_up:
                spans.append(("  takes too long: say it simpler", "bad"))
        return Row(tuple(spans)), self._position()

    def foot(self) -> Row:
        if self.follow:
            fresh = self.index.shown - self.looked if self.looked is not None else 0
            return row((f" +{fresh:,} new ", "muted")) if fresh > 0 else EMPTY
        fresh = self.index.shown - self.seen
        if fresh <= 0:
            return EMPTY
        return row((f" {several(fresh, 'new line')} {self.face.glyphs.down} {shown('f')} follows ", "need"))

    def body(self, width: int, height: int) -> list[Row]:
        index = self.index
        self._stay()
        if not index.shown:
            return paragraph(self._empty_text(), width, "muted")
        if self.follow:
            self.top = max(0, index.shown - height)
            self.seen = index.shown
        self.top = max(0, min(self.top, index.shown - 1))
        if not self.follow:
            self.seen = min(self.seen, index.shown)
        if not self.wrap:
            return self._unwrapped(width, height)
        wrapped = [part for n, text in index.read(self.top, height) for part in self._wrapped(n, text, width)]
        return wrapped[-height:] if self.follow else wrapped

    def _stay(self) -> None:
        """Keep showing the same lines where others before them were left out."""
        by, self._moved = self.index.moved - self._moved, self.index.moved
        if not by:
            return
        first = self.index.gap[0]
        self.mark = None if self.mark is not None and self.mark >= first else self.mark
        self.seen = max(0, self.seen - by)
        self.looked = None if self.looked is None else max(0, self.looked - by)
        if not self.follow and self.index.filter is None and self.top > first:
            self.top = max(first, self.top - by)

    def look(self) -> None:
        """The operator looks: what comes from here on is new."""
        self.looked = self.index.shown
        self.update()

    def on_focus(self) -> None:
        self.look()

    def stuck(self, how: str) -> str:
        """Why a movement does nothing; empty where it does something."""
        if how in ("left", "right") and self.wrap:
            return f"long lines are wrapped: {shown('w')} unwraps them"
        if how == "left" and not self.left:
            return "the lines are shown from their beginning"
        return ""

    def move(self, by: int) -> None:
        """Scroll by rows; at the end, follow again."""
        self.looked = self.index.shown
        last = self._last_top()
        target = self.top + by
        self.follow = by > 0 and target >= last
        self.top = max(0, min(target, last))
        self.update()

    def home(self) -> None:
        """The first line."""
        self.follow, self.top, self.looked = False, 0, self.index.shown
        self.update()

    def end(self) -> None:
        """The last line, and follow."""
        self.follow, self.looked = True, self.index.shown
        self.update()

    def sideways(self, by: int) -> None:
        """Scroll long lines."""
        self.left = max(0, self.left + by)
        self.update()

    def set_filter(self, wanted: Filter | None) -> None:
        """Show only lines that pass; stay near the line that was on top."""
        number = self.index.number_at(self.top)
        self.index.set_filter(wanted)
        if not self.follow:
            self.top = self.index.position_of(number)
        self.seen = min(self.seen, self.index.shown) if not self.follow else self.index.shown
        self.looked = self.index.shown
        self.update()

    def show_line(self, number: int) -> None:
        """Put line `number` in view and mark it."""
        position = self.index.position_of(number)
        height = max(1, self.inner[1])
        self.follow, self.mark = False, number
        # A long line that is shown whole needs some rows below its first.
        if not self.top <= position < self.top + max(1, height * 2 // 3):
            rows = sum(len(self._wrapped(*line, self.inner[0])) for line in self.index.read(position, 1))
            self.top = max(0, min(position - height // 3, self.index.shown - height + rows - 1))
        self.update()

    def page(self) -> int:
        """Rows of one page."""
        return max(1, self.inner[1] - 1)

    def visible_lines(self) -> list[str]:
        """The lines on the screen, whole."""
        return [line.text for _, line in self.index.read(self.top, max(1, self.inner[1]))]

    def _last_top(self) -> int:
        return max(0, self.index.shown - max(1, self.inner[1]))

    def _unwrapped(self, cells: int, height: int) -> list[Row]:
        """A row a line; the line that was jumped to is shown whole, over as many rows as it takes."""
        rows: list[Row] = []
        for number, text in self.index.read(self.top, height):
            line = self._row(number, text, cells)
            if number == self.mark and not self.left and spans_width(line.spans) > cells:
                rows += self._wrapped(number, text, cells)[: height - 1]
            else:
                rows.append(line)
        return rows[-height:] if self.follow else rows[:height]

    def _row(self, number: int, line: LogLine, cells: int) -> Row:
        found = self.index.filter or self.index.search
        mark = "" if self.left else self.face.glyphs.ellipsis
        spans = line_spans(line, times=self.times, found=found, ellipsis=mark)
        if self.left:
            spans = _shift(spans, self.left)
        elif number != self.mark:
            spans = keep_state(spans, cells, mark)
        return Row(tuple(spans), "mark" if number == self.mark else "")

    def _wrapped(self, number: int, text: LogLine, cells: int) -> list[Row]:
        rows: list[Row] = []
        line: list[Span] = []
        used = 0
        for part, role in line_spans(text, times=self.times, found=self.index.filter or self.index.search):
            rest = part
            while rest:
                room = cells - used
                head = _cells(rest, room)
                blank = head.rfind(" ") + 1
                if len(head) < len(rest) and blank * 2 > len(head):
                    head = head[:blank]
                if not head:
                    rows.append(Row(tuple(line)))
                    line, used = [], 0
                    continue
                line.append((head, role))
                used += width(head)
                rest = rest[len(head) :]
                if rest:
                    rows.append(Row(tuple(line)))
                    line, used = [], 0
        rows.append(Row(tuple(line)))
        return [Row(r.spans, "mark") for r in rows] if number == self.mark else rows

    def _position(self) -> Row:
        index = self.index
        if not index.total:
            return EMPTY
        mode = "follow" if self.follow else "reading"
        last = min(self.top + max(1, self.inner[1]), index.shown)
        place = "" if self.follow else f"{last:,}/"
        shown = f"{index.shown:,} of " if index.filter is not None else ""
        count = several(index.shown if index.filter is None else index.total, "line")
        busy = " searching" if index.busy else ""
        return row(
            (f"{place}{shown}{count}{busy} ", "muted"),
            (mode, "ok" if self.follow else "warn"),
        )

    def _empty_text(self) -> str:
        if self.index.total:
            return f"no line passes the filter; {shown('/')} changes it, Esc in it clears it"
        outcome = self.face.state.qa.outcome
        if outcome is not None and outcome.skipped:
            return f"QA was not run: {outcome.message}"
        return "no lines yet; QA starts after your answer"


def _shift(spans: list[Span], by: int) -> list[Span]:
    out: list[Span] = []
    for text, role in spans:
        if by >= len(text):
            by -= len(text)
        else:
            out.append((text[by:], role))
            by = 0
    return out


def _cells(text: str, room: int) -> str:
    if text.isascii():
        return text[:room]
    used = 0
    for at, char in enumerate(text):
        used += width(char)
        if used > room:
            return text[:at]
    return text
