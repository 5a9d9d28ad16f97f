"""Who lands where: the nodes with their cards as a picture, and the tables that say the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from modelcar_tui.cluster.types import GpuNode, Inventory, Pool
from modelcar_tui.core.counting import several
from modelcar_tui.report.html.models import numbers
from modelcar_tui.report.html.told import cropped, gib
from modelcar_tui.supervisor import RunState
from modelcar_tui.verdict import Verdict

_SQUARE, _GAP, _A_ROW = 22, 4, 16
"""Pixels of a unit and between two; units in a row."""
_LEFT, _WIDTH = 300, 720
_MOST_UNITS = 32
"""Units of a pool that are drawn; the others are counted."""
_MOST_POOLS = 24
"""Pools that are drawn: a cluster of thousands has no picture on a page."""
_MOST_ROWS = 100
"""Pools that the table names; what it leaves out is told by kind."""
_NAME = 38


class Unit(NamedTuple):
    """One unit of a pool in the picture."""

    x: int
    y: int
    tone: str
    """`model`, `held`, `free` or `dk`."""
    mark: str


class PoolRow(NamedTuple):
    """The units of one resource on one node."""

    node: str
    kind: str
    units: int
    free: str
    lands: tuple[str, ...]
    """Models that land here, each with its number and what it takes."""
    note: str
    usable: bool


class Drawn(NamedTuple):
    """A pool in the picture."""

    y: int
    name: str
    kind: str
    units: tuple[Unit, ...]
    more: str
    usable: bool


class Landed(NamedTuple):
    """Where one model lands."""

    at: int
    model: str
    units: str
    kind: str
    node: str
    others: str
    """Nodes on which it would run, too."""


class Placement(NamedTuple):
    """The whole section."""

    told: str
    """Whether all run together; or why that is not known."""
    missing: tuple[str, ...]
    rows: tuple[PoolRow, ...]
    left_out: str
    kinds: tuple[str, ...]
    """All kinds of GPU at hand, one line each."""
    drawn: tuple[Drawn, ...]
    not_drawn: str
    landed: tuple[Landed, ...]
    width: int
    height: int
    square: int
    left: int
    said: str
    """The picture in one sentence."""


_Key = tuple[str, str]
"""A node and one of its resources."""


def placement(state: RunState) -> Placement | None:
    """The nodes, those first on which a model lands; None where no cluster was looked at."""
    if state.cluster is None:
        return None
    from modelcar_tui.cluster import card_kinds, kind_line

    inventory = state.cluster.inventory
    at = numbers(state)
    lands = _lands(state)
    used = {node for node, _ in lands}
    pools = sorted(_pools(inventory), key=lambda pair: (pair[0].name not in used, not pair[0].usable))
    rows = tuple(_row(node, pool, lands.get((node.name, pool.resource), []), at) for node, pool in pools)
    drawn, height = _draw(pools[:_MOST_POOLS], rows, lands, at)
    hidden = len(pools) - len(drawn)
    left = len(rows) - _MOST_ROWS
    landed = _landed(state, at)
    return Placement(
        told=_told(state, landed),
        missing=state.decision.missing if state.decision is not None else (),
        rows=rows[:_MOST_ROWS],
        left_out=f"{several(left, 'more pool')} of GPUs, not named here" if left > 0 else "",
        kinds=tuple(kind_line(kind) for kind in card_kinds(inventory)),
        drawn=drawn,
        not_drawn=f"{several(hidden, 'more pool')} of GPUs, not drawn" if hidden > 0 else "",
        landed=landed,
        width=_WIDTH,
        height=height,
        square=_SQUARE,
        left=_LEFT,
        said=_said(drawn, landed),
    )


def _pools(inventory: Inventory) -> list[tuple[GpuNode, Pool]]:
    return [(node, pool) for node in inventory.nodes for pool in node.pool if pool.units]


def _lands(state: RunState) -> dict[_Key, list[tuple[str, int]]]:
    """Models and what they take of each pool, by the placement that was found."""
    from modelcar_tui.verdict import candidates, kind_name

    found: dict[_Key, list[tuple[str, int]]] = {}
    placed = state.decision.placed if state.decision is not None else ()
    if not placed or state.cluster is None:
        return found
    names: dict[str, list[tuple[str, str]]] = {}
    for kind in candidates(state.cluster):
        for node, pool in kind.places:
            names.setdefault(node.name, []).append((kind_name(kind), pool.resource))
    for one in placed:
        # Nodes of one kind that bar different models are told apart after the kind's name.
        there = [resource for name, resource in names.get(one.node, ()) if one.kind.startswith(name)]
        if there:
            found.setdefault((one.node, there[0]), []).append((one.model, one.units))
    return found


def _kind(node: GpuNode, pool: Pool) -> str:
    card = node.card(pool)
    memory = "memory unknown" if pool.mem_mib is None else f"{gib(pool.mem_mib / 1024)} GiB"
    part = f" MIG {pool.mig_profile}" if pool.mig_profile else ""
    return f"{card.product or card.vendor}{part}, {memory}"


def _row(node: GpuNode, pool: Pool, lands: Iterable[tuple[str, int]], at: dict[str, int]) -> PoolRow:
    from modelcar_tui.cluster import why_text

    return PoolRow(
        node=node.name,
        kind=_kind(node, pool),
        units=pool.units,
        free="–" if not node.usable else "unknown" if pool.free is None else str(pool.free),
        lands=tuple(f"{at.get(model, '?')} {model} (takes {units})" for model, units in lands),
        note="; ".join(part for part in (why_text(node.why) if node.why else "", *node.notes) if part),
        usable=node.usable,
    )


def _draw(
    pools: list[tuple[GpuNode, Pool]],
    rows: tuple[PoolRow, ...],
    lands: dict[_Key, list[tuple[str, int]]],
    at: dict[str, int],
) -> tuple[tuple[Drawn, ...], int]:
    """The pools below each other, and the height of the whole."""
    y, drawn = 8, []
    for (node, pool), row in zip(pools, rows, strict=False):
        marks = _marks(node, pool, lands.get((node.name, pool.resource), []), at)
        units = tuple(
            Unit(
                _LEFT + n % _A_ROW * (_SQUARE + _GAP),
                y + n // _A_ROW * (_SQUARE + _GAP),
                tone,
                mark,
            )
            for n, (tone, mark) in enumerate(marks)
        )
        more = pool.units - _MOST_UNITS
        lines = -(-len(units) // _A_ROW)
        name = cropped(node.name, _NAME)
        drawn.append(Drawn(y, name, cropped(row.kind, _NAME), units, f"+{more}" * (more > 0), node.usable))
        y += max(2 * 20, lines * (_SQUARE + _GAP)) + 10
    return tuple(drawn), y


def _marks(
    node: GpuNode, pool: Pool, lands: Iterable[tuple[str, int]], at: dict[str, int]
) -> list[tuple[str, str]]:
    """A tone and a sign for each unit that is drawn: models by their number, then what is free, what others
    hold. A node may claim any number of units."""
    lands = list(lands)
    taken = min(pool.units, sum(units for _, units in lands))
    parts = [("model", str(at.get(model, "?")), units) for model, units in lands]
    left = pool.units - taken
    if not node.usable:
        parts.append(("off", "–", left))
    elif pool.free is None:
        parts.append(("dk", "?", left))
    else:
        free = min(left, max(0, pool.free - taken))
        parts += [("free", "", free), ("held", "×", left - free)]
    marks = [(tone, sign) for tone, sign, many in parts for _ in range(min(many, _MOST_UNITS))]
    return marks[: min(pool.units, _MOST_UNITS)]


def _landed(state: RunState, at: dict[str, int]) -> tuple[Landed, ...]:
    report = state.decision
    if report is None:
        return ()
    placed = {one.model: one for one in report.placed}
    rows = []
    for model in report.models:
        one = placed.get(model.model)
        # Of a model that is no GO they are the nodes that it was held against.
        alone = model.nodes if model.verdict is Verdict.GO else ()
        others = [name for name in alone if one is None or name != one.node]
        rows.append(
            Landed(
                at=at[model.model],
                model=model.model,
                units=str(one.units if one is not None else model.gpus),
                kind=one.kind if one is not None else model.product or "unknown",
                node=one.node if one is not None else "none worked out",
                others=", ".join(others),
            )
        )
    return tuple(sorted(rows, key=lambda row: row.at))


def _told(state: RunState, landed: tuple[Landed, ...]) -> str:
    report = state.decision
    if report is None:
        return "No placement was worked out: no decision was made."
    if report.together:
        return f"{report.together[0].upper()}{report.together[1:]}."
    if not report.placed:
        return "Whether the models run at the same time was not worked out. Below: where each runs alone."
    return ""


def _said(drawn: tuple[Drawn, ...], landed: tuple[Landed, ...]) -> str:
    """What the picture shows, for who does not see it."""
    there = sum(row.node != "none worked out" for row in landed)
    return (
        f"{several(len(drawn), 'pool')} of GPUs, a square a GPU or a part of one. "
        f"{several(there, 'model')} placed, each square with the model's number. "
        "The tables after the picture say the same."
    )
