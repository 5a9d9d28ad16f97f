"""GPU rows under headings: by product, or by node. Pure, and quick for thousands of nodes."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from modelcar_tui.core.counting import several
from modelcar_tui.tui import format as f
from modelcar_tui.tui.faces.gpus import Columns, GpuRow, amount_spans, amount_text
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import Row, Span, pad

GROUPINGS = ("", "product", "node")
OPEN_AT_MOST = 60
"""Rows up to which groups begin unfolded."""


class Group(msgspec.Struct):
    """A heading, and what it stands for."""

    key: str
    title: str
    mem_mib: int | None = None
    rows: list[GpuRow] = msgspec.field(default_factory=list)
    open: bool = True

    @property
    def name(self) -> str:
        """Of the heading."""
        return self.title

    @property
    def text(self) -> str:
        """What copying takes."""
        free, total = self.amount
        return f"{self.title} {amount_text(free, total)} on {several(self.nodes, 'node')}"

    @property
    def nodes(self) -> int:
        """Different nodes."""
        return len({line.name for line in self.rows})

    @property
    def amount(self) -> tuple[int | None, int]:
        """Free and all units of its usable nodes; free is None where those of one are unknown."""
        usable = [line for line in self.rows if line.usable]
        unknown = any(line.free is None for line in usable)
        return None if unknown else sum(line.free or 0 for line in usable), sum(line.total for line in usable)

    @property
    def unit(self) -> str:
        """What one of its units is called; `device` where they are not alike."""
        units = {line.unit for line in self.rows}
        return units.pop() if len(units) == 1 else "device"

    @property
    def models(self) -> tuple[str, ...]:
        """Models that would land on one of its nodes."""
        return tuple(dict.fromkeys(model for line in self.rows for model in line.models))


def group(rows: list[GpuRow], by: str, turned: Collection[str]) -> list[GpuRow | Group]:
    """Headings with their rows beneath; in the rows' order.

    Args:
        rows: filtered and in order.
        by: one of `GROUPINGS`.
        turned: keys of the groups that the operator folded, or unfolded where they begin folded.
    """
    if not by:
        return list(rows)
    groups: dict[str, Group] = {}
    for line in rows:
        key, title = (line.name, line.name) if by == "node" else _kind(line)
        groups.setdefault(key, Group(key, title, line.mem_mib if by == "product" else None)).rows.append(line)
    begin_open = len(rows) <= OPEN_AT_MOST
    out: list[GpuRow | Group] = []
    for one in groups.values():
        one.open = begin_open is not (one.key in turned)
        out.append(one)
        if one.open:
            out += one.rows
    return out


def _kind(line: GpuRow) -> tuple[str, str]:
    """Rows of one product, unit size and kind of sharing belong together."""
    title = f"{line.product} {line.how}".strip()
    return f"{title} {line.mem_mib}", title


def group_row(one: Group, cols: Columns, glyphs: Glyphs, *, chosen: bool) -> Row:
    """A heading: fold mark, title, free of all, memory, how many nodes, which models go there."""
    free, total = one.amount
    room = 2 + cols.name + (cols.product + 2 if cols.product else 0)
    mark = glyphs.unfolded if one.open else glyphs.folded
    spans: list[Span] = [
        (f"{mark} ", "accent"),
        (pad(one.title, room - 2, "<", glyphs.ellipsis), "title"),
        ("  ", ""),
    ]
    spans += amount_spans(free, total, cols, glyphs, usable=total > 0)
    spans.append((f"  {f.mib(one.mem_mib) if one.mem_mib else '':>8}  ", "muted"))
    spans.append((" " * sum(column + 2 for column in (cols.cc, cols.where) if column), "muted"))
    out = len({line.name for line in one.rows if not line.usable})
    note = several(one.nodes, "node") + (f", {out:,} not usable" if out else "")
    spans.append((note, "bad" if out == one.nodes else "muted"))
    if one.models:
        spans.append((f"  {glyphs.land} {', '.join(one.models)}", "accent"))
    return Row(tuple(spans), "cursor" if chosen else "")
