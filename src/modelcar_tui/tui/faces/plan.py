"""The proposed changes in brief: what is required first, each row with its box; the rest counted."""

from __future__ import annotations

from collections.abc import Sequence

from modelcar_tui.supervisor import RunState
from modelcar_tui.tui.faces.changes import MARK_ROLE, choice_spans, heading, taken_of
from modelcar_tui.tui.faces.writing import answer_to
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.review import Choice, Review, open_review
from modelcar_tui.tui.rows import EMPTY, Row, crop_middle, row, spans_width

_NAME = 26
_LATEST: list[Review] = []
"""Of the plan that was shown last, without marks: its digest is dear to work out."""


def review_of(state: RunState) -> Review | None:
    """The plan with the operator's marks, or with the answer that was given; None where there is none."""
    plan = state.decision.plan if state.decision is not None else None
    if plan is None or not plan.changes:
        return None
    if not (_LATEST and _LATEST[0].plan is plan):
        _LATEST[:] = [open_review(plan)]
    review = _LATEST[0]
    answer = answer_to(state, review.digest)
    return review.kept(state.marks.of(review.digest).now) if answer is None else review.answered(answer)


def plan_rows(review: Review, cells: int, glyphs: Glyphs, height: int = 99) -> list[Row]:
    """A row a box; where the room is short what changes no verdict is only counted."""
    needed = [*review.required, *review.warned]
    rows = [_box(review, choice, cells, glyphs) for choice in needed]
    if not review.cosmetic:
        return rows
    if len(rows) + 1 + len(review.cosmetic) > height:
        return [*rows, row((f"{glyphs.folded} {heading(review)}", "muted"), (taken_of(review), "ok"))]
    head = row((heading(review), "muted"))
    return [*rows, head, *(_box(review, choice, cells, glyphs) for choice in review.cosmetic)]


def _box(review: Review, choice: Choice, cells: int, glyphs: Glyphs) -> Row:
    mark = review.of(choice)
    what = [*choice_spans(choice, review, glyphs)]
    room = max(10, cells - 6 - spans_width(what))
    name = crop_middle(choice.model, min(room, _NAME), glyphs.ellipsis)
    return Row(((f"[{mark.value}] ", MARK_ROLE[mark]), (f"{name}  ", "text"), *what))


def model_rows(review: Review, model: str, glyphs: Glyphs) -> Sequence[Row]:
    """The boxes of one model; after the answer those that were taken."""
    mine = [choice for choice in review.choices if choice.model == model]
    rows = []
    for choice in mine:
        mark = review.of(choice)
        word = f"  {choice.severity}" if choice in review.required else ""
        rows.append(
            Row(
                (
                    (f"[{mark.value}] ", MARK_ROLE[mark]),
                    *choice_spans(choice, review, glyphs),
                    (word, "bad"),
                )
            )
        )
    return rows


def plan_title(state: RunState, review: Review | None) -> tuple[Row, Row]:
    """What the panel is called, and how far it is."""
    if review is None:
        return row(("changes", "title")), EMPTY
    count = len(review.plan.changes)
    if state.written is not None:
        return row(("changes", "title")), row((f"{state.written.changes} of {count} written", "ok"))
    if state.answer is not None:
        return row(("changes", "title")), row(("rejected", "skip"))
    if told := state.marks_told:
        return row(("changes", "title")), row((told, "need"))
    needed = sum(len(choice.changes) for choice in review.required)
    other = f", {count - needed} other" if count > needed else ""
    text = f"{needed} required{other}" if needed else f"{count} proposed"
    return row(("changes", "title")), row((text, "need" if needed else "muted"))
