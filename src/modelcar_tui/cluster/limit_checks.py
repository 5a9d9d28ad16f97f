"""What the limits of a namespace leave of the accelerators, as checks: for whatever pod may come.

Whether a certain pod is let in is `limits.admission`; both say it of the same data.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from modelcar_tui.cluster.limit_types import (
    Behind,
    NamespaceLimits,
    NamespaceRequest,
    Queue,
    Quota,
    Room,
    told,
)
from modelcar_tui.cluster.limits import applies
from modelcar_tui.cluster.types import Check, State
from modelcar_tui.core.text import clean
from modelcar_tui.hardware import resource_prefixes

_CODES = {"quotas": "quota", "cluster quotas": "quota", "limit ranges": "limit-range", "queues": "queue"}


def limit_checks(limits: NamespaceLimits, wanted: Collection[str] = ()) -> tuple[Check, ...]:
    """The checks of codes LIMIT_CODES.

    Args:
        limits: of the namespace.
        wanted: accelerator resources that the cluster's nodes offer.
    """
    return (
        *(check for quota in limits.quotas for check in _quota(quota, limits.namespace)),
        *_ranges(limits),
        *(
            Check(code=_CODES[what], state=State.UNKNOWN, what=said, fix=fix)
            for what, said, fix in limits.unread()
        ),
        *(check for queue in limits.queues for check in _queue(queue, wanted)),
    )


def _quota(quota: Quota, namespace: str) -> Iterable[Check]:
    """Every accelerator, and of other resources those of which nothing is left."""
    if applies(quota, NamespaceRequest()) is False:
        return
    for resource, hard in quota.hard.items():
        name, left = resource.removeprefix("requests."), quota.left(resource)
        accelerator = name.startswith(resource_prefixes())
        if hard is None or not (accelerator or (left == 0 and _of_pods(resource))):
            continue
        if accelerator and name == resource:
            what = f"{quota.title} names {name} without requests.: Kubernetes does not count it"
            yield Check(code="quota", state=State.OK, what=what)
            continue
        most = f"{told(resource, hard)} {name}"
        if left is None:
            what = f"{quota.title}: how much is left of {most} is not known"
            yield Check(code="quota", state=State.UNKNOWN, what=what, fix=f"oc get quota -n {namespace}")
            continue
        what = f"{quota.title} leaves {told(resource, left)} of {most}"
        fix = "" if left else f"ask for a larger quota in {namespace}"
        yield Check(code="quota", state=State.OK if left else State.WARNING, what=what, fix=fix)


def _of_pods(resource: str) -> bool:
    names = ("cpu", "memory", "ephemeral-storage")
    return resource in ("pods", "count/pods") or resource.rpartition(".")[2] in names


def _ranges(limits: NamespaceLimits) -> Iterable[Check]:
    for item in limits.ranges:
        for name, most in item.most.items():
            if name.startswith(resource_prefixes()) and most is not None:
                what = f"a {item.type} in {limits.namespace} may have at most {most} {name}"
                yield Check(code="limit-range", state=State.WARNING, what=clean(what, limit=300))


def _queue(queue: Queue, wanted: Collection[str]) -> Iterable[Check]:
    name = f"{queue.name} (of {queue.cluster_queue})"
    what = f"Kueue admits workloads by the queue {name}: {queue.waiting} waiting"
    what += ", stopped" * queue.stopped
    state = State.WARNING if queue.waiting or queue.stopped else State.OK
    yield Check(code="queue", state=state, what=clean(what, limit=300))
    if queue.behind is not None:
        yield from _behind(queue.cluster_queue, queue.behind, wanted)
    elif queue.missing:
        what = f"the ClusterQueue {queue.cluster_queue} of {queue.name} is not there"
        yield Check(code="queue-quota", state=State.WARNING, what=clean(what, limit=300))
    else:
        yield _unreadable(queue)


def _behind(name: str, behind: Behind, wanted: Collection[str]) -> Iterable[Check]:
    if behind.inactive:
        what = f"the ClusterQueue {name} admits nothing: {behind.inactive}"
        yield Check(code="queue-quota", state=State.WARNING, what=clean(what, limit=300))
        return
    if behind.takes is False:
        what = f"the ClusterQueue {name} does not take this namespace"
        yield Check(code="queue-quota", state=State.WARNING, what=clean(what, limit=300))
    for room in behind.rooms:
        if room.resource in wanted:
            yield _room(name, behind.cohort, room)
    covered = {resource for group in behind.groups for resource in group}
    if wanted and not covered & set(wanted):
        names = ", ".join(sorted(wanted)[:3])
        what = f"the ClusterQueue {name} has no quota for {names}: what asks for it is never admitted"
        yield Check(code="queue-quota", state=State.WARNING, what=clean(what, limit=300))


def _room(name: str, cohort: str, room: Room) -> Check:
    used = "an unknown part" if room.used is None else str(room.used)
    what = f"ClusterQueue {name}, flavor {room.flavor}: "
    rest = f"(quota {room.nominal}, {used} in use)"
    if room.available is None:
        why = f", what cohort {cohort} would lend is unknown" if room.used is not None else ""
        what += f"how much {room.resource} is available is not known {rest}{why}"
        return Check(code="queue-quota", state=State.UNKNOWN, what=clean(what, limit=300))
    what += f"{room.available} {room.resource} available {rest}"
    if room.borrowed:
        what += f", {room.borrowed} of them borrowed in cohort {cohort}"
    if room.available:
        return Check(code="queue-quota", state=State.OK, what=clean(what, limit=300))
    fix = "wait, or ask for a larger quota or another queue"
    return Check(code="queue-quota", state=State.WARNING, what=clean(what, limit=300), fix=fix)


def _unreadable(queue: Queue) -> Check:
    """Its flavors are told by the LocalQueue itself, which namespaced rights can read."""
    flavors = ", ".join(queue.flavors)
    what = f"the quota of ClusterQueue {queue.cluster_queue} can't be read ({queue.unreadable})"
    what += f"; its flavors: {flavors}" if flavors else ""
    fix = f"oc get clusterqueue {queue.cluster_queue} -o yaml"
    return Check(
        code="queue-quota", state=State.UNKNOWN, what=clean(what, limit=400), fix=clean(fix, limit=300)
    )
