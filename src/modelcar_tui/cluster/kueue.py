"""Kueue: what the queues of a namespace leave of the accelerators, by flavor, with what could be borrowed.

A workload in a LocalQueue is admitted when its ClusterQueue has quota left for what it asks, or may borrow
from the other ClusterQueues of its cohort. Sources: kubernetes-sigs/kueue,
apis/kueue/v1beta1/clusterqueue_types.go and localqueue_types.go (v1beta2 calls the cohort `cohortName`).
Quota that is reserved counts as used.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from modelcar_tui.cluster.types import Check, State
from modelcar_tui.core.text import clean
from modelcar_tui.kube.client import Client
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.objects import Condition, Quantity, SmallMeta
from modelcar_tui.kube.quantity import whole

GROUP = "kueue.x-k8s.io"
_VERSIONS = ("v1beta1", "v1beta2")


class _QueueSpec(msgspec.Struct, frozen=True, rename="camel"):
    cluster_queue: str = ""
    stop_policy: str | None = None


class _LocalFlavor(msgspec.Struct, frozen=True):
    name: str = ""
    resources: list[str] | None = None


class _QueueStatus(msgspec.Struct, frozen=True, rename="camel"):
    pending_workloads: int | None = None
    flavors: list[_LocalFlavor] | None = None


class LocalQueue(msgspec.Struct, frozen=True):
    metadata: SmallMeta = SmallMeta()
    spec: _QueueSpec = _QueueSpec()
    status: _QueueStatus = _QueueStatus()


class _Quota(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    nominal_quota: Quantity = None
    borrowing_limit: Quantity = None
    lending_limit: Quantity = None


class _Flavor(msgspec.Struct, frozen=True):
    name: str = ""
    resources: list[_Quota] | None = None


class _ResourceGroup(msgspec.Struct, frozen=True):
    flavors: list[_Flavor] | None = None


class _ClusterQueueSpec(msgspec.Struct, frozen=True, rename="camel"):
    cohort: str | None = None
    cohort_name: str | None = None
    stop_policy: str | None = None
    resource_groups: list[_ResourceGroup] | None = None


class _Used(msgspec.Struct, frozen=True):
    name: str = ""
    total: Quantity = None


class _FlavorUse(msgspec.Struct, frozen=True):
    name: str = ""
    resources: list[_Used] | None = None


class _ClusterQueueStatus(msgspec.Struct, frozen=True, rename="camel"):
    flavors_reservation: list[_FlavorUse] | None = None
    flavors_usage: list[_FlavorUse] | None = None
    conditions: list[Condition] | None = None


class ClusterQueue(msgspec.Struct, frozen=True):
    metadata: SmallMeta = SmallMeta()
    spec: _ClusterQueueSpec = _ClusterQueueSpec()
    status: _ClusterQueueStatus = _ClusterQueueStatus()

    @property
    def cohort(self) -> str:
        """The cohort it may borrow in; empty for none."""
        return self.spec.cohort or self.spec.cohort_name or ""


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What one flavor of a ClusterQueue has of one resource; units."""

    flavor: str
    resource: str
    nominal: int
    used: int | None
    """None when the status does not tell."""
    available: int | None
    """What a new workload could get now, borrowed quota included; None where that can't be told."""

    @property
    def borrowed(self) -> int:
        """The part of `available` that would be borrowed from the cohort."""
        return max(0, (self.available or 0) - max(0, self.nominal - (self.used or 0)))


async def check_queues(client: Client, namespace: str, wanted: Collection[str]) -> list[Check]:
    """The checks of the namespace's LocalQueues and of the ClusterQueues behind them.

    Args:
        client: of a cluster that has Kueue.
        namespace: where models are to be served.
        wanted: accelerator resources that the cluster's nodes offer.
    """
    version, queues = await _local(client, namespace)
    if not queues:
        return []
    everyone: list[ClusterQueue] | None = None
    try:
        everyone = await client.short_list(f"/apis/{GROUP}/{version}/clusterqueues", ClusterQueue)
        known = {queue.metadata.name: queue for queue in everyone}
    except ClusterError as error:
        known = await _one_by_one(client, version, {queue.spec.cluster_queue for queue in queues})
        if not known:
            return [check for queue in queues for check in (_waiting(queue), _unreadable(queue, error))]
    checks = []
    for queue in queues:
        checks.append(_waiting(queue))
        behind = known.get(queue.spec.cluster_queue)
        if behind is None:
            what = f"the ClusterQueue {queue.spec.cluster_queue} of {queue.metadata.name} is not there"
            checks.append(Check(code="queue-quota", state=State.WARNING, what=clean(what, limit=300)))
        else:
            checks += _cluster_queue(behind, everyone, wanted)
    return checks


def rooms(
    queue: ClusterQueue, everyone: Iterable[ClusterQueue] | None, wanted: Collection[str]
) -> list[Room]:
    """What each flavor of the queue has of the wanted resources; `everyone` is None for an unknown cohort."""
    cohort = None
    if not queue.cohort:
        cohort = [queue]
    elif everyone is not None:
        cohort = [other for other in everyone if other.cohort == queue.cohort]
    found = []
    for flavor, quota in _quotas(queue):
        nominal = whole(quota.nominal_quota)
        if quota.name not in wanted or nominal is None:
            continue
        found.append(
            Room(
                flavor=clean(flavor, limit=100),
                resource=clean(quota.name, limit=200),
                nominal=nominal,
                used=_used(queue, flavor, quota.name),
                available=None if cohort is None else _available(queue, cohort, flavor, quota.name),
            )
        )
    return found


