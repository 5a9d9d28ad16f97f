"""GPU nodes as rows of a table: order, filter, columns. Pure, and quick for thousands of nodes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import msgspec

from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Guarantee, Inventory, Pool
from modelcar_tui.core.counting import several
from modelcar_tui.supervisor import RunState
from modelcar_tui.tui import format as f
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.lately import Lately
from modelcar_tui.tui.patterns import Filter
from modelcar_tui.tui.rows import Row, Span, crop_middle, pad, width
from modelcar_tui.verdict import DecisionReport, ModelVerdict

_WHOLE = ("whole", "sharing unknown", "not offered")


class GpuRow(msgspec.Struct, frozen=True):
    """One resource of one node."""

    name: str
    product: str
    resource: str
    free: int | None
    total: int
    mem_mib: int | None
    mem_from: str
    guarantee: Guarantee
    how: str
    """How its cards are handed out, where not whole: `time-sliced x4`, `MIG 3g.40gb`, ...; else empty."""
    unit: str
    """What one of its units is called: `GPU`, `MIG slice`, `share`."""
    shared: bool
    """Whether other units are of the same cards."""
    usable: bool
    why: str
    cc: str
    where: str
    models: tuple[str, ...] = ()
    """Models that would land here."""
    node: GpuNode | None = None
    """All that is known of the node."""

    @property
    def text(self) -> str:
        """What a filter looks at."""
        usable = "usable" if self.usable else "unusable"
        return (
            f"{self.name} {self.product} {self.resource} {self.where} {self.why} {usable} "
            f"{' '.join(self.models)}"
        )


def gpu_rows(state: RunState) -> list[GpuRow]:
    """All rows in the inventory's order; not to be changed."""
    return _rows(state.cluster, state.decision) if state.cluster is not None else []


@Lately
def _rows(report: AcceleratorReport, decision: DecisionReport | None) -> list[GpuRow]:
    lands: dict[str, list[ModelVerdict]] = {}
    for model in decision.models if decision else ():
        for node in model.nodes:
            lands.setdefault(node, []).append(model)
    return [line for node in report.inventory.nodes for line in _of(node, lands.get(node.name, []))]


def _of(node: GpuNode, lands: list[ModelVerdict]) -> list[GpuRow]:
    where = " ".join(part for part in (node.instance_type, node.provider, node.region) if part)
    # The engine has read this by then; the first frame must not.
    from modelcar_tui.cluster import handed_out

    rows = []
    for pool, how in handed_out(node):
        here = [model for model in lands if len(node.pool) == 1 or _lands_on(node, pool, model)]
        models = tuple(model.model for model in here) if node.pool else ()
        rows.append(_row(node, pool, how, where, models))
    return rows


def _lands_on(node: GpuNode, pool: Pool, model: ModelVerdict) -> bool:
    """Whether this pool's unit is the one that the model was compared with: nodes may carry cards of several
    kinds, and slices."""
    card = node.card(pool)
    if model.product and model.product != (card.product or card.vendor):
        return False
    unit = model.gpu_gib.value
    return unit is None or pool.mem_mib is None or abs(pool.mem_mib / 1024 - unit) <= 0.1 * unit


def _row(node: GpuNode, pool: Pool, how: str, where: str, models: tuple[str, ...]) -> GpuRow:
    # The engine has read this by then; the first frame must not.
    from modelcar_tui.cluster import unit_of

    card = node.card(pool)
    return GpuRow(
        name=node.name,
        product=card.product or card.vendor,
        resource=pool.resource,
        free=pool.free,
        total=pool.units,
        mem_mib=pool.mem_mib,
        mem_from=pool.mem_from,
        guarantee=pool.mem_guarantee,
        how="" if how.startswith(_WHOLE) else how,
        unit=unit_of(card.vendor, how),
        shared=pool.mem_guarantee in (Guarantee.NONE, Guarantee.HARD_SHARE) or how.startswith("shared"),
        usable=node.usable,
        why=node.why,
        cc=card.cc or "",
        where=where,
        models=models,
        node=node,
    )


