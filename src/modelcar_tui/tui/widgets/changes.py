"""The three views of the review screen."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from modelcar_tui.manifest import Change, Hunk
from modelcar_tui.tui import format as f
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.changes import Line, detail_rows, group_rows, hunk_rows, list_row
from modelcar_tui.tui.faces.effect import effect_rows
from modelcar_tui.tui.review import Mark, Review
from modelcar_tui.tui.rows import EMPTY, Row, between, paragraph, row
from modelcar_tui.tui.view import Scrolled, View
from modelcar_tui.verdict import ApplyPreview, DecisionReport

SIDE_BY_SIDE = 90
"""Cells of the pane from which the text diff has two columns."""


class UnderReview(Protocol):
    """What the views show: the plan, the marks so far, the place in the list."""

    report: DecisionReport
    review: Review
    cursor: int
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
            block = (
                f" {preview.verdict.value} {glyphs.verdict(preview.verdict)} ",
                f.VERDICT_BLOCK[preview.verdict],
            )
            verdict = row(("accepted set: ", "muted"), block)
        return [between(counts, verdict, width), self._second(width)]

    def _second(self, width: int) -> Row:
        screen, preview = self._diff, self._diff.preview
        if preview is not None and preview.problems:
            return row((f" can't be written: {preview.problems[0]}", "bad"))
        coupled = screen.review.coupled()
        if coupled:
            return row((f" {coupled[0]}", "warn"))
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
        return row((f"{self._diff.cursor + 1}/{len(self._diff.lines)}", "muted"))

    def body(self, width: int, height: int) -> list[Row]:
        screen = self._diff
        lines = screen.lines
        top = max(0, min(screen.cursor - height // 2, len(lines) - height))
        return [
            list_row(line, screen.review, width, self.face.glyphs, chosen=at == screen.cursor)
            for at, line in enumerate(lines[top : top + height], top)
        ]


class ChangeDetail(Scrolled):
    """Reason and evidence, or the text diff, of the line under the cursor."""

    page_key = "PgDn"

    def __init__(self, face: Face, review: UnderReview) -> None:
        super().__init__(face, id="detail")
        self._diff = review

    def head(self) -> tuple[Row, Row]:
        line = self._diff.current
        name = line.change.flag if line.change else self._diff.review.groups[line.group].title
        model = f"  {line.change.model}" if line.change else ""
        what = {"reason": model, "diff": "  text diff, all changes here", "result": "  what would be written"}
        following = self._diff.following.replace("diff", "text diff")
        return row((name, "title"), (what[self._diff.view], "muted")), row(
            ("v ", "accent"), (following, "muted")
        )

    def all_rows(self, width: int, height: int) -> list[Row]:
        screen = self._diff
        line = screen.current
        if screen.view == "result":
            return self._result(width)
        group = screen.review.groups[line.group]
        ids = {line.change.id} if line.change else set(group.ids)
        if screen.view == "diff":
            return hunk_rows(screen.hunks_of(ids), width, side=width >= SIDE_BY_SIDE) or [
                row(("no text diff", "muted"))
            ]
        changes = tuple(change for change in screen.report.plan.changes if change.id in ids)
        effect = self._effect(changes, width)
        if line.change is None:
            rows = group_rows(changes, screen.review, effect, width, self.face.glyphs)
        else:
            rows = detail_rows(line.change, screen.review, effect, width, self.face.glyphs)
        diff = hunk_rows(screen.hunks_of(ids), width, side=width >= SIDE_BY_SIDE)
        return [*rows, EMPTY, row(("text diff", "muted")), *diff] if diff else rows

    def _effect(self, changes: tuple[Change, ...], width: int) -> list[Row]:
        """What the changes under the cursor do, whether or not they are accepted yet."""
        screen = self._diff
        name = changes[0].model if changes else ""
        before = next((model for model in screen.report.models if model.model == name), None)
        taken = all(screen.review.mark(change.id) in (Mark.ACCEPTED, Mark.EDITED) for change in changes)
        found = screen.preview if taken else screen.tried
        after = next((model for model in found.models if model.model == name), None) if found else None
        these = "it were" if len(changes) == 1 else "they were"
        when = f"now, and {'with all that is accepted' if taken else f'if {these} accepted'}"
        return effect_rows(before, after, when, width, self.face.glyphs)

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
