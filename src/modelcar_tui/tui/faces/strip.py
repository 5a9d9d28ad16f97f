"""The specialists in brief: all in one row, or a row each."""

from __future__ import annotations

from modelcar_tui.supervisor import Pane, RunState
from modelcar_tui.supervisor.events import Status
from modelcar_tui.tui import format as f
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.panes import pane_seconds, pane_status
from modelcar_tui.tui.rows import Row, Span, crop, pad, spans_width, width


def strip_rows(face: Face, current: str, cells: int, height: int) -> list[Row]:
    """A row a specialist where there is room for all; else all of them in one."""
    if height < len(face.state.panes):
        return [tabs_row(face, current, cells)]
    return _rows(face, current)


def _rows(face: Face, current: str) -> list[Row]:
    """Number, title, status, time, summary."""
    state, glyphs = face.state, face.glyphs
    titles = min(max((width(pane.title) for pane in state.panes), default=0), 22)
    digits = len(str(len(state.panes)))
    rows = []
    for number, pane in enumerate(state.panes, 1):
        mark = glyphs.cursor if pane.name == current else " "
        seconds = f.elapsed(pane_seconds(pane, face.now))
        rows.append(
            Row(
                (
                    (mark, "focus"),
                    (f"{number:>{digits}} ", "muted"),
                    (
                        f"{pad(pane.title, titles, ellipsis=glyphs.ellipsis)}  ",
                        "title" if pane.name == current else "text",
                    ),
                    *pane_status(state, pane, glyphs, 7),
                    (f" {seconds:>6}  ", "muted"),
                    (_told(state, pane), "text"),
                )
            )
        )
    return rows


def tabs_row(face: Face, current: str, cells: int) -> Row:
    """Number, title, status word where there is room for all of them, and glyph."""
    panes = face.state.panes
    forms = ((True, 99), (False, 99), *((False, most) for most in (12, 8, 5, 3)))
    for words, most in forms:
        line = _tabs(face, current, words=words, most=most)
        if spans_width(line.spans) <= cells:
            break
    return line if panes else Row()


def _tabs(face: Face, current: str, *, words: bool, most: int) -> Row:
    spans: list[Span] = []
    for number, pane in enumerate(face.state.panes, 1):
        on = pane.name == current
        status = pane_status(face.state, pane, face.glyphs)
        spans += [
            ("   " if spans and words else "  " if spans else " ", ""),
            (f"{number} ", "focus" if on else "muted"),
            (crop(pane.title, most, face.glyphs.ellipsis), "title" if on else "text"),
            (" ", ""),
            *(status if words else status[-1:]),
        ]
    return Row(tuple(spans))


def _told(state: RunState, pane: Pane) -> str:
    """The result in one sentence, else the step that runs; a verdict stands before it and is not said
    twice."""
    if pane.name == "decision" and state.decision is not None and pane.finished is not None:
        return state.decision.why
    if pane.summary:
        return pane.summary
    step = next((step for step in pane.steps if step.status is Status.RUNNING), None)
    return step.title if step else ""
