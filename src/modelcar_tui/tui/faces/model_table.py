"""The table of models: which columns there is room for, and its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from modelcar_tui.tui import format as f
from modelcar_tui.tui.faces.kinds import KindColumn, kind_cell
from modelcar_tui.tui.faces.models import ModelGroup, ModelRow
from modelcar_tui.tui.faces.need import amount, bar_spans
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import Row, Span, crop_middle, fit, pad, spans_width, width
from modelcar_tui.verdict import Verdict, is_measured

Words = Mapping[str, Span]
"""What QA says of each model, in a word."""
_VERDICT = 11
_BAR = 12
_MOST_BAR = 26
_QA = 8
_PREDICTED = 11
_LEAST_NAME, _NAME = 14, 26
_LEAST_GPU = 7
_LEAST_BESIDE = 20


class Columns(msgspec.Struct, frozen=True):
    """Widths of the columns, each with the two blanks before it; 0 hides one."""

    name: int
    need: int
    bar: int
    gpu: int
    kinds: tuple[KindColumn, ...]
    more: int
    """Kinds for which there is no column."""
    predicted: int
    """What was decided before QA; 0 where QA has changed nothing."""
    qa: int
    titles: dict[str, str]
    """Short titles of all kinds, by their names."""


def columns(
    lines: Sequence[ModelRow | ModelGroup], kinds: tuple[KindColumn, ...], cells: int, *, qa: bool
) -> Columns:
    """What there is room for: name, verdict and need always; then QA, the bar, the GPU, a column a kind."""
    rows = [line.first if isinstance(line, ModelGroup) else line for line in lines]
    titles = {kind.name: kind.title for kind in kinds}
    longest = max(map(_name_cells, lines), default=0)
    longest = max(longest, width("MODEL") + 1)
    need = 2 + max((width(_need(line)[0]) for line in rows), default=5)
    name = min(longest, max(_LEAST_NAME, min(_NAME, cells - _VERDICT - need - _BAR)))
    name = min(name, max(5, cells - _VERDICT - need))
    left = cells - _VERDICT - name - need
    tested, predicted = _of_qa(rows, left) if qa else (0, 0)
    left -= tested + predicted
    bar = min(_BAR + 2, left) if left >= 8 + 2 else 0
    left -= bar
    shown = _with_room(kinds, left)
    more = len(kinds) - len(shown) if shown else 0
    left -= sum(kind.cells + 2 for kind in shown) + _more_cells(more)
    gpu = 0
    if kinds and not shown:
        wanted = 2 + max((width(_gpu(line, titles)) for line in rows), default=0)
        lent = max(0, min(wanted - left, name - _LEAST_BESIDE))  # half a card tells less than half a name
        name, left = name - lent, left + lent
        gpu = min(wanted, left) if min(wanted, left) >= _LEAST_GPU else 0
        left -= gpu
    wider = min(longest - name, left)
    name, left = name + wider, left - wider
    bar += min(left, _MOST_BAR - bar) if bar else 0
    return Columns(name, need, bar, gpu, shown, more, predicted, tested, titles)


def _of_qa(rows: Sequence[ModelRow], left: int) -> tuple[int, int]:
    """Cells of what QA says, and of what was predicted where it says something else."""
    tested = _QA if left >= _QA else 0
    changed = tested and any(line.judged is not None and line.judged.predicted for line in rows)
    return tested, _PREDICTED if changed and left - tested >= _PREDICTED else 0


def _with_room(kinds: tuple[KindColumn, ...], cells: int) -> tuple[KindColumn, ...]:
    """The first kinds, as many as there is room for beside the count of the others; none, or two and more."""
    for count in range(len(kinds), 1, -1):
        taken = sum(kind.cells + 2 for kind in kinds[:count])
        if taken + _more_cells(len(kinds) - count) <= cells:
            return kinds[:count]
    return ()


def _more_cells(more: int) -> int:
    return width(f"  +{more}") if more else 0


def _name_cells(line: ModelRow | ModelGroup) -> int:
    """What the name takes; a heading has its mark and how many it stands for before it."""
    return (
        width(line.name) if isinstance(line, ModelRow) else width(line.title) + 3 + len(str(len(line.rows)))
    )


def head_row(cols: Columns, *, judged: bool) -> Row:
    """The titles."""
    spans: list[Span] = [
        (pad("VERDICT", _VERDICT), "muted"),
        (pad("MODEL", cols.name), "muted"),
        (pad("NEEDS", cols.need, ">") if judged else " " * cols.need, "muted"),
        (f"  {pad('OF THE CARD' if cols.bar >= 13 else 'CARD', cols.bar - 2)}" if cols.bar else "", "muted"),
        (f"  {pad('GPU', cols.gpu - 2)}" if cols.gpu else "", "muted"),
    ]
    spans += [(f"  {pad(kind.title, kind.cells)}", "muted") for kind in cols.kinds]
    spans.append((f"  +{cols.more}" if cols.more else "", "faint"))
    if not cols.qa:
        return Row(tuple(spans))
    return _with_end(
        spans, [(f"  {pad('PREDICTED', 9)}" if cols.predicted else "", "muted"), ("  QA", "muted")], cols
    )


def free_row(cols: Columns, glyphs: Glyphs) -> Row:
    """What is free of each kind, under its column."""
    lead = _VERDICT + cols.name + cols.need + cols.bar + cols.gpu
    spans: list[Span] = [(pad("free", lead, ">") if lead >= 6 else "", "muted")]
    for kind in cols.kinds:
        role = "warn" if not kind.free else "free"
        spans.append((f"  {pad(kind.amount, kind.cells)}", role))
    return Row(tuple(spans))


def table_row(
    line: ModelRow | ModelGroup, cols: Columns, glyphs: Glyphs, qa: Words | None = None, *, chosen: bool
) -> Row:
    """One model, or one group of them; `qa` has a word of each that is tested."""
    one = line.first if isinstance(line, ModelGroup) else line
    name, role = _name(line, cols.name, glyphs), "title" if isinstance(line, ModelGroup) else "text"
    spans: list[Span] = [*_verdict(one, glyphs), (name, role)]
    text, tone = _need(one)
    spans.append((pad(text, cols.need, ">"), tone))
    if one.judged is None:
        spans.append((f"  {one.stage}", "muted"))
        return Row(tuple(spans), "cursor" if chosen else "")
    if cols.bar:
        spans += [("  ", ""), *bar_spans(one.judged, cols.bar - 2, glyphs)]
    if cols.gpu:
        spans.append(
            (
                f"  {pad(crop_middle(_gpu(one, cols.titles), cols.gpu - 2, glyphs.ellipsis), cols.gpu - 2)}",
                "text",
            )
        )
    for kind in cols.kinds:
        mark, mark_role = kind_cell(one.judged, kind.name, glyphs)
        spans.append((f"  {pad(mark, kind.cells)}", mark_role))
    if cols.qa:
        word, role = _qa(line, qa or {})
        return _with_end(spans, [*_predicted(one, cols, glyphs), (f"  {word}", role)], cols, chosen=chosen)
    return Row(tuple(spans), "cursor" if chosen else "")


def _with_end(spans: list[Span], end: list[Span], cols: Columns, *, chosen: bool = False) -> Row:
    """What was predicted, and what QA says, at the right of the other columns."""
    lead = _VERDICT + cols.name + cols.need + cols.bar + cols.gpu
    lead += sum(kind.cells + 2 for kind in cols.kinds) + _more_cells(cols.more)
    body = fit(Row(tuple(spans)), max(lead, spans_width(spans)))
    return Row((*body.spans, *end), "cursor" if chosen else "")


def _predicted(one: ModelRow, cols: Columns, glyphs: Glyphs) -> list[Span]:
    """The verdict before QA, where QA's result stands in its place now."""
    if not cols.predicted:
        return []
    before = one.judged.predicted if one.judged is not None else None
    if before is None:
        return [(" " * cols.predicted, "")]
    return [(f"  {pad(f'{before} {glyphs.verdict(before)}', cols.predicted - 2)}", f.VERDICT_ROLE[before])]


