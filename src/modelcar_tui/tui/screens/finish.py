"""The summary of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.text import homely
from modelcar_tui.supervisor import RunState, named, outcome_of
from modelcar_tui.supervisor.events import Status
from modelcar_tui.tui import format as f
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.decision import comparison, worst_first
from modelcar_tui.tui.faces.doing import activity
from modelcar_tui.tui.faces.panes import tool_seconds
from modelcar_tui.tui.keys import bind
from modelcar_tui.tui.messages import Said
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.rows import EMPTY, Row, crop_middle, labelled, pad, paragraph, row, spans_width, width
from modelcar_tui.tui.screens.base import Dialog
from modelcar_tui.verdict import STATUS, NextStep

_MODELS = 8
_INDENT = 9
"""Cells of the labels."""
_SPELLED = {status: str(verdict) for verdict, status in STATUS.items()} | {ExitStatus.QA_FAILED: "QA failed"}
UNASKED_S = 0.5
"""How long keys are dropped where it comes by itself."""


class FinishDialog(Dialog):
    """What the run comes to and by which model, what to do, what was written, QA, and how to see it again."""

    last_rows: ClassVar[int] = 4
    """How to see it again, and the keys."""
    BINDINGS: ClassVar[list[BindingType]] = [
        *bind("escape,enter,o,space", "leave"),
        *bind("q", "say('quit')"),
        *bind("C", "clean"),
    ]

    def __init__(self, face: Face, *, unasked: bool = False) -> None:
        """
        Args:
            face: what is shown.
            unasked: it comes by itself, at the end of the run; a key that was meant for the screen below is
                dropped.
        """
        super().__init__(face)
        if unasked:
            self.hears_from = float("inf")
        self._unasked = unasked

    def close_ears(self) -> None:
        if self._unasked:
            self.call_after_refresh(self._open_ears)

    def _open_ears(self) -> None:
        super()._open_ears()
        self.hears_from = self.monotonic() + UNASKED_S

    def title_text(self) -> str:
        return "Summary" if self.face.state.finish else "Summary so far"

    def rows(self, cells: int) -> list[Row]:
        state = self.face.state
        did, told, again = (
            [line for label, text in made(state) for line in _fact(label, text, cells)]
            for made in (_did, _told, _again)
        )
        clean = ((shown("C"), "key"), " cleans up   ") if self._leftovers else ()
        keys = row((shown("q"), "key"), " quits   ", *clean, ("Esc", "key"), " back")
        parts = (self._verdict(cells), did, self._models(cells), [*told, *again], [keys])
        return [line for part in parts if part for line in (EMPTY, *part)]

    @property
    def _leftovers(self) -> tuple[str, ...]:
        outcome = self.face.state.qa.outcome
        return outcome.leftovers if outcome is not None else ()

    def _verdict(self, cells: int) -> list[Row]:
        """The word and its condition, the reason with the model that failed, and what to do."""
        state = self.face.state
        told = outcome_of(state, recorded=self.face.replay)
        if told is None:
            return [row((activity(state), "muted"))]
        heads = (f.headline_block(told, head, self.face.glyphs) for head in told.heads)
        block = next((head for head in heads if width(head[0]) <= cells - 6), None)
        head = row(
            block or f.outcome_block(told, self.face.glyphs), ("  DEMO" if state.demo else "", "badge")
        )
        first = str(told.brief[0]) if told.brief else told.why
        steps = [_told_step(step) for step in told.steps if step.key != "o"]
        return [
            head,
            *paragraph(homely(first), cells, "strong"),
            *(line for at, step in enumerate(steps) for line in _fact("" if at else "next", step, cells)),
        ]

    def _models(self, cells: int) -> list[Row]:
        report, glyphs = self.face.state.decision, self.face.glyphs
        if report is None:
            return []
        rows: list[Row] = []
        shown = worst_first(report)[:_MODELS]
        figures = max((spans_width(comparison(model, full=True)) for model in shown), default=0)
        names = max(12, cells - _INDENT - 4 - figures)
        for model in shown:
            name = pad(crop_middle(model.model, names, glyphs.ellipsis), names)
            word = f.verdict_spans(model.verdict, glyphs, 7)
            told = comparison(model, full=True)
            gap = " " * (figures - spans_width(told))
            rows.append(Row((*word, (f"  {name}  {gap}", "text"), *told)))
            if model.predicted is not None:
                rows += paragraph(model.why, cells, "muted", indent=_INDENT)
        if len(report.models) > _MODELS:
            rows.append(row((f"and {len(report.models) - _MODELS} more models", "muted")))
        if report.together:
            rows += paragraph(report.together, cells, "warn" if report.missing else "text")
        return rows

    def action_say(self, word: str) -> None:
        """`q`."""
        self.dismiss(word)
        self.app.call_later(self.opening.action_request_quit)

    def action_clean(self) -> None:
        """`C`, where there is something to clean."""
        from modelcar_tui.tui.screens.cleanup import CleanupDialog

        if not self._leftovers:
            return
        if self.face.replay:
            self.post_message(Said(f"a replay touches no cluster: agent cleanup {named(self.face.state)}"))
            return
        self.app.push_screen(CleanupDialog(self.face))


def _told_step(step: NextStep) -> str:
    return f"{shown(step.key)}: {step.forms[0]}" if step.key else str(step)


def _fact(label: str, text: str, cells: int) -> list[Row]:
    """A labelled paragraph; a path is broken before its file's name, never inside it."""
    folder, name = os.path.split(text)
    if not _is_path(text) or not folder or _INDENT + width(text) <= cells:
        return labelled(label, text, cells, indent=_INDENT)
    indent = max(0, min(_INDENT, cells - width(name)))
    return [*labelled(label, f"{folder}/", cells, indent=_INDENT), *paragraph(name, cells, indent=indent)]


