"""Where the numbers come from: the facts behind a pane, each with source, age and terms."""

from __future__ import annotations

from collections.abc import Sequence

from modelcar_tui.core.facts import Source
from modelcar_tui.core.text import reveal
from modelcar_tui.report import Known, facts_of
from modelcar_tui.tui import format as f
from modelcar_tui.tui.faces.memory import term_rows
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import EMPTY, Row, pad, paragraph, row, spans_width, width

__all__ = ["Known", "explain_rows", "fact_row", "fact_widths", "facts_of"]
_GUESS = len("guess ")


def fact_widths(shown: Sequence[Known], cells: int, now: float, glyphs: Glyphs) -> tuple[int, int]:
    """Cells of the labels and of the values: what `shown` needs, as far as there is room beside the
    sources."""
    guessed = _GUESS * any(known.fact.guess for known in shown)
    sources = max((width(f.origin(known.fact, now, glyphs)) for known in shown), default=0)
    room = cells - 6 - guessed - min(sources, cells // 3)
    label = max((width(known.label) for known in shown), default=0)
    amount = max((width(f.value(known.fact, glyphs)) for known in shown), default=0)
    labels = min(label, max(room // 2, room - amount))
    return labels, min(amount, room - labels)


def fact_row(known: Known, widths: tuple[int, int], now: float, glyphs: Glyphs, *, chosen: bool) -> Row:
    """One line: label, value, badge, source and age; `widths` of the first two as `fact_widths` has them."""
    fact = known.fact
    role = "strong" if fact.known else "warn"
    return row(
        "  ",
        pad(known.label, widths[0], "<", glyphs.ellipsis),
        ("  ", "text"),
        (pad(f.value(fact, glyphs), widths[1], "<", glyphs.ellipsis), role),
        ("  guess " if fact.guess else "  ", "badge"),
        (f.origin(fact, now, glyphs), "muted"),
        over="cursor" if chosen else "",
    )


def explain_rows(known: Known, cells: int, now: float, glyphs: Glyphs) -> list[Row]:
    """Everything about one fact."""
    fact = known.fact
    amount = f.value(fact, glyphs)
    rows = [row((known.group, "muted")), row((known.label, "title"), f"  {amount}")]
    if spans_width(rows[-1].spans) > cells:
        rows[-1:] = [row((known.label, "title")), *paragraph(amount, cells, indent=2)]
    if known.says:
        rows += paragraph(reveal(known.says), cells)
    source = f.origin(fact, now, glyphs)
    if source:
        rows.append(row(("source   ", "muted"), source))
    if fact.guess:
        rows.append(row(("this is a guess, not a measurement", "badge")))
    elif fact.source is Source.MEASURED:
        rows.append(row(("this was measured by a start of vLLM on the GPU", "ok")))
    if fact.note:
        rows += paragraph(fact.note, cells, "text" if fact.known else "warn")
    if fact.terms:
        rows += [EMPTY, row(("the sum", "muted")), *term_rows(fact.terms, cells, glyphs)]
    elif fact.known and source not in fact.source.told:
        rows.append(row((fact.source.told, "faint")))
    return rows
