"""The plan as a list of changes, and what is known of one of them. Nothing that is invisible stays so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from modelcar_tui.core.text import has_hidden, reveal
from modelcar_tui.manifest import Change, Operation
from modelcar_tui.tui.faces.memory import term_rows
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.review import REQUIRED, TAKEN, Choice, Mark, Review
from modelcar_tui.tui.rows import EMPTY, Row, Span, labelled, paragraph, row

MARK_ROLE = {Mark.UNDECIDED: "warn", Mark.ACCEPTED: "ok", Mark.REJECTED: "skip", Mark.EDITED: "accent"}
MARK_WORD = {
    Mark.UNDECIDED: "undecided",
    Mark.ACCEPTED: "accepted",
    Mark.REJECTED: "rejected",
    Mark.EDITED: "edited",
}


class Line(NamedTuple):
    """One line of the list: a box; else the name of a model, or the heading of what changes no verdict."""

    choice: Choice | None = None
    model: str = ""
    severity: str = ""
    """Of the boxes below the model's name, where it matters."""

    @property
    def chosen(self) -> bool:
        """Whether the cursor can stand on it."""
        return not self.model


def lines_of(review: Review, *, folded: bool) -> list[Line]:
    """The lines by need; `folded` hides what changes no verdict below its heading."""
    out = [*_boxes(review.required), *_boxes(review.warned)]
    if review.cosmetic:
        out.append(Line())
    return out if folded else [*out, *_boxes(review.cosmetic)]


def _boxes(choices: tuple[Choice, ...]) -> Iterator[Line]:
    """The boxes below the names of their models."""
    model = ""
    for choice in choices:
        if choice.model != model:
            model = choice.model
            yield Line(model=model, severity=choice.severity)
        yield Line(choice)


def kinds(choices: tuple[Choice, ...]) -> str:
    """`4 removed, 2 set`, counted in changes."""
    changes = [change for choice in choices for change in choice.changes]
    removed = sum(change.operation is Operation.REMOVE for change in changes)
    words = [(removed, "removed"), (len(changes) - removed, "set")]
    return ", ".join(f"{count} {word}" for count, word in words if count)


def heading(review: Review) -> str:
    """`6 that change no verdict: 4 removed, 2 set`."""
    count = sum(len(choice.changes) for choice in review.cosmetic)
    which = "1 that changes no verdict" if count == 1 else f"{count} that change no verdict"
    return f"{which}: {kinds(review.cosmetic)}"


def taken_of(review: Review) -> str:
    """`  5 accepted` of what changes no verdict; empty where none is."""
    own = (choice for choice in review.cosmetic if review.of(choice) in TAKEN)
    taken = sum(len(choice.changes) for choice in own)
    return f"  {taken} accepted" if taken else ""


def list_row(line: Line, review: Review, glyphs: Glyphs, *, chosen: bool, folded: bool) -> Row:
    """One line of the list."""
    over = "cursor" if chosen else ""
    if line.model:
        role = "bad" if line.severity == REQUIRED else "warn"
        word = line.severity if line.severity != "improvement" else ""
        return row((reveal(line.model), "strong"), (f"  {word}" if word else "", role))
    if line.choice is None:
        sign = glyphs.folded if folded else glyphs.unfolded
        return row((f"{sign} ", "muted"), heading(review), (taken_of(review), "ok"), over=over)
    mark = review.of(line.choice)
    return Row(((f" [{mark.value}] ", MARK_ROLE[mark]), *choice_spans(line.choice, review, glyphs)), over)


def choice_spans(choice: Choice, review: Review, glyphs: Glyphs) -> Iterator[Span]:
    """The changes of one box in a line: `gpu_count 1 → 2 + --tensor-parallel-size=2`."""
    for at, change in enumerate(choice.changes):
        if at:
            yield " + ", "muted"
        yield from _change_spans(change, review, glyphs, alone=len(choice.changes) == 1)