_ORDERS: dict[str, Callable[[GpuRow], tuple[Any, ...]]] = {
    "place": lambda line: (not line.models, not line.usable),
    "name": lambda line: (line.name,),
    "product": lambda line: (line.product, line.name),
    "free": lambda line: (line.free is None, -(line.free or 0), line.name),
    "memory": lambda line: (line.mem_mib is None, -(line.mem_mib or 0), line.name),
    "usable": lambda line: (not line.usable, line.name),
}
SORTS = tuple(_ORDERS)
SORTED_BY = {
    "place": "where models go",
    "name": "node",
    "product": "GPU",
    "free": "what is free",
    "memory": "memory",
    "usable": "usable or not",
}
"""What the rows are sorted by, as the table says it."""


def arrange(rows: list[GpuRow], sort: str, wanted: Filter | None) -> list[GpuRow]:
    """The rows that pass, in the wanted order; unknown comes last."""
    chosen = [line for line in rows if wanted is None or wanted.matches(line.text)]
    return sorted(chosen, key=_ORDERS.get(sort, _ORDERS["place"]))


class Columns(msgspec.Struct, frozen=True):
    """Widths of the columns; 0 hides one."""

    name: int
    product: int
    bar: int
    amount: int
    cc: int
    where: int
    hosts: bool = False
    """Whether names are shown without their domains, for there is little room and they still differ."""

    def short(self, name: str) -> str:
        """A node's name as the table shows it."""
        return name.partition(".")[0] if self.hosts else name


def hosts_differ(names: Collection[str]) -> bool:
    """Whether the names still differ without their domains; addresses are no names."""
    whole = set(names)
    hosts = {name.partition(".")[0] for name in whole}
    return (
        len(hosts) == len(whole) and any("." in name for name in whole) and not any(map(str.isdecimal, hosts))
    )


def columns(rows: list[GpuRow], cells: int, *, grouping: str = "") -> Columns:
    """Columns for `cells`: what matters least goes first, names are cut last, the note keeps some room.

    In groups the amounts have room for sums; by product the headings tell the product.
    """
    names = [line.name for line in rows]
    name = _widest(names, 4)
    product = _widest([line.product for line in rows], 3)
    if grouping == "product":
        name, product = max(name, product + 12), 0
    amount = _widest([amount_text(line.free, line.total) for line in rows], 3) + bool(grouping) * 2
    where = min(_widest([line.where for line in rows], 0), 34)
    bar, cc, note = 8, 4, 24

    def total() -> int:
        optional = sum(column + 2 for column in (product, cc, where) if column)
        return 2 + name + 2 + max(8, bar + 1 + amount) + 10 + 2 + optional + note

    hosts = total() > cells and hosts_differ(names)
    if hosts:
        name = _widest([name.partition(".")[0] for name in names], 4)
        name = max(name, 26) if grouping == "product" else name
    if total() + 20 > cells:  # a whole note is worth more than the place
        where = 0
    if total() > cells:
        cc = 0
    if total() > cells:
        bar, note = 4, 16
    # Of a long name both ends are shown, which tells more than half a product; bar and note go before either.
    for least_name, least_product in ((18, 14), (12, 8), (8, 8)):
        name -= min(max(0, total() - cells), max(0, name - least_name))
        product -= min(max(0, total() - cells), max(0, product - least_product))
        if total() > cells:
            bar, note = 0, 8
    return Columns(name, product, bar, amount, cc, where, hosts)


def legend(glyphs: Glyphs, cols: Columns) -> str:
    """What the table's sign and its short column title stand for."""
    return f"{glyphs.land} a model goes here" + (", CC compute capability" if cols.cc else "")


def _widest(texts: list[str], default: int) -> int:
    return max(map(width, texts), default=default)


def _free_cells(cols: Columns) -> int:
    return max(8, (cols.bar + 1 if cols.bar else 0) + cols.amount)


