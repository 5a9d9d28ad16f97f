"""The nodes in the text report: nodes that are alike share a block, which names them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from modelcar_tui.cluster.cards import NOTHING, Cards, cards_of, how_shared, node_cards
from modelcar_tui.cluster.types import GpuNode, Inventory, Pool
from modelcar_tui.cluster.words import MEMORY_READ_FROM, MEMORY_WORTH, gib, some, why_text
from modelcar_tui.core.cells import hang
from modelcar_tui.core.counting import several
from modelcar_tui.hardware import vendor_title

MOST_BLOCKS = 100
MOST_NAMES = 60
"""Nodes that one block names; the JSON twin has them all."""
_MOST_NOTES = 12
_REST = " (in gpu_info.json)"


def block_lines(inventory: Inventory, cells: int) -> Iterator[list[str]]:
    """The lines of each block: nodes with the same machine, cards, units and state, the usable ones first."""
    groups: dict[tuple[object, ...], list[GpuNode]] = {}
    for node in inventory.nodes:
        groups.setdefault(_alike(node), []).append(node)
    blocks = sorted(groups.values(), key=_place)
    for nodes in blocks[:MOST_BLOCKS]:
        nodes.sort(key=lambda node: -sum(pool.free or 0 for pool in node.pool))
        yield [line for key, value in _block(nodes) for line in hang(f"• {key}: ", value, cells)]
    if len(blocks) > MOST_BLOCKS:
        left = sum(map(len, blocks[MOST_BLOCKS:]))
        yield [f"and {several(left, 'node')} more{_REST}"]


def _alike(node: GpuNode) -> tuple[object, ...]:
    """All that a block tells but names, what is free, and amounts that differ a little from node to node."""
    pools = tuple(
        (gib(pool.mem_mib), msgspec.structs.replace(pool, mem_mib=None, free=None)) for pool in node.pool
    )
    return (
        *(node.provider, node.region, node.instance_type, node.arch, node.vendor, node.product, node.cc),
        *(node.physical, node.usable, node.why, node.notes, node.taints, node.scheduler, node.unrecognised),
        pools,
    )


def _place(nodes: Sequence[GpuNode]) -> tuple[bool, int, str]:
    """Usable nodes first, those with many cards before others."""
    node = nodes[0]
    return not node.usable, -len(nodes) * node_cards(node)[0], node.product or ""


def _block(nodes: Sequence[GpuNode]) -> Iterator[tuple[str, str]]:
    node = nodes[0]
    yield "Cloud Provider", node.provider or "unknown"
    yield "Instance Type", node.instance_type or "unknown"
    if node.region:
        yield "Region", node.region
    yield from _cards(nodes)
    yield "Node RAM", _range(node.memory_mib for node in nodes)
    yield "Node Storage", _range(node.ephemeral_mib for node in nodes)
    if len(nodes) > 1:
        yield "Nodes", f"{len(nodes):,}"
    yield "Node Name", _names(nodes)
    yield from _cautions(node)


def _cards(nodes: Sequence[GpuNode]) -> Iterator[tuple[str, str]]:
    node = nodes[0]
    answers = list(zip(node.pool or (NOTHING,), cards_of(node), strict=True))
    vendors = dict.fromkeys(vendor_title(node.card(pool).vendor) for pool, _ in answers)
    yield "GPU Provider", ", ".join(vendors)
    products = dict.fromkeys(node.card(pool).product or "unknown" for pool, _ in answers)
    yield "GPU Product", ", ".join(products)
    if capability := ", ".join(dict.fromkeys(filter(None, (node.card(pool).cc for pool, _ in answers)))):
        yield "Compute Capability", capability
    each = " each" if len(nodes) > 1 else ""
    cards, whole = node_cards(node)
    told = f"{'at least ' * (not whole)}{cards}{each}"
    yield "Cards", told if cards or whole else "unknown"
    for at, (pool, behind) in enumerate(answers):
        yield from _pool(nodes, at, pool, behind)


def _cautions(node: GpuNode) -> Iterator[tuple[str, str]]:
    """Why pods get no place there, and what those need that do."""
    if not node.usable:
        yield "Not usable", why_text(node.why)
    if node.taints:
        yield "Needs toleration", ", ".join(node.taints)
    if node.scheduler:
        yield "Needs scheduler", node.scheduler
    if node.unrecognised:
        yield "Also has", f"{some(node.unrecognised, _MOST_NOTES)} (no accelerators that we know)"
    for note in node.notes[:_MOST_NOTES]:
        yield "Note", note


def _pool(nodes: Sequence[GpuNode], at: int, pool: Pool, cards: Cards) -> Iterator[tuple[str, str]]:
    node = nodes[0]
    mark = f" ({pool.resource})" if len(node.pool) > 1 else ""
    each = " each" if len(nodes) > 1 else ""
    if pool.resource and not mark:
        yield "Resource", pool.resource
    if pool.resource:
        yield f"Shared{mark}", how_shared(node, pool, cards)
    worth = "" if pool.mem_mib is None else f" ({_worth(pool)})"
    yield f"Per-GPU Memory{mark}", gib(pool.mem_mib) + worth
    yield f"Allocatable GPUs{mark}", f"{pool.units}{each}"
    yield f"Free GPUs{mark}", _free(nodes, at)


def _worth(pool: Pool) -> str:
    source = MEMORY_READ_FROM.get(pool.mem_from, "")
    return MEMORY_WORTH[pool.mem_guarantee] + (f"; from {source}" if source else "")


def _free(nodes: Sequence[GpuNode], at: int) -> str:
    """Of all nodes of the block; none where they don't count."""
    pools = [node.pool[at] if node.pool else NOTHING for node in nodes]
    units, many = (
        sum(pool.units for pool in pools),
        "" if len(nodes) == 1 else f" on {several(len(nodes), 'node')}",
    )
    if not nodes[0].usable:
        return f"0 of {units:,}{many}: {why_text(nodes[0].why)}"
    frees = [pool.free for pool in pools]
    known = [free for free in frees if free is not None]
    if len(known) < len(frees):
        return f"{f'at least {sum(known):,}' if any(known) else 'unknown'} of {units:,}{many}"
    most = f", at most {max(known)} on one" if len(set(known)) > 1 else ""
    return f"{sum(known):,} of {units:,}{many}{most}"


def _names(nodes: Sequence[GpuNode]) -> str:
    """With what is free of each, where that is not the same of all."""
    frees = [tuple(pool.free for pool in node.pool) for node in nodes]
    if not nodes[0].usable or len(set(frees)) == 1:
        return some([node.name for node in nodes], MOST_NAMES, rest=_REST)
    told = [f"{node.name} ({_each(free)} free)" for node, free in zip(nodes, frees, strict=True)]
    return some(told, MOST_NAMES, rest=_REST)


def _each(frees: Iterable[int | None]) -> str:
    return "+".join("?" if free is None else str(free) for free in frees)


def _range(amounts: Iterable[int | None]) -> str:
    """`371.2 GiB`, or `370.9 to 371.2 GiB` of nodes that differ."""
    found = list(amounts)
    known = [amount for amount in found if amount is not None]
    if not known:
        return "unknown"
    low, high = gib(min(known)), gib(max(known))
    text = low if low == high else f"{low.removesuffix(' GiB')} to {high}"
    return (
        text if len(known) == len(found) else f"{text}, unknown of {several(len(found) - len(known), 'node')}"
    )
