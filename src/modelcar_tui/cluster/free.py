"""FREE per node and resource: the scheduler's own arithmetic over the pods that hold a place on the node.

Restated from the scheduler's resource helper (Kubernetes, component-helpers/resource/helpers.go) and KEP-753:
containers are summed; sidecars (init containers that restart always) stay; an ordinary init container runs
beside the sidecars before it; the larger of the two phases counts, plus the pod's overhead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from modelcar_tui.cluster.types import GpuNode, Pool
from modelcar_tui.kube.objects import Container, Pod
from modelcar_tui.kube.quantity import whole

Usage = dict[str, dict[str, int]]
"""Requested units by node name and resource name."""
_FINISHED = ("Succeeded", "Failed")


def pod_requests(pod: Pod) -> dict[str, int]:
    """Extended resources that a pod holds."""
    spec = pod.spec
    names = {
        name
        for container in (*(spec.containers or ()), *(spec.init_containers or ()))
        if container.resources is not None
        for quantities in (container.resources.requests, container.resources.limits)
        for name in quantities or ()
        if "/" in name
    }
    names.update(name for name in spec.overhead or () if "/" in name)
    requests = {}
    for name in names:
        running = sum(_request(container, name) for container in spec.containers or ())
        sidecars = peak = 0
        for container in spec.init_containers or ():
            if container.restart_policy == "Always":
                sidecars += _request(container, name)
            else:
                peak = max(peak, sidecars + _request(container, name))
        requests[name] = max(running + sidecars, peak) + max(0, whole((spec.overhead or {}).get(name)) or 0)
    return requests


def add_pods(usage: Usage, pods: Iterable[Pod], nodes: Mapping[str, object] | None = None) -> None:
    """Add what the pods hold to `usage`.

    Args:
        usage: changed in place.
        pods: finished pods and pods without a node are left out; a terminating pod counts until it is gone.
        nodes: when given, only these nodes' pods count.
    """
    for pod in pods:
        node = pod.spec.node_name
        if not node or pod.status.phase in _FINISHED or (nodes is not None and node not in nodes):
            continue
        for name, units in pod_requests(pod).items():
            if units:
                held = usage.setdefault(node, {})
                held[name] = held.get(name, 0) + units


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
    return msgspec.structs.replace(node, pool=tuple(pools), notes=tuple(dict.fromkeys(notes)))


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
    return max(0, whole(value) or 0)