def head_row(cols: Columns, sort: str = "") -> Row:
    """The column titles, with the one that the rows are ordered by marked."""

    def title(text: str, by: str) -> Span:
        return text, "accent" if by == sort else "muted"

    spans: list[Span] = [
        ("  ", "muted"),
        title(pad("NODE", cols.name), "name"),
        ("  ", "muted"),
        title(f"{pad('GPU', cols.product)}  " if cols.product else "", "product"),
        title(pad("FREE/ALL", _free_cells(cols)), "free"),
        title(f"  {'MEMORY':>8}  ", "memory"),
    ]
    spans += [(f"{pad('CC', cols.cc)}  ", "muted")] if cols.cc else []
    spans += [(f"{pad('WHERE', cols.where)}  ", "muted")] if cols.where else []
    return Row((*spans, title("NOTE", "usable")))


def table_row(line: GpuRow, cols: Columns, cells: int, glyphs: Glyphs, *, chosen: bool) -> Row:
    """One node's resource: landing mark, name, product, free of all, memory, note."""
    tone = "text" if line.usable else "muted"
    mark = (glyphs.land, "accent") if line.models else (" " if line.usable else glyphs.failed, "bad")
    spans: list[Span] = [
        mark,
        (" ", tone),
        (pad(crop_middle(cols.short(line.name), cols.name, glyphs.ellipsis), cols.name), tone),
        ("  ", tone),
    ]
    if cols.product:
        spans += [(pad(line.product, cols.product, "<", glyphs.ellipsis), tone), ("  ", tone)]
    spans += amount_spans(line.free, line.total, cols, glyphs, usable=line.usable)
    memory = f"{f.mib(line.mem_mib):>8}"
    spans.append((f"  {memory}  ", tone if line.mem_mib else "warn"))
    if cols.cc:
        spans.append((f"{pad(line.cc, cols.cc)}  ", "muted"))
    if cols.where:
        spans.append((f"{pad(line.where, cols.where, '<', glyphs.ellipsis)}  ", "muted"))
    spans.append(_note(line, glyphs))
    return Row(tuple(spans), "cursor" if chosen else "")


def amount_text(free: int | None, total: int) -> str:
    """`5/8`, or `?/8` where it is unknown what is free."""
    return f"{'?' if free is None else free}/{total}"


def amount_spans(free: int | None, total: int, cols: Columns, glyphs: Glyphs, *, usable: bool) -> list[Span]:
    """A bar of free against all units, and the numbers."""
    text = amount_text(free, total)
    spans: list[Span] = []
    if cols.bar:
        if free is None:
            spans.append((glyphs.bar_unknown * cols.bar, "faint"))
        else:
            full, rest = f.bar(free, total, cols.bar, glyphs)
            spans += [(full, "free" if usable else "faint"), (rest, "faint")]
        spans.append((" ", "text"))
    room = _free_cells(cols) - (cols.bar + 1 if cols.bar else 0)
    return [*spans, (f"{text:<{room}}", "warn" if free is None else "text" if usable else "muted")]


def _note(line: GpuRow, glyphs: Glyphs) -> Span:
    if line.models:
        return ", ".join(line.models), "accent"
    if line.why:
        return line.why, "warn" if line.usable else "bad"
    if line.shared:
        return line.how, "warn"
    if line.resource and not line.resource.endswith("/gpu"):
        return line.resource, "muted"
    if line.mem_mib is not None and line.mem_from not in ("label", "operator", "dra"):
        return f"memory from {line.mem_from}", "muted"
    return "", "muted"


@Lately
def _totals(inventory: Inventory) -> tuple[str, int]:
    # The engine has read this by then; the first frame must not.
    from modelcar_tui.cluster import card_totals

    told = card_totals(inventory)
    return told.free_told, told.nodes


def summary(state: RunState) -> str:
    """How much is free on how many nodes, for the table's frame."""
    if state.cluster is None:
        return ""
    inventory = state.cluster.inventory
    if not inventory.known:
        return "could not look"
    free, nodes = _totals(inventory)
    partial = ", partial" if inventory.partial else ""
    return f"{free}, {several(nodes, 'node')}{partial}"