def _is_path(text: str) -> bool:
    return text.startswith(("/", "~/")) and " " not in text


def _did(state: RunState) -> Iterator[tuple[str, str]]:
    """What the run did, by label: what was written, how QA ended, what it left."""
    if state.written:
        yield "written", homely(state.written.path)
        yield "", f"{state.written.changes} change{'s' * (state.written.changes != 1)}"
        yield "apply", state.to_apply
        for each in state.written.replaced:
            name = "" if each.path == state.written.path else f"{Path(each.path).name} "
            yield "", f"{name}{each}"
    elif state.kept:
        yield "written", f"nothing: {state.kept}"
    if outcome := state.qa.outcome:
        yield "QA", f"{outcome.code}: {outcome.message}"
        yield "left", ", ".join(outcome.leftovers)


def _told(state: RunState) -> Iterator[tuple[str, str]]:
    """What was said on the way, what the language model cost, and the end."""
    for notice in state.notices[-3:]:
        if notice.status is not Status.DONE:
            yield notice.status.value, notice.text.removeprefix(f"{notice.status.value}: ")
    if state.llm.model:
        yield "model", f"{state.llm.model} at {state.llm.host}: {state.llm.cost}"
    if finish := state.finish:
        status = ExitStatus(finish.exit_status)
        name = _SPELLED.get(status) or status.name.replace("_", " ").lower()
        took = f.elapsed(tool_seconds(state) or finish.seconds)
        yield "status", f"{finish.exit_status} ({name}) after {took}"


def _again(state: RunState) -> Iterator[tuple[str, str]]:
    """Where the run is kept, and how to see it again."""
    folder, log = state.folder, state.qa.started.log
    yield "log", log.removeprefix(f"{folder}/") if log and folder else homely(log)
    yield "folder", homely(folder)
    if state.run_id and state.finish is not None:
        yield "again", f"modelcar-tui --replay {named(state)}"
