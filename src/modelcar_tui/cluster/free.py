"""FREE per node and resource: the scheduler's own arithmetic over the pods that hold a place on the node.

Restated from the scheduler's resource helper (Kubernetes, component-helpers/resource/helpers.go) and KEP-753:
containers are summed; sidecars (init containers that restart always) stay; an ordinary init container runs
beside the sidecars before it; the larger of the two phases counts, plus the pod's overhead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from modelcar_tui.cluster.holders import holders, of_holder
from modelcar_tui.cluster.types import GpuNode, Held, Pool, Waiting
from modelcar_tui.core.contain import Contained
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.rounding import ceil_div
from modelcar_tui.kube import thousandths, whole
from modelcar_tui.kube.objects import Container, Pod, PodSpec, Quantity

Usage = dict[str, dict[str, int]]
"""Requested by node and resource: `cpu` in thousandths, memory and storage in bytes, `pods`, units. What
one object's pods have of them stands there again, by `holders.of_holder`."""
_FINISHED = ("Succeeded", "Failed")
_BYTES = ("memory", "ephemeral-storage")


def pod_requests(pod: Pod) -> dict[str, int]:
    """What a pod holds: `cpu` in thousandths, `memory` and `ephemeral-storage` in bytes, extended
    resources."""
    spec = pod.spec
    containers = (*(spec.containers or ()), *(spec.init_containers or ()))
    resources = [one.resources for one in containers if one.resources is not None]
    asked = [quantities for one in resources for quantities in (one.requests, one.limits)]
    names = {name for quantities in (*asked, spec.overhead) for name in quantities or () if _counts(name)}
    overhead = spec.overhead or {}
    return {name: _peak(spec, name) + _amount(name, overhead.get(name)) for name in names}


def _peak(spec: PodSpec, name: str) -> int:
    """What the containers hold of a resource at most: while it starts, or when it runs."""
    sidecars = peak = 0
    for container in spec.init_containers or ():
        if container.restart_policy == "Always":
            sidecars += _request(container, name)
        else:
            peak = max(peak, sidecars + _request(container, name))
    return max(peak, sidecars + sum(_request(container, name) for container in spec.containers or ()))


def _counts(name: str) -> bool:
    return "/" in name or name == "cpu" or name in _BYTES


def add_pods(
    usage: Usage, pods: Iterable[Pod], nodes: Mapping[str, object] | None = None
) -> dict[str, Problem]:
    """Add what the pods hold to `usage`; the nodes of those that can't be counted, each with the reason.

    Args:
        usage: changed in place.
        pods: finished pods and pods without a node are left out, but for those that the scheduler has made
            room for on one (nominated); a terminating pod counts until it is gone.
        nodes: when given, only these nodes' pods count.
    """
    unread: dict[str, Problem] = {}
    for pod in pods:
        node = pod.spec.node_name or pod.status.nominated_node_name
        if not node or pod.status.phase in _FINISHED or (nodes is not None and node not in nodes):
            continue
        held = usage.setdefault(node, {})
        held["pods"] = held.get("pods", 0) + 1
        with Contained(f"a pod on {node}") as caught:
            asked = {**pod_requests(pod), "pods": 1}
            for name, units in {**asked, **of_holder(pod, asked)}.items():
                if units and name != "pods":
                    held[name] = held.get(name, 0) + units
        if caught.problem is not None:
            unread[node] = caught.problem
    return unread


class Queue:
    """Adds up what pods without a node ask for."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, int]] = {}

    def add(self, pods: Iterable[Pod]) -> dict[str, Problem]:
        """Finished pods, those on a node and those nominated for one are left out.

        Returns:
            Why a pod could not be counted, under the empty name.
        """
        unread: dict[str, Problem] = {}
        for pod in pods:
            if pod.spec.node_name or pod.status.nominated_node_name or pod.status.phase in _FINISHED:
                continue
            with Contained("a pod that waits for a node") as caught:
                for name, units in pod_requests(pod).items():
                    if "/" in name and units:
                        count, known = self._found.get(name, (0, 0))
                        self._found[name] = count + 1, known + units
            if caught.problem is not None:
                unread[""] = caught.problem
        return unread

    def waiting(self, nodes: Iterable[GpuNode]) -> tuple[Waiting, ...]:
        """For resources that a node here offers."""
        offered = {pool.resource for node in nodes for pool in node.pool}
        return tuple(
            Waiting(resource=name, pods=pods, units=units)
            for name, (pods, units) in sorted(self._found.items())
            if name in offered
        )


def with_free(node: GpuNode, usage: Mapping[str, Mapping[str, int]]) -> GpuNode:
    """The node with `free` of its pools filled in; DRA pools keep theirs, which come from claims."""
    held = usage.get(node.name, {})
    notes = list(node.notes)
    pools = []
    for pool in node.pool:
        if pool.resource.startswith("dra:"):
            pools.append(pool)
            continue
        used = _used(pool, held)
        if used is not None and used > pool.units:
            notes.append(f"pods hold {used} {pool.resource}, more than the {pool.units} that are allocatable")
        pools.append(msgspec.structs.replace(pool, free=None if used is None else max(0, pool.units - used)))
    return msgspec.structs.replace(
        node, pool=tuple(pools), held=_held(held), notes=tuple(dict.fromkeys(notes))
    )


def _held(held: Mapping[str, int]) -> Held:
    return Held(
        cpu_milli=held.get("cpu", 0),
        memory_mib=ceil_div(held.get("memory", 0), 2**20),
        ephemeral_mib=ceil_div(held.get("ephemeral-storage", 0), 2**20),
        pods=held.get("pods", 0),
        holders=holders(held),
    )


def _used(pool: Pool, held: Mapping[str, int]) -> int | None:
    """Units in use; other names of the same silicon count too, or make it unknown."""
    used = held.get(pool.resource, 0)
    if pool.resource.startswith("ibm.com/spyre_"):
        return used + sum(units for name, units in held.items() if name.startswith(pool.resource + "_"))
    if pool.resource.startswith("aws.amazon.com/neuron"):
        others = [name for name in held if name.startswith("aws.amazon.com/neuron") and name != pool.resource]
        return None if others else used
    return used


def _request(container: Container, name: str) -> int:
    resources = container.resources
    if resources is None:
        return 0
    value = (resources.requests or {}).get(name)
    if value is None:
        value = (resources.limits or {}).get(name)
    return _amount(name, value)


def _amount(name: str, value: Quantity) -> int:
    return max(0, (thousandths(value) if name == "cpu" else whole(value)) or 0)
