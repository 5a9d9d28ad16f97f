"""A frame around rows, drawn as rows: a changed title costs one row of output, not a pane."""

from __future__ import annotations

from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import Row, Span, crop, fit, spans_width


def framed(
    body: list[Row],
    total: int,
    glyphs: Glyphs,
    role: str,
    title: Row,
    right: Row,
    hint: Row,
    *,
    closed: bool = True,
) -> list[Row]:
    """`body` (each row `total - 4` cells) with `title` and `right` in the upper edge, `hint` in the lower.

    Where it is not `closed` the lower edge has its corners only: the next panel's upper edge follows, and a
    rule of 120 signs is 360 bytes on a slow line.
    """
    nw, ne, sw, se, flat, side = tuple(glyphs.frame)
    rows = [_edge(total, nw, ne, flat, role, title, right, glyphs)]
    rows += [Row(((side + " ", role), *line.spans, (" " + side, role)), line.over) for line in body]
    rows.append(_edge(total, sw, se, flat if closed else " ", role, Row(), hint, glyphs))
    return [fit(line, total, glyphs.ellipsis) for line in rows]


def _edge(
    total: int, west: str, east: str, flat: str, role: str, title: Row, right: Row, glyphs: Glyphs
) -> Row:
    # The title says what it is; what stands at the right gives way to it.
    least = min(spans_width(title.spans), total // 2) + 5
    told = fit(right, min(spans_width(right.spans), max(0, total - 5 - least)), glyphs.ellipsis)
    tail = _spaced(told.spans, role)
    room = total - 3 - spans_width(tail)
    head: list[Span] = []
    for text, text_role in title.spans:
        shown = crop(text, room - 2 - spans_width(head), glyphs.ellipsis)
        if shown:
            head.append((shown, text_role))
    lead = _spaced(tuple(head), role)
    rule = total - 2 - spans_width(lead) - spans_width(tail)
    return Row(((west, role), *lead, (flat * max(0, rule), role), *tail, (east, role)))


def _spaced(spans: tuple[Span, ...], role: str) -> tuple[Span, ...]:
    return ((" ", role), *spans, (" ", role)) if spans else ()
