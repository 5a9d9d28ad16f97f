"""The summary of a run."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor import outcome_of
from modelcar_tui.supervisor.events import Status
from modelcar_tui.tui import format as f
from modelcar_tui.tui.faces.banner import activity
from modelcar_tui.tui.faces.decision import comparison, worst_first
from modelcar_tui.tui.faces.qa import labelled
from modelcar_tui.tui.messages import Said
from modelcar_tui.tui.rows import EMPTY, Row, crop_middle, pad, paragraph, row
from modelcar_tui.tui.screens.base import Dialog


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
        state, glyphs = self.face.state, self.face.glyphs
        report, finish = state.decision, state.finish
        rows: list[Row] = [EMPTY]
        told = outcome_of(state)
        if told is not None:
            rows += [row(f.outcome_block(told, glyphs), ("  DEMO" if state.demo else "", "badge"))]
            rows += paragraph(told.why, cells, "strong")
        else:
            rows.append(row((activity(state), "muted")))
        rows.append(EMPTY)
        models = worst_first(report) if report else []
        names = max(12, cells - 38)
        for model in models[:8]:
            name = pad(crop_middle(model.model, names, glyphs.ellipsis), names)
            word = f.verdict_spans(model.verdict, glyphs, 7)
            rows.append(Row((*word, (f"  {name}  ", "text"), *comparison(model, full=True))))
        if len(models) > 8:
            rows.append(row((f"and {len(models) - 8} more models", "muted")))
        if report and report.together:
            rows += paragraph(report.together, cells, "warn" if report.missing else "text")
        rows.append(EMPTY)
        for notice in state.notices[-3:]:
            if notice.status is not Status.DONE:
                text = notice.text.removeprefix(f"{notice.status.value}: ")
                rows += labelled(notice.status.value, text, cells, indent=9)
        if state.written:
            what = f"{state.written.changes} changes in {state.written.path}"
            rows += labelled("written", what, cells, indent=9)
            for each in state.written.replaced:
                name = "" if each.path == state.written.path else f"{Path(each.path).name} "
                rows += labelled("", f"{name}{each}", cells, indent=9)
        elif state.kept:
            rows += labelled("written", f"nothing: {state.kept}", cells, indent=9)
        if state.qa.outcome:
            rows += labelled("QA", f"{state.qa.outcome.code}: {state.qa.outcome.message}", cells, indent=9)
            rows += labelled("next", state.qa.outcome.fix, cells, indent=9)
            rows += labelled("left", ", ".join(state.qa.outcome.leftovers), cells, indent=9)
        if finish:
            name = ExitStatus(finish.exit_status).name.replace("_", " ").lower()
            rows += labelled(
                "status", f"{finish.exit_status} ({name}) after {f.elapsed(finish.seconds)}", cells, indent=9
            )
        if state.llm.model:
            rows += labelled(
                "model", f"{state.llm.model} at {state.llm.host}: {state.llm.cost}", cells, indent=9
            )
        if state.folder:
            rows += labelled("folder", state.folder, cells, indent=9)
        left = state.qa.outcome is not None and state.qa.outcome.leftovers
        clean = (("c", "key"), " cleans up   ") if left else ()
        keys = row(("q", "key"), " quits   ", *clean, ("Esc", "key"), " back to the dashboard")
        return [*rows, EMPTY, keys]

    def action_say(self, word: str) -> None:
        """`q`."""
        self.dismiss(word)
        self.app.call_later(self.opening.action_request_quit)

    def action_clean(self) -> None:
        """`c`, where there is something to clean."""
        from modelcar_tui.tui.screens.cleanup import CleanupDialog

        outcome = self.face.state.qa.outcome
        if outcome is None or not outcome.leftovers:
            return
        if self.face.replay:
            self.post_message(Said(f"a replay touches no cluster: agent cleanup {self.face.state.run_id}"))
            return
        self.app.push_screen(CleanupDialog(self.face))