class _Share(msgspec.Struct, frozen=True):
    """One queue's part in its cohort: its quota, what of it nobody else may borrow, what it uses."""

    quota: int
    guaranteed: int
    used: int
    limit: int | None


def _share(queue: ClusterQueue, flavor: str, resource: str) -> _Share | None:
    """The share; an empty one where the queue has no quota for it, None where the status does not tell."""
    for name, quota in _quotas(queue):
        if (name, quota.name) == (flavor, resource):
            own, used = whole(quota.nominal_quota), _used(queue, flavor, resource)
            if own is None or used is None:
                return None
            lends = own if quota.lending_limit is None else whole(quota.lending_limit) or 0
            limit = None if quota.borrowing_limit is None else whole(quota.borrowing_limit) or 0
            return _Share(own, max(0, own - lends), used, limit)
    return _Share(0, 0, 0, None)


def _available(queue: ClusterQueue, cohort: list[ClusterQueue], flavor: str, resource: str) -> int | None:
    """Quota for a new workload, as Kueue reckons it (pkg/cache/resource_node.go) in a cohort without parents.

    A queue's guaranteed part is its own; the rest of all queues is one pot, out of which each takes what it
    uses beyond its guaranteed part, and at most its borrowing limit above its own quota.
    """
    pot, mine = 0, None
    for one in cohort:
        share = _share(one, flavor, resource)
        if share is None:
            return None
        pot += share.quota - share.guaranteed - max(0, share.used - share.guaranteed)
        if one.metadata.name == queue.metadata.name:
            mine = share
    if mine is None:
        return None
    if mine.limit is not None:
        stored = mine.quota - mine.guaranteed - max(0, mine.used - mine.guaranteed)
        pot = min(pot, stored + mine.limit)
    return max(0, max(0, mine.guaranteed - mine.used) + pot)


def _quotas(queue: ClusterQueue) -> list[tuple[str, _Quota]]:
    return [
        (flavor.name, quota)
        for group in queue.spec.resource_groups or ()
        for flavor in group.flavors or ()
        for quota in flavor.resources or ()
    ]


def _used(queue: ClusterQueue, flavor: str, resource: str) -> int | None:
    status = queue.status
    listed = status.flavors_reservation if status.flavors_reservation is not None else status.flavors_usage
    if listed is None:
        return None
    for use in listed:
        for one in use.resources or ():
            if (use.name, one.name) == (flavor, resource):
                return whole(one.total) or 0
    return 0


def _cluster_queue(
    queue: ClusterQueue, everyone: list[ClusterQueue] | None, wanted: Collection[str]
) -> list[Check]:
    name = queue.metadata.name
    active = next((one for one in queue.status.conditions or () if one.type == "Active"), None)
    if active is not None and active.status == "False":
        what = f"the ClusterQueue {name} admits nothing: {active.reason} {active.message}"
        return [Check(code="queue-quota", state=State.WARNING, what=clean(what.strip(), limit=300))]
    found = rooms(queue, everyone, wanted)
    checks = [_room(name, queue.cohort, room) for room in found]
    covered = {quota.name for _, quota in _quotas(queue)}
    if wanted and not covered & set(wanted):
        names = ", ".join(sorted(wanted)[:3])
        what = f"the ClusterQueue {name} has no quota for {names}: what asks for it is never admitted"
        checks.append(Check(code="queue-quota", state=State.WARNING, what=clean(what, limit=300)))
    return checks


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


def _waiting(queue: LocalQueue) -> Check:
    name = f"{queue.metadata.name} (of {queue.spec.cluster_queue})"
    waiting = queue.status.pending_workloads or 0
    stopped = queue.spec.stop_policy not in (None, "", "None")
    what = f"Kueue admits workloads by the queue {name}: {waiting} waiting" + (", stopped" * stopped)
    state = State.WARNING if waiting or stopped else State.OK
    return Check(code="queue", state=state, what=clean(what, limit=300))


def _unreadable(queue: LocalQueue, error: ClusterError) -> Check:
    """Its flavors are told by the LocalQueue itself, which namespaced rights can read."""
    flavors = ", ".join(one.name for one in queue.status.flavors or ())
    what = f"the quota of ClusterQueue {queue.spec.cluster_queue} can't be read ({error.problem.what})"
    what += f"; its flavors: {flavors}" if flavors else ""
    fix = f"oc get clusterqueue {queue.spec.cluster_queue} -o yaml"
    return Check(
        code="queue-quota", state=State.UNKNOWN, what=clean(what, limit=400), fix=clean(fix, limit=300)
    )


async def _local(client: Client, namespace: str) -> tuple[str, list[LocalQueue]]:
    for version in _VERSIONS:
        try:
            path = f"/apis/{GROUP}/{version}/namespaces/{namespace}/localqueues"
            return version, await client.short_list(path, LocalQueue)
        except ClusterError as error:
            if not error.missing:
                break
    return _VERSIONS[0], []


async def _one_by_one(client: Client, version: str, names: Collection[str]) -> dict[str, ClusterQueue]:
    """The queues by name, for somebody who may get but not list them: of the cohort nothing is known then."""
    found = {}
    for name in sorted(names)[:20]:
        try:
            found[name] = await client.get(f"/apis/{GROUP}/{version}/clusterqueues/{name}", ClusterQueue)
        except ClusterError:
            return {}
    return found
