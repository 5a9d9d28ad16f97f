"""A specialist's pane: its checklist, its result, and what the known specialists found out."""

from __future__ import annotations

from modelcar_tui.supervisor import Pane, RunState, Step
from modelcar_tui.supervisor.events import Status
from modelcar_tui.tui import format as f
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import EMPTY, Row, Span, crop, paragraph, row, width

_WORD = 7
"""Cells of the longest status word."""


def pane_seconds(pane: Pane, now: float) -> float | None:
    """How long the specialist took, or has taken so far, without the time that it waited for the operator."""
    if pane.started is None:
        return None
    until = pane.finished or pane.asks_since or max(now, pane.started)
    return max(0.0, until - pane.started - pane.waited)


def tool_seconds(state: RunState) -> float:
    """How long a specialist worked so far, in all; 0 where none has begun. What waits for the operator is no
    work."""
    total, until = 0.0, 0.0
    for pane in sorted(state.panes, key=lambda one: one.started or 0.0):
        if pane.started is None:
            continue
        end = pane.asks_since or pane.finished or max(state.now, pane.started)
        total += max(0.0, end - max(pane.started, until)) - pane.waited
        until = max(until, end)
    return max(0.0, total)


def pane_status(state: RunState, pane: Pane, glyphs: Glyphs, words: int = 0) -> tuple[Span, ...]:
    """The pane's status; Decision's is its verdict as soon as there is one."""
    if pane.name == "decision" and state.decision is not None and pane.finished is not None:
        return f.verdict_spans(state.decision.verdict, glyphs, words)
    return f.status_spans(pane.status, glyphs, words)


def pane_head(state: RunState, pane: Pane, number: int, now: float, glyphs: Glyphs) -> tuple[Row, Row]:
    """Title and status for the frame's upper edge."""
    title = row((f"{number} ", "muted"), (pane.title, "title"))
    seconds = f.elapsed(pane_seconds(pane, now))
    time = ((f" {seconds}", "muted"),) if seconds else ()
    return title, Row((*pane_status(state, pane, glyphs), *time))


def step_rows(steps: tuple[Step, ...], cells: int, glyphs: Glyphs) -> list[Row]:
    """The checklist: status word, glyph, title, detail; columns aligned."""
    longest = max((width(step.title) for step in steps), default=0)
    titles = min(
        longest, max(12, cells // 2 - 6 if any(step.detail for step in steps) else cells - _WORD - 6)
    )
    rows = []
    for step in steps:
        title = crop(step.title, titles, glyphs.ellipsis)
        quiet = step.status in (Status.WAITING, Status.SKIPPED)
        detail_role = (
            "muted" if step.status not in (Status.FAILED, Status.WARNING) else f.STATUS_ROLE[step.status]
        )
        rows.append(
            Row(
                (
                    *f.status_spans(step.status, glyphs, _WORD),
                    ("  ", "text"),
                    (title + " " * (titles - width(title)), "muted" if quiet else "text"),
                    ("  ", "text"),
                    (crop(step.detail, cells - titles - _WORD - 6, glyphs.ellipsis), detail_role),
                )
            )
        )
    return rows


def result_rows(state: RunState, pane: Pane, cells: int, glyphs: Glyphs, now: float) -> list[Row]:
    """What came out, from the state where its shape is known, else from the specialist's own lines."""
    known = _known_result(state, pane.name, cells, glyphs, now)
    if known or pane.status in (Status.WAITING, Status.RUNNING):
        return known
    told = pane.lines[1:] if pane.lines[:1] == (pane.summary,) else pane.lines
    return [line for text in told for line in paragraph(text, cells)]


def _known_result(state: RunState, name: str, cells: int, glyphs: Glyphs, now: float) -> list[Row]:
    # Each is imported when there is a pane to fill: the first paint has none.
    match name:
        case "configuration":
            from modelcar_tui.tui.faces.results import configuration_rows

            return configuration_rows(state, cells, glyphs)
        case "accelerator":
            from modelcar_tui.tui.faces.results import accelerator_rows

            return accelerator_rows(state, cells, glyphs)
        case "decision":
            from modelcar_tui.tui.faces.decision import decision_rows

            return decision_rows(state, cells, glyphs)
        case "qa":
            from modelcar_tui.tui.faces.qa import qa_rows

            return qa_rows(state, cells, glyphs, now)
    return []


def summary_rows(pane: Pane, cells: int) -> list[Row]:
    """The one sentence of the specialist's result."""
    if not pane.summary:
        return []
    role = f.STATUS_ROLE[pane.status] if pane.status in (Status.FAILED, Status.WARNING) else "strong"
    return paragraph(pane.summary, cells, role)


def pane_rows(
    state: RunState, pane: Pane, cells: int, height: int, glyphs: Glyphs, now: float = 0.0
) -> list[Row]:
    """The whole pane; a finished checklist that leaves no room for the result is folded to one row."""
    steps = step_rows(pane.steps, cells, glyphs)
    # By the banner, on every screen; by the outcome's own rows.
    told = (
        state.decision is not None
        if pane.name == "decision"
        else pane.name == "qa" and state.qa.outcome is not None
    )
    result = [*([] if told else summary_rows(pane, cells)), *result_rows(state, pane, cells, glyphs, now)]
    if not result:
        return steps
    if len(steps) + len(result) <= height:
        return [*steps, *([EMPTY] if len(steps) + len(result) < height else []), *result]
    steps = _folded(pane.steps, cells, glyphs)
    return [*steps, *result] if pane.finished is not None else [*result, *steps]


def _folded(steps: tuple[Step, ...], cells: int, glyphs: Glyphs) -> list[Row]:
    done = [step for step in steps if step.status is Status.DONE]
    other = tuple(step for step in steps if step.status is not Status.DONE)
    if len(done) < 2:
        return step_rows(steps, cells, glyphs)
    text = f"{len(done)} of {len(steps)} steps"
    head = Row((*f.status_spans(Status.DONE, glyphs, _WORD), ("  ", "text"), (text, "muted")))
    return [head, *step_rows(other, cells, glyphs)]
