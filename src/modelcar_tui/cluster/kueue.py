"""Kueue: what the queues of a namespace leave of the accelerators, by flavor, with what could be borrowed.

A workload in a LocalQueue is admitted when its ClusterQueue has quota left for what it asks, or may borrow
from the other ClusterQueues of its cohort. Sources: kubernetes-sigs/kueue,
apis/kueue/v1beta1/clusterqueue_types.go and localqueue_types.go (v1beta2 calls the cohort `cohortName`).
Quota that is reserved counts as used.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from modelcar_tui.cluster.limit_types import Behind, Queue, Room, amount
from modelcar_tui.cluster.queues import GROUP
from modelcar_tui.core.secrets import quoted
from modelcar_tui.core.text import clean
from modelcar_tui.kube import Client, ClusterError
from modelcar_tui.kube.objects import Condition, Expression, Meta, Quantity, SmallMeta

_MOST = 2**62
"""More than anybody asks for; sums of quotas that mean "without limit" would not fit into 64 bits."""
_VERSIONS = ("v1beta1", "v1beta2")
_MANAGED = ("kueue.openshift.io/managed", "kueue-managed")
"""Labels of a namespace whose workloads Kueue manages; the second is of older OpenShift AI."""


class _QueueSpec(msgspec.Struct, frozen=True, rename="camel"):
    cluster_queue: str = ""
    stop_policy: str | None = None


class _LocalFlavor(msgspec.Struct, frozen=True):
    name: str = ""


class _QueueStatus(msgspec.Struct, frozen=True, rename="camel"):
    pending_workloads: int | None = None
    flavors: list[_LocalFlavor] | None = None
    """v1beta1 alone; v1beta2 names them only by what is reserved of each."""
    flavors_reservation: list[_LocalFlavor] | None = None


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

    @property
    def quotas(self) -> list[tuple[str, _Quota]]:
        """With the flavors that they are of."""
        return [(flavor.name, quota) for flavor in self.flavors or () for quota in flavor.resources or ()]


class _Preemption(msgspec.Struct, frozen=True, rename="camel"):
    within_cluster_queue: str | None = None
    reclaim_within_cohort: str | None = None


class _Selector(msgspec.Struct, frozen=True, rename="camel"):
    match_labels: dict[str, str] | None = None
    match_expressions: list[Expression] | None = None


class _Namespace(msgspec.Struct, frozen=True):
    metadata: Meta = Meta()


class _ClusterQueueSpec(msgspec.Struct, frozen=True, rename="camel"):
    cohort: str | None = None
    cohort_name: str | None = None
    stop_policy: str | None = None
    resource_groups: list[_ResourceGroup] | None = None
    preemption: _Preemption | None = None
    queueing_strategy: str | None = None
    namespace_selector: _Selector | None = None


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


async def read_queues(client: Client, namespace: str) -> tuple[tuple[Queue, ...], bool | None, bool]:
    """The namespace's LocalQueues with the ClusterQueues behind them, whether OpenShift AI has Kueue manage
    the namespace (None when its labels are not known), and whether the LocalQueues could be read.

    Args:
        client: of a cluster that has Kueue, or may have it.
        namespace: where models are to be served.
    """
    version, queues = await _local(client, namespace)
    if not queues:
        return (), False, queues is not None
    labels = await _labels(client, namespace)
    everyone: list[ClusterQueue] | None = None
    why = ""
    try:
        everyone = await client.short_list(f"/apis/{GROUP}/{version}/clusterqueues", ClusterQueue)
        known = {queue.metadata.name: queue for queue in everyone}
    except ClusterError as error:
        known = await _one_by_one(client, version, {queue.spec.cluster_queue for queue in queues})
        why = error.problem.what
    return (
        tuple(_queue(queue, known, everyone, why, labels) for queue in queues),
        None if labels is None else any(labels.get(name) == "true" for name in _MANAGED),
        True,
    )


def _queue(
    queue: LocalQueue,
    known: Mapping[str, ClusterQueue],
    everyone: list[ClusterQueue] | None,
    unreadable: str,
    labels: Mapping[str, str] | None,
) -> Queue:
    behind = known.get(queue.spec.cluster_queue)
    flavors = queue.status.flavors or queue.status.flavors_reservation or ()
    return Queue(
        name=clean(queue.metadata.name, limit=100),
        cluster_queue=clean(queue.spec.cluster_queue, limit=100),
        stopped=_stops(queue.spec.stop_policy),
        waiting=queue.status.pending_workloads or 0,
        behind=None if behind is None else _behind(behind, everyone, labels),
        missing=behind is None and everyone is not None,
        unreadable="" if behind else clean(unreadable, limit=300),
        flavors=tuple(clean(one.name, limit=100) for one in flavors),
    )


def _behind(
    queue: ClusterQueue, everyone: list[ClusterQueue] | None, labels: Mapping[str, str] | None
) -> Behind:
    policy = queue.spec.preemption or _Preemption()
    never = (None, "", "Never")
    return Behind(
        inactive=quoted(_why_inactive(queue), limit=200),
        cohort=clean(queue.cohort, limit=100),
        groups=tuple(
            tuple(dict.fromkeys(clean(quota.name, limit=200) for _, quota in one.quotas))
            for one in queue.spec.resource_groups or ()
        ),
        rooms=tuple(rooms(queue, everyone, {quota.name for _, quota in _quotas(queue)})),
        preempts=policy.within_cluster_queue not in never or policy.reclaim_within_cohort not in never,
        strict=queue.spec.queueing_strategy == "StrictFIFO",
        takes=_takes(queue.spec.namespace_selector, labels),
    )


def _why_inactive(queue: ClusterQueue) -> str:
    for one in queue.status.conditions or ():
        if one.type == "Active" and one.status == "False":
            return f"{one.reason} {one.message}".strip() or "it is not active"
    return "it is stopped" if _stops(queue.spec.stop_policy) else ""


def _stops(policy: str | None) -> bool:
    return policy not in (None, "", "None")


def _takes(selector: _Selector | None, labels: Mapping[str, str] | None) -> bool | None:
    """Whether a selector takes a namespace; None when its labels are not known. An empty one takes all. An
    absent one takes none, says Kueue; a LocalQueue shows that somebody thinks otherwise, so nothing is made
    of it."""
    if selector is None or not (selector.match_labels or selector.match_expressions):
        return True
    if labels is None:
        return None
    if any(labels.get(name) != value for name, value in (selector.match_labels or {}).items()):
        return False
    answers = [_fits(one, labels) for one in selector.match_expressions or ()]
    return False if False in answers else None if None in answers else True


def _fits(one: Expression, labels: Mapping[str, str]) -> bool | None:
    values = one.values or ()
    return {
        "In": labels.get(one.key) in values,
        "NotIn": labels.get(one.key) not in values,
        "Exists": one.key in labels,
        "DoesNotExist": one.key not in labels,
    }.get(one.operator)


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
        nominal = amount(quota.name, quota.nominal_quota)
        if quota.name not in wanted or nominal is None:
            continue
        found.append(
            Room(
                flavor=clean(flavor, limit=100),
                resource=clean(quota.name, limit=200),
                nominal=nominal,
                used=_used(queue, flavor, quota.name),
                available=None if cohort is None else _available(queue, cohort, flavor, quota.name),
                most=None if cohort is None else _available(queue, cohort, flavor, quota.name, idle=True),
            )
        )
    return found


class _Share(msgspec.Struct, frozen=True):
    """One queue's part in its cohort: its quota, what of it nobody else may borrow, what it uses."""

    quota: int
    guaranteed: int
    used: int
    limit: int | None