def _change_spans(change: Change, review: Review, glyphs: Glyphs, *, alone: bool) -> Iterator[Span]:
    new = review.edits.get(change.id, change.new)
    faded = review.mark(change.id) is Mark.REJECTED
    match change.operation:
        case Operation.REMOVE:
            yield "remove " if alone else "without ", "del"
            yield reveal(change.old or change.flag), "muted" if faded else "del"
        case Operation.ADD:
            yield "add " if alone else "", "add"
            yield reveal(new or change.flag), "muted" if faded else "add"
        case _:
            before, after = _value(change.old, change.flag), _value(new, change.flag)
            if before == after:
                yield f"set {reveal(change.called)}={reveal(after)}", "muted" if faded else "text"
                yield " as one item", "muted"
            else:
                yield f"{reveal(change.called)} ", "muted" if faded else "text"
                yield reveal(before), "muted" if faded else "del"
                yield f" {glyphs.arrow} ", "muted"
                yield reveal(after), "muted" if faded else "add"


def describe(choice: Choice, review: Review, glyphs: Glyphs) -> str:
    """One box in words, for the last question: `gpu_count 1 → 2 + --tensor-parallel-size=2`."""
    spans = [_change_spans(change, review, glyphs, alone=False) for change in choice.changes]
    return " + ".join("".join(text for text, _ in each) for each in spans)


def verb(change: Change) -> str:
    """`set`, `add`, `remove`."""
    return "set" if change.operation is Operation.GPU_COUNT else change.operation.value


def _value(item: str | None, flag: str) -> str:
    if item is None:
        return "none"
    return item.removeprefix(flag).lstrip("= ") or item


def detail_rows(choice: Choice, review: Review, effect: list[Row], cells: int, glyphs: Glyphs) -> list[Row]:
    """Everything about one box: items, reasons, its effect, evidence."""
    mark, changes = review.of(choice), choice.changes
    verbs = ", ".join(dict.fromkeys(verb(change) for change in changes))
    rows = [row((MARK_WORD[mark], MARK_ROLE[mark]), (f"  {verbs}, {choice.severity}", "muted"))]
    items = [line for change in changes for line in _item_rows(change, review, cells)]
    reasons = [line for change in changes for line in (EMPTY, *paragraph(reveal(change.reason), cells))]
    if len(changes) == 1:
        rows += [*items, *reasons, *effect]
    else:
        rows += paragraph("one box: no valid command line without the other", cells, "muted")
        rows += [*reasons, *effect, EMPTY, *items]
    for terms in dict.fromkeys(change.evidence for change in changes if change.evidence):
        rows += [EMPTY, *term_rows(terms, cells, glyphs)]
    return rows


def _item_rows(change: Change, review: Review, cells: int) -> list[Row]:
    rows: list[Row] = []
    for label, item, role in (
        ("old", change.old, "del"),
        ("new", change.new, "add"),
        ("edited", review.edits.get(change.id), "accent"),
    ):
        if item is not None:
            rows += labelled(label, f"{reveal(change.count_name)}{reveal(item) or ' '}", cells, role=role)
            if has_hidden(item):
                rows += paragraph("this item holds invisible characters, shown as <U+...>", cells, "bad")
    return rows


def group_rows(
    choices: tuple[Choice, ...], review: Review, effect: list[Row], cells: int, glyphs: Glyphs
) -> list[Row]:
    """Boxes with their reasons, and what they do together."""
    rows = paragraph(
        f"Enter unfolds; {shown('space')} accepts them all, {shown('-')} rejects them all", cells, "muted"
    )
    rows += effect
    model = ""
    for choice in choices:
        if choice.model != model:
            model = choice.model
            rows += [EMPTY, row((reveal(model), "strong"))]
        mark = review.of(choice)
        rows.append(Row(((f"[{mark.value}] ", MARK_ROLE[mark]), *choice_spans(choice, review, glyphs))))
        for change in choice.changes:
            rows += paragraph(reveal(change.reason), cells, "muted", indent=4)
    return rows