def _verdict(one: ModelRow, glyphs: Glyphs) -> tuple[Span, ...]:
    if one.verdict is None:
        return ((pad(f"{glyphs.waiting}", _VERDICT), "wait"),)
    role = f.VERDICT_ROLE[one.verdict]
    return ((pad(f"{one.verdict} {glyphs.verdict(one.verdict)}", _VERDICT), role),)


def _name(line: ModelRow | ModelGroup, cells: int, glyphs: Glyphs) -> str:
    if isinstance(line, ModelGroup):
        lead = f"{glyphs.unfolded if line.open else glyphs.folded} {len(line.rows)} "
        name, plus, others = line.title.rpartition(" +")
        name, end = (name, plus + others) if plus else (line.title, "")
        return pad(lead + crop_middle(name, cells - width(lead + end), glyphs.ellipsis) + end, cells)
    return pad(crop_middle(line.name, cells, glyphs.ellipsis), cells)


def _need(one: ModelRow) -> Span:
    if one.judged is None:
        return "", "muted"
    return amount(one.judged.needed_gib, one.judged.gpus, measured=is_measured(one.judged.estimate))


def _gpu(one: ModelRow, titles: dict[str, str]) -> str:
    """The card that it was compared with, by its column's title."""
    if one.judged is None or not one.gpu:
        return "no GPU" if one.verdict is Verdict.NO_GO else "unknown"
    memory = one.judged.gpu_gib.value
    return titles.get(f"{one.gpu} {memory:.0f} GiB" if memory else one.gpu, one.gpu)


def _qa(line: ModelRow | ModelGroup, words: Words) -> Span:
    if not isinstance(line, ModelGroup):
        return words.get(line.name, ("-", "muted"))
    told = [words.get(one.name, ("-", "muted")) for one in line.rows]
    bad = [word for word in told if word[1] == "bad"]
    return (f"{len(bad)} failed", "bad") if bad else max(told, key=told.count)
