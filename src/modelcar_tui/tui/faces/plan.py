"""The proposed changes in brief: what is required first, each row with its box; the rest counted."""

from __future__ import annotations

from collections import Counter

from modelcar_tui.manifest import Change, Operation
from modelcar_tui.supervisor import RunState
from modelcar_tui.tui.faces.page import change_spans
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import EMPTY, Row, Span, crop_middle, row, width

_DONE = {Operation.REMOVE: "removed", Operation.ADD: "added"}


def plan_rows(state: RunState, cells: int, glyphs: Glyphs, height: int = 99) -> list[Row]:
    """A row a change, tied ones together; where the room is short the cosmetic ones are only counted."""
    report = state.decision
    if report is None or not report.plan.changes:
        return []
    units = tied(report.plan.changes)
    needed = [unit for unit in units if unit[0].severity == "required"]
    other = [unit for unit in units if unit[0].severity != "required"]
    rows = [_unit(state, unit, cells, glyphs) for unit in needed]
    if not other:
        return rows
    if len(rows) + 1 + len(other) > height:
        return [*rows, row((f"{glyphs.folded} {counted([c for unit in other for c in unit])}", "muted"))]
    head = f"{len(other)} that change no verdict" if needed else "none is required"
    return [*rows, row((head, "muted")), *(_unit(state, unit, cells, glyphs) for unit in other)]


def tied(changes: tuple[Change, ...]) -> list[tuple[Change, ...]]:
    """The changes, those together that make sense only together; in the plan's order."""
    known = {change.id: change for change in changes}
    seen: set[str] = set()
    units: list[tuple[Change, ...]] = []
    for change in changes:
        if change.id not in seen:
            unit = (change, *(known[i] for i in change.together_with if i in known and i not in seen))
            seen |= {one.id for one in unit}
            units.append(unit)
    return units


def counted(changes: list[Change]) -> str:
    """`6 that change no verdict: 4 removed, 2 set`."""
    kinds = Counter(_DONE.get(change.operation, "set") for change in changes)
    told = ", ".join(f"{count} {word}" for word, count in kinds.most_common())
    return f"{len(changes)} that change{'s' * (len(changes) == 1)} no verdict: {told}"


def _unit(state: RunState, unit: tuple[Change, ...], cells: int, glyphs: Glyphs) -> Row:
    mark, role = _mark(state, unit)
    spans: list[Span] = [(f"{mark} ", role)]
    what: list[Span] = []
    for at, change in enumerate(unit):
        # What is added has a plus of its own.
        what += [(" " if change.operation is Operation.ADD else ", ", "muted")] if at else []
        what += change_spans(change, glyphs)
    need = sum(width(text) for text, _ in what)
    room = max(10, cells - len(mark) - 3 - need)
    name = crop_middle(unit[0].model, min(room, 26), glyphs.ellipsis)
    return Row((*spans, (f"{name}  ", "text"), *what))


def _mark(state: RunState, unit: tuple[Change, ...]) -> Span:
    answer = state.answer
    if answer is None:
        return "[ ]", "warn"
    taken = answer.write and all(change.id in answer.accepted for change in unit)
    return ("[x]", "ok") if taken else ("[-]", "skip")


def plan_title(state: RunState) -> tuple[Row, Row]:
    """What the panel is called, and how far it is."""
    report = state.decision
    count = len(report.plan.changes) if report is not None else 0
    if state.written is not None:
        return row(("changes", "title")), row((f"{state.written.changes} of {count} written", "ok"))
    if state.answer is not None:
        return row(("changes", "title")), row(("rejected", "skip"))
    needed = sum(c.severity == "required" for c in report.plan.changes) if report is not None else 0
    told = f"{needed} required, {count - needed} other" if needed else f"{count} proposed"
    return row(("changes", "title")), row((told, "need" if needed else "muted")) if count else EMPTY