def _share(queue: ClusterQueue, flavor: str, resource: str, *, idle: bool = False) -> _Share | None:
    """The share; an empty one where the queue has no quota for it, None where the status does not tell."""
    for name, quota in _quotas(queue):
        if (name, quota.name) == (flavor, resource):
            own = amount(resource, quota.nominal_quota)
            used = 0 if idle else _used(queue, flavor, resource)
            if own is None or used is None:
                return None
            lends = own if quota.lending_limit is None else amount(resource, quota.lending_limit) or 0
            limit = None if quota.borrowing_limit is None else amount(resource, quota.borrowing_limit) or 0
            return _Share(own, max(0, own - lends), used, limit)
    return _Share(0, 0, 0, None)


def _available(
    queue: ClusterQueue, cohort: list[ClusterQueue], flavor: str, resource: str, *, idle: bool = False
) -> int | None:
    """Quota for a new workload (if nothing ran, where `idle`), as Kueue reckons it in a cohort without
    parents (available and potentialAvailable in pkg/cache/scheduler/resource_node.go).

    A queue's guaranteed part is its own; the rest of all queues is one pot, out of which each takes what it
    uses beyond its guaranteed part, and at most its borrowing limit above its own quota.
    """
    pot, mine = 0, None
    for one in cohort:
        share = _share(one, flavor, resource, idle=idle)
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
    return min(_MOST, max(0, max(0, mine.guaranteed - mine.used) + pot))


def _quotas(queue: ClusterQueue) -> list[tuple[str, _Quota]]:
    return [quota for group in queue.spec.resource_groups or () for quota in group.quotas]


def _used(queue: ClusterQueue, flavor: str, resource: str) -> int | None:
    status = queue.status
    listed = status.flavors_reservation if status.flavors_reservation is not None else status.flavors_usage
    if listed is None:
        return None
    for use in listed:
        for one in use.resources or ():
            if (use.name, one.name) == (flavor, resource):
                return amount(resource, one.total) or 0
    return 0


async def _labels(client: Client, namespace: str) -> Mapping[str, str] | None:
    try:
        found = await client.get(f"/api/v1/namespaces/{namespace}", _Namespace)
    except ClusterError:
        return None
    return found.metadata.labels or {}


async def _local(client: Client, namespace: str) -> tuple[str, list[LocalQueue] | None]:
    """The version that is there, and the queues; None where they can't be read."""
    for version in _VERSIONS:
        try:
            path = f"/apis/{GROUP}/{version}/namespaces/{namespace}/localqueues"
            return version, await client.short_list(path, LocalQueue)
        except ClusterError as error:
            if not error.missing:
                return version, None
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
