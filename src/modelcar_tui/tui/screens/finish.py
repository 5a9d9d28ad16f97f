"""The summary of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor import RunState, outcome_of
from modelcar_tui.supervisor.events import Status
from modelcar_tui.tui import format as f
from modelcar_tui.tui.faces.decision import comparison, worst_first
from modelcar_tui.tui.faces.doing import activity
from modelcar_tui.tui.messages import Said
from modelcar_tui.tui.rows import EMPTY, Row, crop_middle, labelled, pad, paragraph, row
from modelcar_tui.tui.screens.base import Dialog

_MODELS = 8


class FinishDialog(Dialog):
    """Verdict, models, what was written, QA, exit status, where the run's folder is."""

    last_rows: ClassVar[int] = 8
    """From QA on."""
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,enter,o,space", "leave", "back to the dashboard"),
        ("q", "say('quit')", "quit"),
        ("c", "clean", "what QA left on the cluster"),
    ]

    def title_text(self) -> str:
        return "Summary" if self.face.state.finish else "Summary so far"

    def rows(self, cells: int) -> list[Row]:
        facts = [
            line for label, text in _facts(self.face.state) for line in labelled(label, text, cells, indent=9)
        ]
        clean = (("c", "key"), " cleans up   ") if self._leftovers else ()
        keys = row(("q", "key"), " quits   ", *clean, ("Esc", "key"), " back to the dashboard")
        return [EMPTY, *self._verdict(cells), EMPTY, *self._models(cells), EMPTY, *facts, EMPTY, keys]

    @property
    def _leftovers(self) -> tuple[str, ...]:
        outcome = self.face.state.qa.outcome
        return outcome.leftovers if outcome is not None else ()

    def _verdict(self, cells: int) -> list[Row]:
        state = self.face.state
        told = outcome_of(state)
        if told is None:
            return [row((activity(state), "muted"))]
        block = row(f.outcome_block(told, self.face.glyphs), ("  DEMO" if state.demo else "", "badge"))
        return [block, *paragraph(told.why, cells, "strong")]

    def _models(self, cells: int) -> list[Row]:
        report, glyphs = self.face.state.decision, self.face.glyphs
        if report is None:
            return []
        rows: list[Row] = []
        names = max(12, cells - 38)
        for model in worst_first(report)[:_MODELS]:
            name = pad(crop_middle(model.model, names, glyphs.ellipsis), names)
            word = f.verdict_spans(model.verdict, glyphs, 7)
            rows.append(Row((*word, (f"  {name}  ", "text"), *comparison(model, full=True))))
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
        """`c`, where there is something to clean."""
        from modelcar_tui.tui.screens.cleanup import CleanupDialog

        if not self._leftovers:
            return
        if self.face.replay:
            self.post_message(Said(f"a replay touches no cluster: agent cleanup {self.face.state.run_id}"))
            return
        self.app.push_screen(CleanupDialog(self.face))


def _facts(state: RunState) -> Iterator[tuple[str, str]]:
    """What the run did besides its verdict, by label."""
    for notice in state.notices[-3:]:
        if notice.status is not Status.DONE:
            yield notice.status.value, notice.text.removeprefix(f"{notice.status.value}: ")
    if state.written:
        yield "written", f"{state.written.changes} changes in {state.written.path}"
        for each in state.written.replaced:
            name = "" if each.path == state.written.path else f"{Path(each.path).name} "
            yield "", f"{name}{each}"
    elif state.kept:
        yield "written", f"nothing: {state.kept}"
    if outcome := state.qa.outcome:
        yield "QA", f"{outcome.code}: {outcome.message}"
        yield "next", outcome.fix
        yield "left", ", ".join(outcome.leftovers)
    if finish := state.finish:
        name = ExitStatus(finish.exit_status).name.replace("_", " ").lower()
        yield "status", f"{finish.exit_status} ({name}) after {f.elapsed(finish.seconds)}"
    if state.llm.model:
        yield "model", f"{state.llm.model} at {state.llm.host}: {state.llm.cost}"
    yield "folder", state.folder
