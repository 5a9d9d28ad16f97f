"""What was measured of a model on the page of it: the start, its figures beside the predicted ones."""

from __future__ import annotations

from modelcar_tui.core.counting import several
from modelcar_tui.core.text import reveal
from modelcar_tui.report import StartFigure, estimate_basis, predicted_words, start_figures, start_line
from modelcar_tui.tui.rows import Row, labelled, pad, row, width
from modelcar_tui.verdict import ModelRequirements, ModelVerdict

_GAP = 2


def measured_rows(
    judged: ModelVerdict | None, read: ModelRequirements | None, now: float, cells: int, indent: int
) -> list[Row]:
    """The start that the estimate rests on; then how many others there are that say nothing of this one.

    Args:
        judged: the verdict with its estimate.
        read: the model with its measured starts.
        now: seconds since 1970, for the age.
        cells: width.
        indent: cells of the label.
    """
    estimate = judged.estimate if judged is not None else None
    starts = read.image.model.measured if read is not None else ()
    rows: list[Row] = []
    used = estimate.measured if estimate is not None else None
    if estimate is not None and used is not None:
        told = f"{start_line(used, now)}, {estimate_basis(estimate)}"
        rows += labelled("measured", told, cells, indent=indent)
        rows += labelled("vLLM said", reveal(used.error), cells, indent=indent, role="bad")
        rows += labelled("predicted", predicted_words(estimate), cells, indent=indent)
        rows += figure_rows(start_figures(used.figures, used.predicted_figures), cells, indent)
    others = [one for one in starts if used is None or one.id != used.id]
    if others:
        count = several(len(others), "more start" if used is not None else "start")
        text = f"{count} that {'do' if len(others) > 1 else 'does'} not fit here: agent measurements"
        rows += labelled("" if used is not None else "measured", text, cells, indent=indent, role="muted")
    return rows


def figure_rows(figures: tuple[StartFigure, ...], cells: int, indent: int) -> list[Row]:
    """A row a figure: what, measured, predicted, off; a line of text each where the columns have no room."""
    if not figures:
        return []
    heads = StartFigure("", "measured", "predicted", "prediction is")
    columns = [
        max(width(getattr(each, field)) for each in (heads, *figures))
        for field in ("name", "measured", "predicted", "off")
    ]
    least = sum(columns[:3]) + 2 * _GAP
    if least > cells - _GAP:
        return [line for each in figures for line in labelled("", each.line, cells, indent=_GAP)]
    indent = indent if least <= cells - indent else _GAP
    room = cells - indent
    with_off = sum(columns) + 3 * _GAP <= room
    return [
        _figure_row(each, columns, indent, role="muted" if each is heads else "text", off=with_off)
        for each in (heads, *figures)
    ]


def _figure_row(each: StartFigure, columns: list[int], indent: int, *, role: str, off: bool) -> Row:
    gap = " " * _GAP
    return row(
        (" " * indent + pad(each.name, columns[0]), "muted"),
        (f"{gap}{pad(each.measured or '-', columns[1], '>')}", role if each.measured else "muted"),
        (f"{gap}{pad(each.predicted or '-', columns[2], '>')}", "muted"),
        (f"{gap}{each.off}" if off else "", "muted"),
    )
