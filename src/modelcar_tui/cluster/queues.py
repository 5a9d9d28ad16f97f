"""Whether the queues of Kueue let a pod run now.

Sources: kubernetes-sigs/kueue, pkg/scheduler/flavorassigner/flavorassigner.go (one flavor a resource group
must have room for all the pod asks of the group; a resource of no group is never admitted) and
pkg/controller/jobframework/defaults.go (a workload without a queue goes to the LocalQueue `default`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from modelcar_tui.cluster.limit_types import Answer, Behind, NamespaceLimits, Queue, Room, told

GROUP = "kueue.x-k8s.io"
_DEFAULT = "default"
_WAIT = "wait, or ask for a larger quota or another queue"


class Finding(NamedTuple):
    """A no or an unknown with its reason."""

    answer: Answer
    why: str
    fix: str = ""


def queue_findings(
    limits: NamespaceLimits, named: str | None, requests: Mapping[str, int | None]
) -> list[Finding]:
    """What queues refuse, or may refuse.

    Args:
        limits: of the namespace.
        named: the queue that the workload names; empty for none, None for not known.
        requests: of the pod, in base units; None for an amount that is not known.
    """
    queues = _candidates(limits, named)
    sure = _always_queued(limits)
    if named and not queues and _were_read(limits):
        why = f"the queue {named} is not there in {limits.namespace}"
        return [Finding("no" if sure else "unknown", why, "name another queue")]
    ways = [_through(queue, requests) for queue in queues]
    if sure and ways and all(_worst(way) == "no" for way in ways):
        return [one for one in ways[0] if one.answer == "no"]
    doubt = "" if sure and len(ways) == 1 else ", if the pod goes through it"
    hindered: list[Finding] = next(filter(None, ways), [])
    return [Finding("unknown", one.why + doubt, one.fix) for one in hindered]


def _candidates(limits: NamespaceLimits, named: str | None) -> list[Queue]:
    """The queues that the pod may go to; whether it must is another question (`_always_queued`)."""
    if named:
        return [queue for queue in limits.queues if queue.name == named]
    if named == "":
        default = [queue for queue in limits.queues if queue.name == _DEFAULT]
        if default or limits.managed is False:
            return default
    return list(limits.queues)


def _were_read(limits: NamespaceLimits) -> bool:
    """Whether the cluster has Kueue, and its queues could be read."""
    return "queues" not in limits.unknown and GROUP in (limits.groups or ())


def _always_queued(limits: NamespaceLimits) -> bool:
    """Whether the pod surely goes through one of the queues: in a namespace with OpenShift AI's label
    everything that serves names a queue or gets the default one. Elsewhere Kueue's own settings say whether
    it looks after pods at all, and they are not read."""
    return limits.managed is True


def _worst(way: Iterable[Finding]) -> Answer:
    answers = {one.answer for one in way}
    return "no" if "no" in answers else "unknown" if answers else "yes"


def _through(queue: Queue, requests: Mapping[str, int | None]) -> list[Finding]:
    """What stands in the way of one queue."""
    if queue.stopped:
        return [Finding("no", f"the queue {queue.name} is stopped", "ask for another queue")]
    name = f"the ClusterQueue {queue.cluster_queue} of the queue {queue.name}"
    if queue.missing:
        return [Finding("no", f"{name} is not there", "ask for another queue")]
    behind = queue.behind
    if behind is None:
        fix = f"oc get clusterqueue {queue.cluster_queue} -o yaml"
        return [Finding("unknown", f"{name} can't be read", fix)]
    if behind.inactive:
        return [Finding("no", f"{name} admits nothing: {behind.inactive}", "ask for another queue")]
    if behind.takes is not True:
        answer: Answer = "unknown" if behind.takes is None else "no"
        doubt = "may not take" if behind.takes is None else "does not take"
        return [Finding(answer, f"{name} {doubt} this namespace", "ask for another queue")]
    found = list(_rooms(name, behind, requests))
    if not found and behind.strict and queue.waiting:
        found.append(Finding("unknown", f"{queue.waiting} wait before it in the queue {queue.name}", _WAIT))
    return found


def _rooms(name: str, behind: Behind, requests: Mapping[str, int | None]) -> Iterable[Finding]:
    asked = {resource: amount for resource, amount in requests.items() if amount != 0}
    covered = {resource for group in behind.groups for resource in group}
    for resource in asked:
        if resource not in covered:
            # Kueue's setting excludeResourcePrefixes, which is not read, may take CPU or memory out of its
            # hands; GPUs are what it is there for.
            answer: Answer = "no" if "/" in resource else "unknown"
            yield Finding(answer, f"{name} has no quota for {resource}", "ask for another queue")
    for group in behind.groups:
        wanted = {resource: asked[resource] for resource in group if resource in asked}
        if "pods" in group:
            wanted["pods"] = 1
        if wanted:
            yield from _group(name, behind, wanted)


def _group(name: str, behind: Behind, wanted: Mapping[str, int | None]) -> Iterable[Finding]:
    """The flavor of the group that comes nearest; nothing when one has room for all."""
    flavors: dict[str, dict[str, Room]] = {}
    for room in behind.rooms:
        flavors.setdefault(room.flavor, {})[room.resource] = room
    usable = [rooms for rooms in flavors.values() if set(wanted) <= set(rooms)]
    if not usable:
        names = ", ".join(wanted)
        yield Finding("no", f"{name} has no flavor with a quota for {names}", "ask for another queue")
        return
    tried = [
        [one for resource, amount in wanted.items() if (one := _one(name, behind, rooms[resource], amount))]
        for rooms in usable
    ]
    if not all(tried):
        return
    yield from min(tried, key=lambda found: _worst(found) == "no")


def _one(name: str, behind: Behind, room: Room, amount: int | None) -> Finding | None:
    where = f"{name}, flavor {room.flavor}"
    if amount is None:
        return Finding("unknown", f"{where}: what the pod asks for of {room.resource} is not known")
    asked = f"the pod asks for {told(room.resource, amount)}"
    if room.most is not None and amount > room.most:
        most = f"{told(room.resource, room.most)} {room.resource}"
        return Finding("no", f"{where} never has more than {most}, {asked}", "ask for another queue")
    if room.available is None:
        return Finding("unknown", f"{where}: how much {room.resource} is available is not known")
    if amount <= room.available:
        return None
    left = f"{told(room.resource, room.available)} {room.resource} available"
    if behind.preempts:
        return Finding("unknown", f"{where} has {left}, {asked}: others would have to be stopped", _WAIT)
    return Finding("no", f"{where} has {left}, {asked}: it waits in the queue", _WAIT)
