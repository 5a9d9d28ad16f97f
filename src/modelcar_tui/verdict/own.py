"""What runs already holds GPUs itself: those are free for itself once it is replaced."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Held, Holder, Pool
from modelcar_tui.manifest import ModelCar
from modelcar_tui.verdict.alike import alike
from modelcar_tui.verdict.candidate import Candidate

Whose = tuple[str, str, str]
"""Kind, namespace and name of an object."""


def whose(car: ModelCar, report: AcceleratorReport) -> Whose | None:
    """The object that a manifest describes, as the cluster knows it; None where its namespace is open."""
    namespace = car.namespace or (report.limits.namespace if report.limits else "")
    return (car.kind, namespace, car.name) if car.server is not None and namespace else None


def pods_of(kinds: Iterable[Candidate], objects: frozenset[Whose]) -> int:
    """Pods of the objects that hold units of the kinds."""
    nodes = {node.name: node for kind in kinds for node in kind.nodes}
    return sum(one.pods for node in nodes.values() for one in _own(node, objects))


def units_of(kind: Candidate, objects: frozenset[Whose]) -> int:
    """Units of the kind that they hold."""
    return sum(_units(node, pool, objects) for node, pool in kind.places)


def without_own(kind: Candidate, objects: frozenset[Whose]) -> Candidate:
    """The kind as it is once the pods of these objects are gone."""
    if not units_of(kind, objects):
        return kind
    places = tuple(_left(node, pool, objects) for node, pool in kind.places)
    free = [pool.free for _, pool in places if pool.free is not None]
    return msgspec.structs.replace(
        kind,
        places=places,
        groups=alike(places),
        nodes=tuple(node for node, _ in places),
        most_free=max(free) if len(free) == len(places) else None,
    )


def _own(node: GpuNode, objects: frozenset[Whose]) -> tuple[Holder, ...]:
    holders = node.held.holders if node.held else ()
    return tuple(one for one in holders if (one.kind, one.namespace, one.name) in objects)


def _units(node: GpuNode, pool: Pool, objects: frozenset[Whose]) -> int:
    return sum(dict(one.gpus).get(pool.resource, 0) for one in _own(node, objects))


def _left(node: GpuNode, pool: Pool, objects: frozenset[Whose]) -> tuple[GpuNode, Pool]:
    own, units = _own(node, objects), _units(node, pool, objects)
    if not own or pool.free is None:
        return node, pool
    held = node.held or Held()
    held = msgspec.structs.replace(
        held,
        cpu_milli=held.cpu_milli - sum(one.cpu_milli for one in own),
        memory_mib=max(0, held.memory_mib - sum(one.memory_mib for one in own)),
        pods=held.pods - sum(one.pods for one in own),
        holders=tuple(one for one in held.holders if one not in own),
    )
    freed = msgspec.structs.replace(pool, free=min(pool.units, pool.free + units))
    return msgspec.structs.replace(node, held=held), freed
