"""The summary of a run."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.tui import format as f
from modelcar_tui.tui.faces.banner import activity
from modelcar_tui.tui.rows import EMPTY, Row, crop_middle, pad, paragraph, row
from modelcar_tui.tui.screens.base import Dialog


class FinishDialog(Dialog):
    """Verdict, models, what was written, QA, exit status, where the run's folder is."""

    last_rows: ClassVar[int] = 8
    """From QA on."""
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,enter,o,space", "leave", "back to the dashboard"),
        ("q", "say('quit')", "quit"),
    ]

    def title_text(self) -> str:
        return "Summary" if self.face.state.finish else "Summary so far"

    def rows(self, cells: int) -> list[Row]:
        state, glyphs = self.face.state, self.face.glyphs
        report, finish = state.decision, state.finish
        rows: list[Row] = [EMPTY]
        verdict = finish.verdict if finish else report.verdict if report else None
        if verdict is not None:
            block = (f" {verdict.value} {glyphs.verdict(verdict)} ", f.VERDICT_BLOCK[verdict])
            rows += [row(block, ("  DEMO" if state.demo else "", "badge"))]
            rows += paragraph(report.why if report else finish.summary if finish else "", cells, "strong")
        else:
            rows.append(row((activity(state), "muted")))
        rows.append(EMPTY)
        for model in (report.models if report else ())[:8]:
            name = pad(crop_middle(model.model, 36, glyphs.ellipsis), 36)
            rows.append(Row((*f.verdict_spans(model.verdict, glyphs, 7), ("  " + name, "text"))))
        if report and len(report.models) > 8:
            rows.append(row((f"and {len(report.models) - 8} more models", "muted")))
        rows.append(EMPTY)
        if state.written:
            what = f"{state.written.changes} changes in {state.written.path}"
            rows += _labelled("written", what, cells)
        elif state.kept:
            rows += _labelled("written", f"nothing: {state.kept}", cells)
        if state.qa.outcome:
            rows += _labelled("QA", f"{state.qa.outcome.code}: {state.qa.outcome.message}", cells)
            if state.qa.outcome.fix:
                rows += _labelled("next", state.qa.outcome.fix, cells)
        if finish:
            name = ExitStatus(finish.exit_status).name.replace("_", " ").lower()
            rows += _labelled("status", f"{finish.exit_status} ({name}) after {f.elapsed(finish.seconds)}", cells)
        if state.llm.model:
            rows += _labelled("model", f"{state.llm.model} at {state.llm.host}: {state.llm.cost}", cells)
        if state.folder:
            rows += _labelled("folder", state.folder, cells)
        keys = row(("q", "key"), " quits   ", ("Esc", "key"), " back to the dashboard")
        return [*rows, EMPTY, keys]

    def action_say(self, word: str) -> None:
        """`q`."""
        self.dismiss(word)
        self.board.call_later(self.board.request_quit)


def _labelled(label: str, text: str, cells: int) -> list[Row]:
    lines = paragraph(text, cells - 9)
    return [Row(((f"{label if not at else '':<9}", "muted"), *line.spans)) for at, line in enumerate(lines)]
