"""GPU nodes as rows of a table: order, filter, columns. Pure, and quick for thousands of nodes."""

from __future__ import annotations

import msgspec

from modelcar_tui.cluster.types import GpuNode, Guarantee, Pool
from modelcar_tui.supervisor.reports import ModelVerdict
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.tui import format as f
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.patterns import Filter
from modelcar_tui.tui.rows import Row, Span, crop_middle, pad, width

SORTS = ("place", "name", "product", "free", "memory", "usable")


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
    usable: bool
    why: str
    cc: str
    where: str
    models: tuple[str, ...] = ()
    """Models that would land here."""

    @property
    def text(self) -> str:
        """What a filter looks at."""
        usable = "usable" if self.usable else "unusable"
        return (
            f"{self.name} {self.product} {self.resource} {self.where} {self.why} {usable} {' '.join(self.models)}"
        )


def gpu_rows(state: RunState) -> list[GpuRow]:
    """All rows in the inventory's order."""
    if state.cluster is None:
        return []
    lands: dict[str, list[ModelVerdict]] = {}
    for model in state.decision.models if state.decision else ():
        for node in model.nodes:
            lands.setdefault(node, []).append(model)
    return [line for node in state.cluster.inventory.nodes for line in _of(node, lands.get(node.name, []))]


def _of(node: GpuNode, lands: list[ModelVerdict]) -> list[GpuRow]:
    where = " ".join(part for part in (node.instance_type, node.provider, node.region) if part)
    if not node.pool:
        return [_row(node, Pool(resource="", units=0), where, ())]
    rows = []
    for pool in node.pool:
        models = tuple(model.model for model in lands if len(node.pool) == 1 or _lands_on(pool, model))
        rows.append(_row(node, pool, where, models))
    return rows


def _lands_on(pool: Pool, model: ModelVerdict) -> bool:
    """Whether this pool's unit is the one that the model was compared with: nodes may carry cards and slices."""
    unit = model.gpu_gib.value
    return unit is None or pool.mem_mib is None or abs(pool.mem_mib / 1024 - unit) <= 0.1 * unit


def _row(node: GpuNode, pool: Pool, where: str, models: tuple[str, ...]) -> GpuRow:
    return GpuRow(
        name=node.name, product=node.product or node.vendor, resource=pool.resource, free=pool.free,
        total=pool.units, mem_mib=pool.mem_mib, mem_from=pool.mem_from, guarantee=pool.mem_guarantee,
        usable=node.usable, why=node.why, cc=node.cc or "", where=where, models=models,
    )  # fmt: skip


def arrange(rows: list[GpuRow], sort: str, wanted: Filter | None) -> list[GpuRow]:
    """The rows that pass, in the wanted order; unknown comes last."""
    chosen = [line for line in rows if wanted is None or wanted.matches(line.text)]
    match sort:
        case "name":
            chosen.sort(key=lambda line: line.name)
        case "product":
            chosen.sort(key=lambda line: (line.product, line.name))
        case "free":
            chosen.sort(key=lambda line: (line.free is None, -(line.free or 0), line.name))
        case "memory":
            chosen.sort(key=lambda line: (line.mem_mib is None, -(line.mem_mib or 0), line.name))
        case "usable":
            chosen.sort(key=lambda line: (not line.usable, line.name))
        case _:
            chosen.sort(key=lambda line: (not line.models, not line.usable))
    return chosen


class Columns(msgspec.Struct, frozen=True):
    """Widths of the columns; 0 hides one."""

    name: int
    product: int
    bar: int
    amount: int
    cc: int
    where: int


def columns(rows: list[GpuRow], cells: int) -> Columns:
    """Columns for `cells`: what matters least goes first, names are cut last, the note keeps some room."""
    name = max((width(line.name) for line in rows), default=4)
    product = max((width(line.product) for line in rows), default=3)
    amount = max((len(f"{line.free}/{line.total}") for line in rows if line.free is not None), default=3)
    where = max((width(line.where) for line in rows), default=0)
    bar, cc, note = 8, 4, 24
    where = min(where, 34)

    def total() -> int:
        extra = (cc + 2 if cc else 0) + (where + 2 if where else 0)
        return 2 + name + 2 + product + 2 + max(8, bar + 1 + amount) + 10 + 2 + extra + note

    if total() > cells:
        where = 0
    if total() > cells:
        cc = 0
    if total() > cells:
        bar, note = 4, 16
    if total() > cells:
        bar = 0
    over = total() - cells
    if over > 0:
        cut = min(over, max(0, product - 8))
        product -= cut
        name = max(8, name - (over - cut))
    return Columns(name, product, bar, amount, cc, where)


