"""The three views of the review screen."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from modelcar_tui.manifest import Hunk
from modelcar_tui.tui import format as f
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.changes import Line, detail_rows, group_rows, heading, list_row
from modelcar_tui.tui.faces.effect import effect_rows, overall_rows
from modelcar_tui.tui.faces.hunks import hunk_rows
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.review import TAKEN, Choice, Mark, Review
from modelcar_tui.tui.rows import EMPTY, Row, between, paragraph, row, spans_width
from modelcar_tui.tui.view import Scrolled, View
from modelcar_tui.verdict import ApplyPreview, DecisionReport

SIDE_BY_SIDE = 90
"""Cells of the pane from which the text diff has two columns."""


_SET = "accepted set: "


class UnderReview(Protocol):
    """What the views show: the plan, the marks so far, the place in the list."""

    report: DecisionReport
    review: Review
    cursor: int
    folded: bool
    view: str
    preview: ApplyPreview | None
    """For exactly the present marks; None while it is being worked out."""
    tried: ApplyPreview | None
    """As if what is under the cursor were accepted too; None while it is not known."""

    @property
    def lines(self) -> list[Line]:
        """The lines of the list."""
        ...

    @property
    def current(self) -> Line:
        """The line under the cursor."""
        ...

    @property
    def chosen(self) -> tuple[Choice, ...]:
        """The boxes under the cursor: one, or all below the heading."""
        ...

    @property
    def only(self) -> str:
        """Why the plan is there to look at only; empty where it can be marked."""
        ...

    @property
    def open_question(self) -> bool:
        """Whether the run waits for the answer to this very plan."""
        ...

    @property
    def following(self) -> str:
        """The view that comes next."""
        ...

    def hunks_of(self, ids: set[str]) -> tuple[Hunk, ...]:
        """The hunks of the whole plan that these changes cause."""
        ...


class ReviewStatus(View):
    """The counts, the verdict for exactly the accepted set, and the first problem."""

    def __init__(self, face: Face, review: UnderReview) -> None:
        super().__init__(face, id="status")
        self._diff = review

    def body(self, width: int, height: int) -> list[Row]:
        screen, glyphs = self._diff, self.face.glyphs
        counts = row((f" {screen.review.counts}", "strong"))
        preview = screen.preview
        verdict = EMPTY
        if preview is not None and preview.verdict is not None:
            room = width - spans_width(counts.spans) - 6
            heads = preview.heads or (preview.verdict.value,)
            word = next((head for head in heads if len(head) <= room), preview.verdict.value)
            label = "" if screen.only or len(word) + len(_SET) > room else _SET
            block = f" {word} {glyphs.verdict(preview.verdict)} ", f.VERDICT_BLOCK[preview.verdict]
            verdict = row((label, "muted"), block)
        return [between(counts, verdict, width), self._second(width)]

    def _second(self, width: int) -> Row:
        screen, preview = self._diff, self._diff.preview
        if screen.only:
            return row((f" {screen.only}", "strong"))
        if preview is not None and preview.problems:
            return row((f" can't be written: {preview.problems[0]}", "bad"))
        left = [one for one in screen.review.required if screen.review.of(one) is Mark.UNDECIDED]
        if left and screen.open_question:
            count = sum(len(choice.changes) for choice in left)
            which = "1 required is" if count == 1 else f"{count} required are"
            keys = ((shown("A"), "key"), (" accepts, ", "muted"), (shown("W"), "key"), (" writes", "muted"))
            return row((f" {which} undecided: ", "warn"), *keys)
        if preview is not None and preview.warnings:
            return row((f" {preview.warnings[0]}", "warn"))
        if not screen.open_question:
            return row((" to look at only: the run does not wait for an answer to this plan", "muted"))
        return row((f" {preview.why}" if preview is not None else " working out the result", "muted"))


class ChangeList(View):
    """The semantic list with its marks."""

    framed = True

    def __init__(self, face: Face, review: UnderReview) -> None:
        super().__init__(face, id="changes")
        self._diff = review

    def head(self) -> tuple[Row, Row]:
        return row(("changes", "title"), (f"  {Path(self._diff.report.plan.target).name}", "muted")), EMPTY

    def foot(self) -> Row:
        screen = self._diff
        places = [at for at, line in enumerate(screen.lines) if line.chosen]
        here = sum(at <= screen.cursor for at in places)
        return row((f"{here}/{len(places)}", "muted"))

    def body(self, width: int, height: int) -> list[Row]:
        screen, glyphs = self._diff, self.face.glyphs
        lines = screen.lines
        top = max(0, min(screen.cursor - height // 2, len(lines) - height))
        return [
            list_row(line, screen.review, glyphs, chosen=at == screen.cursor, folded=screen.folded)
            for at, line in enumerate(lines[top : top + height], top)
        ]


class ChangeDetail(Scrolled):
    """Reason and evidence, or the text diff, of the line under the cursor."""

    page_key = "PgDn"

    def __init__(self, face: Face, review: UnderReview) -> None:
        super().__init__(face, id="detail")
        self._diff = review

    def head(self) -> tuple[Row, Row]:
        choice = self._diff.current.choice
        name = choice.flags if choice is not None else heading(self._diff.review)
        model = f"  {choice.model}" if choice is not None else ""
        what = {"reason": model, "diff": "  text diff, all changes here", "result": "  what would be written"}
        following = self._diff.following.replace("diff", "text diff")
        return row((name, "title"), (what[self._diff.view], "muted")), row(
            ("v ", "accent"), (following, "muted")
        )

    def whole(self) -> str:
        """All rows as text, also those that the screen has no room for; as wide on any screen."""
        title = "".join(text for text, _ in self.head()[0].spans)
        lines = self.all_rows(SIDE_BY_SIDE - 1, self.inner[1])
        rows = ("".join(text for text, _ in line.spans).rstrip() for line in lines)
        return "\n".join([title, "", *rows])

    def all_rows(self, width: int, height: int) -> list[Row]:
        screen = self._diff
        if screen.view == "result":
            return self._result(width)
        choices = screen.chosen
        ids = {change.id for choice in choices for change in choice.changes}
        diff = hunk_rows(screen.hunks_of(ids), width, side=width >= SIDE_BY_SIDE)
        if screen.view == "diff":
            return diff or [row(("no text diff", "muted"))]
        effect = self._effect(choices, width)
        if screen.current.choice is None:
            rows = group_rows(choices, screen.review, effect, width, self.face.glyphs)
        else:
            rows = detail_rows(screen.current.choice, screen.review, effect, width, self.face.glyphs)
        return [*rows, EMPTY, row(("text diff", "muted")), *diff] if diff else rows

    def _effect(self, choices: tuple[Choice, ...], width: int) -> list[Row]:
        """What the changes under the cursor do, whether or not they are accepted yet."""
        screen = self._diff
        taken = all(screen.review.of(choice) in TAKEN for choice in choices)
        found = screen.preview if taken else screen.tried
        these = "they were" if len(choices) > 1 or len(choices[0].changes) > 1 else "it were"
        when = f"now, and {'with all that is accepted' if taken else f'if {these} accepted'}"
        names = {choice.model for choice in choices}
        if len(names) > 1:
            marked, then = screen.preview, screen.tried
            if taken or marked is None or then is None:
                return []
            return overall_rows(marked.verdict, then.verdict, self.face.glyphs)
        models = {model.model: model for model in screen.report.models}
        after = {model.model: model for model in found.models} if found else {}
        name = names.pop()
        if screen.report.without_changes is not None:
            return effect_rows(models.get(name), None, when, width, self.face.glyphs)
        return effect_rows(models.get(name), after.get(name), when, width, self.face.glyphs)

    def _result(self, width: int) -> list[Row]:
        preview = self._diff.preview
        if preview is None:
            return [row(("working out the result", "muted"))]
        rows = (
            [EMPTY]
            if preview.verdict is None
            else paragraph(f"{preview.verdict.value}: {preview.why}", width)
        )
        rows += [line for problem in preview.problems for line in paragraph(str(problem), width, "bad")]
        rows += [line for warning in preview.warnings for line in paragraph(str(warning), width, "warn")]
        diff = hunk_rows(preview.hunks, width, side=width >= SIDE_BY_SIDE)
        return rows + (
            diff or [row(("nothing is accepted: the file would be the base, byte for byte", "muted"))]
        )
