"""Whom a try could push away: its PriorityClass, and the pods of lower priority on its nodes.

A class that never preempts is taken where there is one. Of several the lowest of at least 0: a try may well
be pushed away itself, and classes below 0 are by custom for placeholders, of whose pods an autoscaler takes
no notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from modelcar_tui.core.text import clean
from modelcar_tui.kube import Client, ClusterError, whole
from modelcar_tui.kube.jobs import mapping
from modelcar_tui.kube.objects import SmallMeta
from modelcar_tui.trial.place import Spot
from modelcar_tui.trial.together import together

_CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
_SYSTEM = "system-"
_MOST_NAMED = 20
_UNKNOWN = "which pods it could push away is not known"


class PriorityClass(msgspec.Struct, frozen=True, rename="camel"):
    """scheduling.k8s.io/v1 PriorityClass."""

    metadata: SmallMeta = SmallMeta()
    value: int = 0
    global_default: bool | None = None
    preemption_policy: str | None = None

    @property
    def preempts(self) -> bool:
        """Whether its pods may push others away."""
        return self.preemption_policy != "Never"


class _PodSpec(msgspec.Struct, frozen=True):
    priority: int | None = None
    containers: list[dict[str, Any]] | None = None


class _Pod(msgspec.Struct, frozen=True):
    metadata: SmallMeta = SmallMeta()
    spec: _PodSpec = _PodSpec()


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The try's own priority."""

    name: str = ""
    """Empty leaves it to the cluster."""
    value: int | None = 0
    """None where it is not known."""
    preempts: bool = True
    caution: str = ""


class Neighbours(msgspec.Struct, frozen=True, kw_only=True):
    """What runs on the nodes where a try may land."""

    pushed: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    full: frozenset[str] = frozenset()
    """Nodes that have too few free GPUs left."""


async def choose_priority(client: Client, named: str) -> Chosen:
    """The class that the try's pod names.

    Args:
        client: of the cluster.
        named: the class of the manifest; empty for none.
    """
    try:
        classes = await client.short_list(_CLASSES, PriorityClass)
    except ClusterError:
        return Chosen(name=named, value=None, caution=f"PriorityClasses can't be listed: {_UNKNOWN}")
    return chosen_of(classes, named)


def chosen_of(classes: Sequence[PriorityClass], named: str) -> Chosen:
    """The same of what is there."""
    calm = [
        one
        for one in classes
        if not one.preempts and one.value >= 0 and not one.metadata.name.startswith(_SYSTEM)
    ]
    if calm:
        best = min(calm, key=lambda one: (one.value, one.metadata.name))
        return Chosen(name=best.metadata.name, value=best.value, preempts=False)
    by_name = {one.metadata.name: one for one in classes}
    if named and named not in by_name:
        told = f"the PriorityClass {clean(named, limit=100)} of the manifest is not there"
        return Chosen(caution=f"{told}: the pod has the cluster's default")
    default = next((one for one in classes if one.global_default), None)
    found = by_name.get(named, default)
    return (
        Chosen(name=named)
        if found is None
        else Chosen(name=named, value=found.value, preempts=found.preempts)
    )


async def look_around(client: Client, spot: Spot, chosen: Chosen) -> Neighbours:
    """The pods on the candidate nodes: whom the try could push away, and what is still free."""
    lists = await together(_pods_on(client, node.name) for node in spot.nodes)
    pushed: list[str] = []
    full: set[str] = set()
    for node, pods in zip(spot.nodes, lists, strict=True):
        if pods is None:
            continue
        pool = spot.pool(node)
        held = sum(_units(pod, spot.resource) for pod in pods)
        if not pool.resource.startswith("dra:") and pool.units - held < spot.shape.units:
            full.add(node.name)
        pushed += [_told(pod, node.name) for pod in _lower(pods, chosen)]
    cautions = [chosen.caution] if chosen.caution else []
    if None in lists and chosen.preempts:
        cautions.append(f"pods can't be listed on all nodes: {_UNKNOWN}")
    if len(pushed) > _MOST_NAMED:
        cautions.append(f"{len(pushed) - _MOST_NAMED} more pods of lower priority could be pushed away")
    return Neighbours(pushed=tuple(pushed[:_MOST_NAMED]), cautions=tuple(cautions), full=frozenset(full))


async def _pods_on(client: Client, node: str) -> list[_Pod] | None:
    running = f"spec.nodeName={node},status.phase!=Succeeded,status.phase!=Failed"
    try:
        return await client.whole_list("/api/v1/pods", _Pod, {"fieldSelector": running})
    except ClusterError:
        return None


def _lower(pods: Sequence[_Pod], chosen: Chosen) -> list[_Pod]:
    if not chosen.preempts or chosen.value is None:
        return []
    least = [(pod.spec.priority or 0, pod.metadata.namespace, pod.metadata.name, pod) for pod in pods]
    return [pod for priority, *_, pod in sorted(least, key=lambda one: one[:3]) if priority < chosen.value]


def _units(pod: _Pod, resource: str) -> int:
    asked = (mapping(one, "resources") for one in pod.spec.containers or ())
    counts = (whole((mapping(one, "requests") or mapping(one, "limits")).get(resource)) for one in asked)
    return sum(count or 0 for count in counts)


def _told(pod: _Pod, node: str) -> str:
    where = f"{clean(pod.metadata.namespace, limit=63)}/{clean(pod.metadata.name, limit=253)}"
    return f"{where} on {clean(node, limit=253)} (priority {pod.spec.priority or 0})"
