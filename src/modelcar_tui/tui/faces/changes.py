"""The plan as a list of changes, and what is known of one of them. Nothing that is invisible stays so."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from rich.cells import set_cell_size

from modelcar_tui.core.text import has_hidden, reveal
from modelcar_tui.manifest import Change, Hunk, Operation
from modelcar_tui.tui.faces.memory import term_rows
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.review import Mark, Review
from modelcar_tui.tui.rows import EMPTY, Row, Span, labelled, pad, paragraph, printable, row, width

MARK_ROLE = {Mark.UNDECIDED: "warn", Mark.ACCEPTED: "ok", Mark.REJECTED: "skip", Mark.EDITED: "accent"}
MARK_WORD = {
    Mark.UNDECIDED: "undecided",
    Mark.ACCEPTED: "accepted",
    Mark.REJECTED: "rejected",
    Mark.EDITED: "edited",
}


class Line(NamedTuple):
    """One line of the list: a group, or a change of it."""

    group: int
    change: Change | None


def lines_of(review: Review) -> list[Line]:
    """The lines that are there: a folded group hides its changes; a group of one has no head."""
    known = {change.id: change for change in review.plan.changes}
    out: list[Line] = []
    for at, group in enumerate(review.groups):
        out.append(Line(at, None))
        if not group.folded:
            out += [Line(at, known[i]) for i in group.ids]
    return out


def list_row(line: Line, review: Review, cells: int, glyphs: Glyphs, *, chosen: bool) -> Row:
    """One line of the list."""
    over = "cursor" if chosen else ""
    if line.change is None:
        group = review.groups[line.group]
        fold = glyphs.folded if group.folded else glyphs.unfolded
        marks = "".join(f"[{review.mark(i).value}]" for i in group.ids) if group.folded else ""
        return row((f"{fold} ", "muted"), (reveal(group.title), "strong"), (f"  {marks}", "muted"), over=over)
    mark = review.mark(line.change.id)
    spans: list[Span] = [("  ", "text"), (f"[{mark.value}] ", MARK_ROLE[mark])]
    return Row((*spans, *_change_spans(line.change, review, glyphs)), over)


def _change_spans(change: Change, review: Review, glyphs: Glyphs) -> Iterator[Span]:
    new = review.edits.get(change.id, change.new)
    faded = review.mark(change.id) is Mark.REJECTED
    match change.operation:
        case Operation.REMOVE:
            yield "- ", "del"
            yield reveal(change.old or change.flag), "muted" if faded else "del"
        case Operation.ADD:
            yield "+ ", "add"
            yield reveal(new or change.flag), "muted" if faded else "add"
        case _:
            before, after = _value(change.old, change.flag), _value(new, change.flag)
            if before == after:
                yield f"{glyphs.arrow} {reveal(change.flag)}={reveal(after)}", "muted" if faded else "text"
                yield "  one item", "muted"
            else:
                yield f"{glyphs.arrow} {reveal(change.flag)}  ", "muted" if faded else "text"
                yield reveal(before), "muted" if faded else "del"
                yield f" {glyphs.arrow} ", "muted"
                yield reveal(after), "muted" if faded else "add"
    if change.severity != "improvement":
        yield f"  {change.severity}", "bad" if change.severity == "required" else "warn"


def describe(change: Change, review: Review) -> str:
    """One change in one line, for the confirmation."""
    new = review.edits.get(change.id, change.new)
    if change.operation is Operation.REMOVE:
        return f"{change.model}: without {change.old}"
    return f"{change.model}: {new if (new or '').startswith('-') else f'{change.flag} {new}'}"


def _verb(change: Change) -> str:
    return "set" if change.operation is Operation.GPU_COUNT else change.operation.value


def _value(item: str | None, flag: str) -> str:
    if item is None:
        return "none"
    return item.removeprefix(flag).lstrip("= ") or item


def detail_rows(change: Change, review: Review, effect: list[Row], cells: int, glyphs: Glyphs) -> list[Row]:
    """Everything about one change: items, reason, coupling, its effect, evidence."""
    mark = review.mark(change.id)
    rows = [row((MARK_WORD[mark], MARK_ROLE[mark]), (f"  {_verb(change)}, {change.severity}", "muted"))]
    for label, item, role in (
        ("old", change.old, "del"),
        ("new", change.new, "add"),
        ("edited", review.edits.get(change.id), "accent"),
    ):
        if item is not None:
            rows += labelled(label, reveal(item) or " ", cells, role=role)
            if has_hidden(item):
                rows += paragraph("this item holds invisible characters, shown as <U+...>", cells, "bad")
    rows += [EMPTY, *paragraph(reveal(change.reason), cells)]
    for partner in change.together_with:
        flag = partner.rpartition("/")[2]
        rows += paragraph(f"only together with {flag} ({MARK_WORD[review.mark(partner)]})", cells, "warn")
    rows += effect
    if change.evidence:
        rows += [EMPTY, *term_rows(change.evidence, cells, glyphs)]
    return rows


def group_rows(
    changes: tuple[Change, ...], review: Review, effect: list[Row], cells: int, glyphs: Glyphs
) -> list[Row]:
    """A group of changes with their reasons, and what they do together."""
    many = f"{len(changes)} changes: y accepts them all, n rejects them all, s splits them"
    rows = paragraph(many if len(changes) > 1 else "one change", cells, "muted")
    for change in changes:
        mark = review.mark(change.id)
        rows += [EMPTY, Row(((f"[{mark.value}] ", MARK_ROLE[mark]), *_change_spans(change, review, glyphs)))]
        rows += paragraph(reveal(change.reason), cells, "muted", indent=4)
    return rows + effect


def hunk_rows(hunks: tuple[Hunk, ...], cells: int, *, side: bool) -> list[Row]:
    """The text diff, unified or side by side; long lines are broken, never cut: nothing may hide here."""
    rows: list[Row] = []
    for hunk in hunks:
        rows.append(row((reveal(hunk.header), "hunk")))
        if side:
            rows += _side_by_side(hunk, cells)
        else:
            rows += [row((part, _role(line))) for line in hunk.lines for part in _broken(_shown(line), cells)]
    return rows


def _role(line: str) -> str:
    return {"+": "add", "-": "del"}.get(line[:1], "muted")


def _shown(line: str) -> str:
    return printable(reveal(line.rstrip("\r\n").replace("\t", "    ")))


def _broken(text: str, cells: int) -> list[str]:
    """`text` in pieces of `cells`, continued under a blank mark."""
    pieces: list[str] = []
    rest = text
    while width(rest) > cells:
        head = set_cell_size(rest, cells).rstrip()
        blank = head.rfind(" ")
        if blank > cells // 2 and len(head) < len(rest) and rest[len(head)] != " ":
            head = head[:blank]  # between two words, where there are some
        pieces.append(head)
        rest = "  " + rest[len(head) :].lstrip()
    return [*pieces, rest]


def _side_by_side(hunk: Hunk, cells: int) -> list[Row]:
    half = (cells - 3) // 2
    rows: list[Row] = []
    old: list[str] = []
    new: list[str] = []

    def flush(roles: tuple[str, str]) -> None:
        for left, right in zip_longest(old, new, fillvalue=""):
            for a, b in zip_longest(_broken(left, half), _broken(right, half), fillvalue=""):
                rows.append(row((pad(a, half), roles[0]), (" | ", "frame"), (b, roles[1])))
        old.clear()
        new.clear()

    for line in hunk.lines:
        text = _shown(line)
        if text[:1] in ("-", "+"):
            (old if text.startswith("-") else new).append(text)
            continue
        flush(("del", "add"))
        old.append(text)
        new.append(text)
        flush(("muted", "muted"))
    flush(("del", "add"))
    return rows
