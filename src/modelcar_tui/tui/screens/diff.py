"""Review of the proposed changes. Nothing is accepted at the start, and Enter never approves."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable
from typing import ClassVar

import msgspec
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.worker import get_current_worker

from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest import Change, Decision, Hunk
from modelcar_tui.supervisor import Approve
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.changes import Line, lines_of
from modelcar_tui.tui.faces.writing import write_facts
from modelcar_tui.tui.port import EnginePort
from modelcar_tui.tui.review import Mark, Review, open_review
from modelcar_tui.tui.screens.base import FaceScreen, Keys, style
from modelcar_tui.tui.screens.confirm import ConfirmDialog
from modelcar_tui.tui.screens.prompt import Prompt
from modelcar_tui.tui.widgets.changes import ChangeDetail, ChangeList, ReviewStatus
from modelcar_tui.verdict import ApplyPreview, DecisionReport

VIEWS = ("reason", "diff", "result")
LOOK_S = 5.0
"""Longest time without ears while the disk is looked at; a share that hangs must not lock the screen."""


class DiffScreen(FaceScreen):
    """The list of changes, what is known of the one under the cursor, the text diff, and the answer."""

    TITLE = "review"
    CSS_PATH = style("diff")
    deaf_s = 0.5
    offers_palette = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "next change"),
        Binding("k,up", "move(-1)", "change before"),
        Binding("y,space", "mark('x')", "accept"),
        Binding("n", "mark('-')", "reject"),
        Binding("u", "mark(' ')", "undecided again"),
        Binding("e", "edit", "edit the new value"),
        Binding("E", "editor", "edit it in $EDITOR"),
        Binding("s", "split", "split the hunk; its changes are undecided again"),
        Binding("a", "rest('x')", "accept all that is undecided"),
        Binding("d", "rest('-')", "reject all that is undecided"),
        Binding("enter", "fold", "fold or open a hunk (never approves)"),
        Binding("v", "view", "reason, text diff, or what would be written"),
        Binding("W", "write", "write the accepted changes (asks again)"),
        Binding("R", "reject_all", "reject the whole plan (asks again)"),
        Binding("pagedown", "page(1)", "scroll the detail"),
        Binding("pageup", "page(-1)", "scroll the detail back"),
        Binding("question_mark,f1", "why", "why and keys"),
        Binding("escape,q", "back", "leave without writing"),
    ]

    def __init__(self, face: Face, report: DecisionReport, port: EnginePort) -> None:
        super().__init__(face)
        self._port = port
        self.report = report
        self.review = self._opened(report)
        self.cursor = next((at for at, line in enumerate(self.lines) if line.change is not None), 0)
        self.view = VIEWS[0]
        self.preview: ApplyPreview | None = None
        """For exactly the present marks; None while it is being worked out."""
        self.tried: ApplyPreview | None = None
        """As if what is under the cursor were accepted too; None while it is not known."""
        self._trying: Decision | None = None

    def content(self) -> Iterable[Widget]:
        yield ReviewStatus(self.face, self)
        with Container(id="review"):
            yield ChangeList(self.face, self)
            yield ChangeDetail(self.face, self)
        yield Prompt()

    def on_mount(self) -> None:
        super().on_mount()
        self.set_class(self.app.size.width >= 110, "-wide")
        self._work_out()

    def on_resize(self) -> None:
        self.set_class(self.app.size.width >= 110, "-wide")

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.close_ears()

    def _opened(self, report: DecisionReport) -> Review:
        """Nothing is marked at the start; a plan that was answered is shown with its answer."""
        review, asked = open_review(report.plan, report.hunks), self.face.state.approval
        answer = asked.decision if asked is not None else None
        if answer is None or answer.plan_digest != report.plan.digest or answer.who == Approve.SHOW:
            return review
        return review.answered(answer)

    @property
    def lines(self) -> list[Line]:
        """The lines of the list."""
        return lines_of(self.review)

    @property
    def current(self) -> Line:
        """The line under the cursor."""
        lines = self.lines
        return lines[min(self.cursor, len(lines) - 1)]

    @property
    def open_question(self) -> bool:
        """Whether the run waits for the answer to this very plan."""
        if self.face.replay:
            return False
        state = self.face.state
        asked = state.approval
        return (
            state.waiting_for_approval and asked is not None and asked.plan_digest == self.report.plan.digest
        )

    def keys(self) -> Keys:
        return [
            ("y", "accept"),
            ("n", "reject"),
            ("v", self.following),
            ("W", "write"),
            ("q", "leave"),
            ("?", "keys"),
            ("e E", "edit"),
            ("u", "undo"),
            ("a d", "all the rest"),
            ("s", "split"),
            ("R", "reject plan"),
        ]

    @property
    def following(self) -> str:
        """The view that `v` shows next."""
        return VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]

    def hunks_of(self, ids: set[str]) -> tuple[Hunk, ...]:
        """The hunks of the whole plan that these changes cause."""
        return tuple(hunk for hunk in self.report.hunks if ids & set(hunk.changes))

    def refresh_state(self) -> None:
        report = self.face.state.decision
        if report is not None and report is not self.report and report.plan.digest != self.report.plan.digest:
            self.report, self.review, self.cursor = report, self._opened(report), 0
            self.face.message = "the plan has changed; the review starts again"
            self._work_out()
        super().refresh_state()

    def _chosen(self) -> tuple[str, ...]:
        line = self.current
        return (line.change.id,) if line.change else self.review.groups[line.group].ids

    def _set(self, review: Review) -> None:
        self.review = review
        self._work_out()
        self.refresh_state()

    def _work_out(self) -> None:
        self.preview = None
        decision = self.review.decision(write=True)
        show = self._show_preview
        self.run_worker(lambda: self._preview(decision, show), thread=True, exclusive=True, group="preview")
        self._try()

    def _preview(self, decision: Decision, show: Callable[[ApplyPreview, Decision], None]) -> None:
        worker = get_current_worker()
        try:
            found = self._port.preview(decision)
        except Exception as error:  # noqa: BLE001 - a fault there must not end the review
            found = ApplyPreview(
                problems=(Problem(what=f"the result can't be worked out ({type(error).__name__})"),)
            )
        if not worker.is_cancelled:
            self.app.call_from_thread(show, found, decision)

    def _show_preview(self, found: ApplyPreview, decision: Decision) -> None:
        if decision == self.review.decision(write=True) and self.is_mounted:
            self.preview = found
            self.refresh_state()

    def _try(self) -> None:
        """Work out what the changes under the cursor would do; one at a time, the newest wins."""
        self.tried = None
        if self._trying is None:
            self._trying = self._candidate()
            decision = self._trying
            self.run_worker(lambda: self._preview(decision, self._show_tried), thread=True, group="trying")

    def _candidate(self) -> Decision:
        return self.review.tried(self._chosen()).decision(write=True)

    def _show_tried(self, found: ApplyPreview, decision: Decision) -> None:
        self._trying = None
        if not self.is_mounted:
            return
        if decision != self._candidate():
            self._try()
            return
        self.tried = found
        self.refresh_state()

    def action_move(self, by: int) -> None:
        """Another line."""
        self.cursor = max(0, min(self.cursor + by, len(self.lines) - 1))
        self.query_one(ChangeDetail).top = 0
        self._try()
        self.refresh_state()

    def action_page(self, by: int) -> None:
        """Scroll the detail."""
        self.query_one(ChangeDetail).scroll_rows(by * 5)

    def action_mark(self, mark: str) -> None:
        """Accept, reject or undo the change or hunk under the cursor, and go to the next undecided one."""
        self.review = self.review.set(self._chosen(), Mark(mark))
        if mark != Mark.UNDECIDED:
            self._advance()
        self._set(self.review)

    def _advance(self) -> None:
        lines = self.lines
        for at in range(self.cursor + 1, len(lines)):
            change = lines[at].change
            if change is not None and self.review.mark(change.id) is Mark.UNDECIDED:
                self.cursor = at
                return

    def action_rest(self, mark: str) -> None:
        """Mark all that is undecided."""
        self._set(self.review.rest(Mark(mark)))

    def action_fold(self) -> None:
        """Enter."""
        group = self.current.group
        self.review = self.review.fold(group, folded=not self.review.groups[group].folded)
        self.cursor = next(at for at, line in enumerate(self.lines) if line.group == group)
        self.refresh_state()

    def action_split(self) -> None:
        """`s`."""
        group = self.current.group
        self._set(self.review.split(group))
        self.cursor = next(at for at, line in enumerate(self.lines) if line.group == group) + 1
        self.refresh_state()

    def action_view(self) -> None:
        """`v`."""
        self.view = VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]
        self.query_one(ChangeDetail).top = 0
        self.refresh_state()

    def action_why(self) -> None:
        """`?`."""
        self.opening.open_why("decision")

    def _editable(self) -> Change | None:
        change = self.current.change
        if change is None or change.new is None:
            self.tell("choose one change that sets a value")
            return None
        return change

    def action_edit(self) -> None:
        """`e`."""
        change = self._editable()
        if change is not None:
            text = self.review.edits.get(change.id, change.new or "")
            self.query_one(Prompt).ask("new item", text, lambda new: self._edited(change, new))

    def action_editor(self) -> None:
        """`E`."""
        from modelcar_tui.tui.editor import edit_text

        change = self._editable()
        if change is None:
            return
        text, fault = edit_text(self.app, self.review.edits.get(change.id, change.new or ""))
        self.close_ears()
        if fault:
            self.tell(fault)
        else:
            self._edited(change, text)

    def _edited(self, change: Change, text: str) -> None:
        try:
            self._set(self.review.edit(change.id, text))
        except ValueError as error:
            self.tell(f"not taken: {error}")

    def action_write(self) -> None:
        """`W`: say what is wrong, else ask for the word."""
        counts = self.review.counts
        if not self.open_question:
            self.tell("the run does not wait for an answer to this plan")
        elif not counts.accepted:
            self.tell("nothing is accepted; y accepts a change, R rejects the whole plan")
        elif self.preview is None:
            self.tell("still working out the result; press W again")
        elif self.preview.problems:
            self.tell(f"can't be written: {self.preview.problems[0]}")
        else:
            self._look(self._ask_to_write)

    def _look(self, then: Callable[[ApplyPreview, Decision], None]) -> None:
        """Look again at what stands where it would be written: the result may be minutes old."""
        self.hears_from = self.monotonic() + LOOK_S  # the keys to come are meant for the question
        decision = self.review.decision(write=True)
        self.run_worker(lambda: self._preview(decision, then), thread=True, exclusive=True, group="looking")

    def _ask_to_write(self, found: ApplyPreview, decision: Decision, warning: str = "") -> None:
        if not self.is_mounted or self.app.screen is not self:
            return
        if decision != self.review.decision(write=True):
            self.close_ears()
            return
        self.preview = found
        if found.problems:
            self.close_ears()
            self.tell(f"can't be written: {found.problems[0]}")
            return
        facts = write_facts(self.report.plan, self.review, found, self.face.clock())
        warnings = [*self.review.coupled(), *(str(problem) for problem in found.warnings)]
        warnings = [warning, *warnings] if warning else warnings
        dialog = ConfirmDialog(self.face, "write", "Write the accepted changes?", facts, warnings)
        self.app.push_screen(dialog, self._confirmed)

    def action_reject_all(self) -> None:
        """`R`."""
        if not self.open_question:
            self.tell("the run does not wait for an answer to this plan")
            return
        facts = [
            ("file", f"{self.report.plan.target} is not written"),
            ("then", "the base manifest stays; exit status 5"),
        ]
        dialog = ConfirmDialog(self.face, "reject", "Reject the whole plan?", facts, [])
        self.app.push_screen(dialog, self._confirmed)

    def _confirmed(self, word: str | None) -> None:
        if word == "write":
            self._look(self._write_or_ask_again)
        elif word == "reject":
            self._answer(self.review.decision(write=False), "plan rejected")

    def _write_or_ask_again(self, found: ApplyPreview, decision: Decision) -> None:
        """The word counts for what was shown: another file by now is another question."""
        shown = self.preview.replaces if self.preview is not None else ()
        if [each.fingerprint for each in found.replaces] != [each.fingerprint for each in shown]:
            self._ask_to_write(found, decision, "what stands there has changed since you were asked")
        elif found.problems or decision != self.review.decision(write=True):
            self._ask_to_write(found, decision)
        else:
            replaces = tuple(each.fingerprint for each in shown)
            self._answer(msgspec.structs.replace(decision, replaces=replaces), str(self.review.counts))

    def _answer(self, decision: Decision, said: str) -> None:
        self._port.answer(msgspec.structs.replace(decision, who=getpass.getuser()))
        self.face.message = f"answer sent: {said}"
        self.dismiss()
