"""Review of the proposed changes. Nothing is accepted at the start, and Enter never approves.

The marks are the run's: every step is told to the engine, which keeps it in the journal, and the screen shows
what the run has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from modelcar_tui.manifest import Change, Hunk
from modelcar_tui.supervisor import marked
from modelcar_tui.supervisor.events import ChangesMarked
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.changes import Line, lines_of
from modelcar_tui.tui.faces.writing import answer_to
from modelcar_tui.tui.keys import bind
from modelcar_tui.tui.messages import Copied
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.port import EnginePort
from modelcar_tui.tui.review import TAKEN, Choice, Mark, Review, open_review
from modelcar_tui.tui.screens.answering import AnsweringScreen
from modelcar_tui.tui.screens.base import Keys, style
from modelcar_tui.tui.screens.prompt import Prompt
from modelcar_tui.tui.widgets.changes import ChangeDetail, ChangeList, ReviewStatus
from modelcar_tui.verdict import DecisionReport

VIEWS = ("reason", "diff", "result")


class DiffScreen(AnsweringScreen):
    """The list of changes, what is known of the one under the cursor, the text diff, and the answer."""

    TITLE = "review"
    CSS_PATH = style("diff")
    offers_palette = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *bind("j,down", "move(1)"),
        *bind("k,up", "move(-1)"),
        *bind("home", "move(-9999)", show=False),
        *bind("end", "move(9999)", show=False),
        *bind("space", "accept"),
        *bind("minus", "reject"),
        *bind("equals_sign", "edit"),
        *bind("V", "editor"),
        *bind("A", "required"),
        *bind("asterisk", "rest('x')"),
        *bind("D", "rest('-')"),
        *bind("U", "undo"),
        *bind("enter", "fold"),
        *bind("v", "view"),
        *bind("W", "write"),
        *bind("R", "reject_all"),
        *bind("pagedown", "page(1)"),
        *bind("pageup", "page(-1)"),
        *bind("y", "copy"),
        *bind("question_mark,f1", "why"),
        *bind("escape,q", "back"),
    ]

    def __init__(
        self, face: Face, report: DecisionReport, port: EnginePort, *, accept_required: bool = False
    ) -> None:
        """`accept_required`: as if `A` were the first key."""
        review = open_review(report.plan)
        super().__init__(face, report, review, port)
        self.marks = face.state.marks.of(review.digest)
        self.review = self._opened(review)
        self.folded = bool(review.required)
        self.cursor = self._first()
        self.view = VIEWS[0]
        self._accept_required = accept_required

    def content(self) -> Iterable[Widget]:
        yield ReviewStatus(self.face, self)
        with Container(id="review"):
            yield ChangeList(self.face, self)
            yield ChangeDetail(self.face, self)
        yield Prompt()

    def on_mount(self) -> None:
        super().on_mount()
        self.set_class(self.app.size.width >= 110, "-wide")
        if self._accept_required:
            self.action_required()
        self.work_out()

    def on_resize(self) -> None:
        self.set_class(self.app.size.width >= 110, "-wide")

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self.close_ears()

    def _opened(self, review: Review) -> Review:
        """With the run's marks; a plan that was answered is shown with its answer."""
        answer = answer_to(self.face.state, review.digest)
        return review.kept(self.marks.now) if answer is None else review.answered(answer)

    def _first(self) -> int:
        """Where the cursor starts: at what is needed most."""
        lines = self.lines
        boxes = (at for at, line in enumerate(lines) if line.choice is not None)
        return next(boxes, next((at for at, line in enumerate(lines) if line.chosen), 0))

    @property
    def lines(self) -> list[Line]:
        """The lines of the list."""
        return lines_of(self.review, folded=self.folded)

    @property
    def current(self) -> Line:
        """The line under the cursor."""
        lines = self.lines
        return lines[min(self.cursor, len(lines) - 1)]

    @property
    def chosen(self) -> tuple[Choice, ...]:
        """The boxes under the cursor: one, or all below the heading."""
        choice = self.current.choice
        return (choice,) if choice is not None else self.review.cosmetic

    def keys(self) -> Keys:
        if self.only:
            return [("v", self.following), ("y", "copy"), ("q", "leave"), ("?", "keys")]
        needed = [("A", "required")] if self.review.required else []
        return [
            ("space", "accept"),
            ("-", "reject"),
            *needed,
            ("*", "all"),
            ("U", "undo"),
            ("q", "leave"),
            ("?", "keys"),
            ("v", self.following),
            ("=", "edit"),
            ("R", "reject plan"),
            ("W", "write"),
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
        if report is not None and report is not self.report:
            if not report.plan.changes:
                self._nothing_left()
                return
            self.report = report
            if report.plan != self.review.plan:
                self._begin_again(report)
        self._hear_marks()
        super().refresh_state()

    def _nothing_left(self) -> None:
        """The new plan has no changes: there is nothing to review."""
        self.face.message = "the plan has changed: no changes are proposed any more"
        self.dismiss()

    def _begin_again(self, report: DecisionReport) -> None:
        prompt = self.query_one(Prompt)
        if prompt.open:
            prompt.close()  # it asks for a value of a change that may be gone
        review = open_review(report.plan)
        self.marks = self.face.state.marks.of(review.digest)
        self.review = self._opened(review)
        self.folded = bool(review.required)
        self.cursor = self._first()
        self.face.message = "the plan has changed; the review starts again"
        self.work_out()

    def _hear_marks(self) -> None:
        """What the run keeps, once it has all the steps of this screen; and the answer, once there is one."""
        kept = self.face.state.marks.of(self.review.digest)
        if kept.steps >= self.marks.steps:
            self.marks = kept
        review = self._opened(self.review)
        if (review.marks, review.edits) != (self.review.marks, self.review.edits):
            self.review = review
            self.work_out()

    def candidate(self) -> Review:
        return self.review.accepting(self.chosen)

    def _may_mark(self) -> bool:
        """Whether marks count; says why where they don't."""
        if self.only:
            self.tell(self.only)
        return not self.only

    def _take(self, review: Review) -> bool:
        """A step: keep it where it changes anything."""
        step = review.step()
        if step == self.review.step():
            return False
        self._keep(step)
        return True

    def _keep(self, step: ChangesMarked) -> None:
        self.marks = marked(self.marks, step)
        self.review = self.review.kept(self.marks.now)
        self._port.mark(step)
        self.work_out()
        self.refresh_state()

    def action_move(self, by: int) -> None:
        """Another line that the cursor can stand on."""
        places = [at for at, line in enumerate(self.lines) if line.chosen]
        here = max((n for n, at in enumerate(places) if at <= self.cursor), default=0)
        self.cursor = places[max(0, min(here + by, len(places) - 1))]
        self.query_one(ChangeDetail).top = 0
        self.work_out_tried()
        self.refresh_state()

    def action_page(self, by: int) -> None:
        """Scroll the detail."""
        self.query_one(ChangeDetail).scroll_rows(by * 5)

    def action_accept(self) -> None:
        """Space: accept what is under the cursor; what is accepted becomes undecided."""
        if not self._may_mark():
            return
        ids = [i for choice in self.chosen for i in choice.ids]
        if all(self.review.of(choice) in TAKEN for choice in self.chosen):
            self._take(self.review.set(ids, Mark.UNDECIDED))
        else:
            self._take(self.review.accepting(self.chosen))
        if self.current.choice is None:
            self.tell(f"{self.review.counts}; {shown('U')} undoes")

    def action_reject(self) -> None:
        """`-`."""
        ids = [i for choice in self.chosen for i in choice.ids]
        if self._may_mark() and not self._take(self.review.set(ids, Mark.REJECTED)):
            self.tell(f"it is rejected already; {shown('space')} accepts it, {shown('U')} undoes")

    def action_required(self) -> None:
        """`A`."""
        if not self._may_mark():
            return
        needed = sum(len(choice.changes) for choice in self.review.required)
        if not needed:
            self.tell(f"nothing is required; {shown('*')} accepts all {len(self.review.plan.changes)}")
        elif self._take(self.review.accepting(self.review.required)):
            self.tell(f"{needed} required accepted; {shown('W')} writes, {shown('U')} undoes")
        else:
            self.tell(f"the {needed} required are accepted already; {shown('W')} writes")

    def action_rest(self, mark: str) -> None:
        """`*` and `D`: all that is undecided."""
        if not self._may_mark():
            return
        left = self.review.undecided()
        if self._take(self.review.set((i for choice in left for i in choice.ids), Mark(mark))):
            self.tell(f"{self.review.counts}; {shown('U')} undoes")
        else:
            self.tell(f"nothing is undecided; {shown('U')} undoes the last step")

    def action_undo(self) -> None:
        """`U`."""
        if not self._may_mark():
            return
        if not self.marks.earlier:
            self.tell("there is no step to undo")
            return
        self._keep(ChangesMarked(plan_digest=self.review.digest, undo=True))
        self.tell(f"undone: {self.review.counts}")

    def action_fold(self) -> None:
        """Enter."""
        choice = self.current.choice
        if choice is not None and choice not in self.review.cosmetic:
            how = f"{shown('space')} accepts, {shown('-')} rejects, {shown('v')} shows more"
            self.tell(f"{how}; Enter never approves")
            return
        self.folded = not self.folded
        self.cursor = next(at for at, line in enumerate(self.lines) if line.chosen and line.choice is None)
        self.work_out_tried()
        self.refresh_state()

    def action_view(self) -> None:
        """`v`."""
        self.view = VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]
        self.query_one(ChangeDetail).top = 0
        self.refresh_state()

    def action_copy(self) -> None:
        """`y`: all of the detail, also what the screen has no room for."""
        self.post_message(Copied(self.query_one(ChangeDetail).whole()))

    def action_why(self) -> None:
        """`?`: the change under the cursor."""
        self.opening.open_why("plan", at=self.chosen[0].ids[0])

    def action_back(self) -> None:
        if kept := self.face.state.marks_told:
            self.face.message = f"{kept}: the marks are kept, {shown('d')} goes on"
        super().action_back()

    def _editable(self) -> list[Change]:
        """What can be edited under the cursor; says why where nothing can."""
        choice = self.current.choice
        changes = [change for change in choice.changes if change.new is not None] if choice else []
        if not changes:
            self.tell("this row takes an argument away" if choice else "Enter unfolds; then edit one of them")
        return changes if changes and self._may_mark() else []

    def action_edit(self) -> None:
        """`=`: one prompt for each value of the row, taken together."""
        self._ask_next(self._editable(), {})

    def _ask_next(self, changes: list[Change], texts: dict[str, str]) -> None:
        if not changes:
            return
        change, *rest = changes

        def done(text: str) -> None:
            new = {**texts, change.id: text}
            if rest:
                self._ask_next(rest, new)
            else:
                self._edited(new)

        label = change.called if rest or texts else "new item"
        self.query_one(Prompt).ask(label, self.review.edits.get(change.id, change.new or ""), done)

    def action_editor(self) -> None:
        """`V`."""
        from modelcar_tui.tui.editor import edit_text

        texts: dict[str, str] = {}
        for change in self._editable():
            text, fault = edit_text(self.app, self.review.edits.get(change.id, change.new or ""))
            self.close_ears()
            if fault:
                self.tell(fault)
                return
            texts[change.id] = text
        self._edited(texts)

    def _edited(self, texts: dict[str, str]) -> None:
        review = self.review
        try:
            for change, text in texts.items():
                review = review.edit(change, text)
        except ValueError as error:
            self.tell(f"not taken: {error}")
            return
        if texts and not self._take(review):
            self.tell("nothing is changed")
