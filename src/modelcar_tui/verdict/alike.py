"""Nodes that differ only in how much they have, so that what none of them has is seen at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from modelcar_tui.cluster.types import GpuNode, Held, Pool

Place = tuple[GpuNode, Pool]
"""Units of one kind on one node."""


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """Nodes of one kind with the same traits."""

    members: tuple[Place, ...]
    best: Place
    """A node that never was: the most of each amount that one of them has left."""


def alike(places: Iterable[Place]) -> tuple[Alike, ...]:
    """The places in groups, each in the order given."""
    found: dict[tuple[object, ...], list[Place]] = {}
    for place in places:
        found.setdefault(_traits(*place), []).append(place)
    return tuple(Alike(members=tuple(group), best=_best(group)) for group in found.values())


def _traits(node: GpuNode, pool: Pool) -> tuple[object, ...]:
    """Whatever of a place is not an amount, and which amounts are not known."""
    amounts = (pool.free, node.held, node.cpu_milli, node.memory_mib, node.ephemeral_mib, node.storage_mib)
    unknown = tuple(value is None for value in (*amounts, node.most_pods))
    labels = tuple(node.labels.items()) if node.labels else ()
    sliced = (node.card(pool).physical, pool.free, pool.units) if pool.beside_neighbours else None
    unit = (pool.mem_guarantee, pool.mig_profile, pool.asked_for)
    return (node.arch, node.taints, labels, node.stated, node.unrecognised, unit, sliced, unknown)


def _best(group: list[Place]) -> Place:
    node, pool = group[0]

    def most(amount: Callable[[GpuNode, Held], int | None]) -> int | None:
        amounts = [amount(one, one.held or Held()) for one, _ in group]
        return max(value or 0 for value in amounts) if None not in amounts else None

    best = msgspec.structs.replace(
        node,
        held=None if node.held is None else Held(),
        cpu_milli=most(lambda one, held: _left(one.cpu_milli, held.cpu_milli)),
        memory_mib=most(lambda one, held: _left(one.memory_mib, held.memory_mib)),
        most_pods=most(lambda one, held: _left(one.most_pods, held.pods)),
        ephemeral_mib=most(lambda one, _: one.ephemeral_mib),
        storage_mib=most(lambda one, _: one.storage_mib),
    )
    free = None if pool.free is None else max(one.free or 0 for _, one in group)
    return best, msgspec.structs.replace(pool, units=max(one.units for _, one in group), free=free)


def _left(amount: int | None, held: int) -> int | None:
    return None if amount is None else amount - held
