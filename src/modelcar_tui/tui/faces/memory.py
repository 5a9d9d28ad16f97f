"""Memory of one GPU as a bar, and the terms of a sum."""

from __future__ import annotations

from modelcar_tui.core.counting import several
from modelcar_tui.core.facts import Fact, Source, Term
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import Row, Span, pad, paragraph, row, spans_width, width
from modelcar_tui.verdict import ModelVerdict

ASCII_PARTS = dict(zip("█▓▒▚▄", "WAOGK", strict=True))
PARTS = (
    ("weights", "weights_gib", "used", "█"),
    ("activation", "activation_gib", "warn", "▓"),
    ("other", "non_torch_gib", "muted", "▒"),
    ("graphs", "cuda_graph_gib", "badge", "▚"),
    ("KV", "kv_available_gib", "ok", "▄"),
)

MEASURED, GUESSED = "=", "~"
"""Before a figure of a start that was measured, before a guess; without a sign it is computed."""


def memory_rows(label: str, model: ModelVerdict | None, cells: int, glyphs: Glyphs) -> list[Row]:
    """A bar of what fills one GPU and its legend; nothing when the parts are not known."""
    if model is None or model.estimate is None or not model.gpu_gib.value:
        return []
    whole = model.gpu_gib.value
    parts = [(name, getattr(model.estimate, field), role, sign) for name, field, role, sign in PARTS]
    known = [(name, fact, role, sign) for name, fact, role, sign in parts if fact.value and fact.value > 0]
    if not known:
        return []
    room = max(10, cells - 6)
    spans: list[Span] = [(f"{label:<6}", "muted")]
    legend: list[tuple[Span, Span]] = []
    used = 0
    for name, fact, role, sign in known:
        length = min(room - used, max(1, round(fact.value / whole * room)))
        mark = ASCII_PARTS[sign] if glyphs.ascii else sign
        spans.append((mark * length, role))
        legend.append(((f"{mark} {name} ", role), (f"{sign_of(fact)}{fact.value:.1f}  ", "muted")))
        used += length
    spans.append((glyphs.bar_empty * (room - used), "faint"))
    legend.append((("of ", "muted"), (f"{whole:.0f} GiB", "muted")))
    legend += _signs([fact for _, fact, _, _ in known])
    tokens = model.estimate.kv_tokens.least
    concurrency = model.estimate.max_concurrency.least
    rows = [Row(tuple(spans)), *_legend(legend, cells)]
    if tokens is not None:
        many = f", {concurrency:.1f} full requests" if concurrency is not None else ""
        how = ", measured" if model.estimate.kv_tokens.source is Source.MEASURED else ""
        rows.append(row((f"      KV for {several(round(tokens), 'token')}{many}{how}", "muted")))
    return rows


def sign_of(fact: Fact[float]) -> str:
    """What stands before a figure: how it is known."""
    if fact.guess:
        return GUESSED
    return MEASURED if fact.source is Source.MEASURED else ""


def _signs(facts: list[Fact[float]]) -> list[tuple[Span, Span]]:
    """What the signs mean, where one of them is a measurement."""
    found = {sign_of(fact) for fact in facts}
    if MEASURED not in found:
        return []
    told = [f"{MEASURED} measured"]
    told += [f"{GUESSED} guessed"] if GUESSED in found else []
    told += ["the rest computed"] if "" in found else []
    return [(("  ", ""), (", ".join(told), "muted"))]


def _legend(items: list[tuple[Span, Span]], cells: int) -> list[Row]:
    rows: list[Row] = []
    line: list[Span] = [(" " * 6, "text")]
    for item in items:
        if spans_width(line) + spans_width(item) > cells and len(line) > 1:
            rows.append(Row(tuple(line)))
            line = [(" " * 6, "text")]
        line += item
    return [*rows, Row(tuple(line))]


def term_rows(terms: tuple[Term, ...], cells: int, glyphs: Glyphs) -> list[Row]:
    """The terms of a sum: label, value, unit, source, and the note below."""
    from modelcar_tui.report import number

    labels = min(max((width(term.label) for term in terms), default=0), max(10, cells // 2 - 4))
    rows: list[Row] = []
    for term in terms:
        rows.append(
            row(
                "  ",
                pad(term.label, labels, "<", glyphs.ellipsis),
                (f"  {number(term.value):>9} {term.unit:<7}", "strong"),
                (f" {term.source.value}", "muted"),
            )
        )
        if term.note:
            rows += paragraph(term.note, cells, "faint", indent=4)
    return rows