def _free_cells(cols: Columns) -> int:
    return max(8, (cols.bar + 1 if cols.bar else 0) + cols.amount)


def head_row(cols: Columns) -> Row:
    """The column titles."""
    text = f"  {pad('NODE', cols.name)}  {pad('GPU', cols.product)}  "
    text += f"{pad('FREE/ALL', _free_cells(cols))}  {'MEMORY':>8}  "
    text += f"{pad('CC', cols.cc)}  " if cols.cc else ""
    text += f"{pad('WHERE', cols.where)}  " if cols.where else ""
    return Row(((text + "NOTE", "muted"),))


def table_row(line: GpuRow, cols: Columns, cells: int, glyphs: Glyphs, *, chosen: bool) -> Row:
    """One node's resource: landing mark, name, product, free of all, memory, note."""
    tone = "text" if line.usable else "muted"
    mark = (glyphs.land, "accent") if line.models else (" " if line.usable else glyphs.failed, "bad")
    spans: list[Span] = [
        mark, (" ", tone),
        (pad(crop_middle(line.name, cols.name, glyphs.ellipsis), cols.name), tone), ("  ", tone),
        (pad(line.product, cols.product, "<", glyphs.ellipsis), tone), ("  ", tone),
    ]  # fmt: skip
    spans += _amount(line, cols, glyphs)
    memory = f"{f.mib(line.mem_mib):>8}"
    spans.append((f"  {memory}  ", tone if line.mem_mib else "warn"))
    if cols.cc:
        spans.append((f"{pad(line.cc, cols.cc)}  ", "muted"))
    if cols.where:
        spans.append((f"{pad(line.where, cols.where, '<', glyphs.ellipsis)}  ", "muted"))
    spans.append(_note(line, glyphs))
    return Row(tuple(spans), "cursor" if chosen else "")


def _amount(line: GpuRow, cols: Columns, glyphs: Glyphs) -> list[Span]:
    free = "?" if line.free is None else str(line.free)
    text = f"{free}/{line.total}"
    spans: list[Span] = []
    if cols.bar:
        if line.free is None:
            spans.append((glyphs.bar_unknown * cols.bar, "faint"))
        else:
            full, rest = f.bar(line.free, line.total, cols.bar, glyphs)
            spans += [(full, "free" if line.usable else "faint"), (rest, "faint")]
        spans.append((" ", "text"))
    room = _free_cells(cols) - (cols.bar + 1 if cols.bar else 0)
    return [*spans, (f"{text:<{room}}", "warn" if line.free is None else "text" if line.usable else "muted")]


def _note(line: GpuRow, glyphs: Glyphs) -> Span:
    if line.models:
        return ", ".join(line.models), "accent"
    if line.why:
        return line.why, "warn" if line.usable else "bad"
    if line.resource and not line.resource.endswith("/gpu"):
        return line.resource, "muted"
    if line.mem_mib is not None and line.mem_from not in ("label", "operator", "dra"):
        return f"memory from {line.mem_from}", "muted"
    return "", "muted"


def summary(rows: list[GpuRow], state: RunState) -> str:
    """How many units are there and free, for the table's frame."""
    if state.cluster is None:
        return ""
    inventory = state.cluster.inventory
    if not inventory.known:
        return "could not look"
    usable = [line for line in rows if line.usable]
    total = sum(line.total for line in usable)
    frees = [line.free for line in usable]
    free = "?" if any(value is None for value in frees) else str(sum(value or 0 for value in frees))
    partial = ", partial" if inventory.partial else ""
    return f"{free} of {total} GPUs free, {len({line.name for line in rows}):,} nodes{partial}"
