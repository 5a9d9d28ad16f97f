"""The limits of a namespace as data, and what one pod asks of them.

Amounts are in base units by the resource's name: `cpu` in thousandths of a CPU, memory and storage in bytes,
everything else in pieces. None is an amount that is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from modelcar_tui.kube import thousandths, whole

Answer = Literal["yes", "no", "unknown"]

MIB = 2**20
_KINDS = {
    "quotas": "quota",
    "cluster quotas": "appliedclusterresourcequota",
    "limit ranges": "limitrange",
    "queues": "localqueue",
}


class NamespaceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What one pod asks for. None: the pod does not give it; what is not known is named in `unknown`.

    The amounts are those of the container that serves. Containers beside it (the model-car's, a proxy) are
    not counted: KServe gives them requests and limits of their own, some 10 to 100 thousandths of a CPU.
    """

    pods: int = 1
    """Pods with the same amounts that want to run at the same time."""
    gpus: Mapping[str, int] = {}
    """Extended resource -> units; requests and limits are the same."""
    cpu_milli: int | None = None
    memory_mib: int | None = None
    cpu_limit_milli: int | None = None
    memory_limit_mib: int | None = None
    ephemeral_mib: int | None = None
    ephemeral_limit_mib: int | None = None
    unknown: frozenset[str] = frozenset()
    """Of `cpu`, `memory`, `ephemeral-storage`, and with `limits.` before: not known, nor whether given."""
    terminating: bool = False
    """Whether the pod has `activeDeadlineSeconds`; those of a Deployment have none."""
    priority_class: str | None = None
    """`priorityClassName`; empty for none, None for not known (a cluster may have a default class)."""
    queue: str | None = None
    """The LocalQueue that the label `kueue.x-k8s.io/queue-name` names; empty for none, None for not known."""


class Scope(msgspec.Struct, frozen=True):
    """Of which pods a quota counts: core/v1 ScopedResourceSelectorRequirement."""

    name: str
    operator: str = "Exists"
    values: tuple[str, ...] = ()


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """A ResourceQuota, or an AppliedClusterResourceQuota (whose amounts are of all its namespaces)."""

    kind: Literal["ResourceQuota", "ClusterResourceQuota"] = "ResourceQuota"
    name: str
    hard: dict[str, int | None] = {}
    """By the quota's own names: `requests.nvidia.com/gpu`, `cpu`, `limits.memory`, `pods`, ..."""
    used: dict[str, int | None] = {}
    """Of what runs already; a name that is not there is not known."""
    scopes: tuple[Scope, ...] = ()
    """All of them must match; none matches every pod."""

    @property
    def title(self) -> str:
        """`quota team`, `cluster quota team`."""
        return f"{'quota' if self.kind == 'ResourceQuota' else 'cluster quota'} {self.name}"

    def left(self, resource: str) -> int | None:
        """What is left of a hard amount, never below 0; None when it is not known."""
        hard, used = self.hard.get(resource), self.used.get(resource)
        return None if hard is None or used is None else max(0, hard - used)


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a LimitRange."""

    name: str
    type: str = "Container"
    """`Container` or `Pod`; others say nothing about pods."""
    most: dict[str, int | None] = {}
    least: dict[str, int | None] = {}
    default: dict[str, int | None] = {}
    """Limits that a container gets which has none."""
    default_request: dict[str, int | None] = {}
    ratio: dict[str, int | None] = {}
    """Most of limit / request, in thousandths."""


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What one flavor of a ClusterQueue has of one resource."""

    flavor: str
    resource: str
    nominal: int
    used: int | None
    """None when the status does not tell."""
    available: int | None
    """What a new workload could get now, borrowed quota included; None where that can't be told."""
    most: int | None = None
    """What a workload could get if nothing ran, borrowed quota included; None where that can't be told."""

    @property
    def borrowed(self) -> int:
        """The part of `available` that would be borrowed from the cohort."""
        return max(0, (self.available or 0) - max(0, self.nominal - (self.used or 0)))


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """The ClusterQueue behind a LocalQueue."""

    inactive: str = ""
    """Why it admits nothing."""
    cohort: str = ""
    groups: tuple[tuple[str, ...], ...] = ()
    """Resources that get one flavor together; what is in none of them is never admitted."""
    rooms: tuple[Room, ...] = ()
    preempts: bool = False
    """Whether it may stop other workloads to make room."""
    strict: bool = False
    """Whether a workload waits for those before it although it would fit (StrictFIFO)."""
    takes: bool | None = True
    """Whether its selector takes our namespace; None when the namespace's labels are not known."""


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A LocalQueue of Kueue."""

    name: str
    cluster_queue: str = ""
    stopped: bool = False
    waiting: int = 0
    behind: Behind | None = None
    missing: bool = False
    """Whether the ClusterQueue is not there; with neither this nor `behind` it could not be read."""
    unreadable: str = ""
    """Why the ClusterQueue could not be read."""
    flavors: tuple[str, ...] = ()


class NamespaceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a namespace leaves to a new pod; every text is cleaned."""

    namespace: str
    quotas: tuple[Quota, ...] = ()
    ranges: tuple[Range, ...] = ()
    queues: tuple[Queue, ...] = ()
    managed: bool | None = False
    """Whether the namespace has OpenShift AI's label that Kueue manages it; None when that is not known."""
    unknown: tuple[str, ...] = ()
    """What could not be read: of `quotas`, `cluster quotas`, `limit ranges`, `queues`."""
    groups: tuple[str, ...] | None = None
    """Those API groups with limits that the server has; None when it did not tell. For reading again."""

    def unread(self) -> tuple[tuple[str, str, str], ...]:
        """What could not be read: its word in `unknown`, the sentence, the command that would tell."""
        return tuple(
            (
                what,
                f"the {what} of {self.namespace} can't be read",
                f"oc get {_KINDS[what]} -n {self.namespace}",
            )
            for what in self.unknown
        )


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the namespace lets a pod in now."""

    answer: Answer
    why: tuple[str, ...] = ()
    """Every reason of a no or an unknown; empty for a yes."""
    fix: str = ""


def base_name(resource: str) -> str:
    """The resource without a quota's `requests.` or `limits.`."""
    return resource.removeprefix("requests.").removeprefix("limits.")


def amount(resource: str, value: object) -> int | None:
    """A quantity in base units of the resource; None when it is none."""
    return thousandths(value) if base_name(resource) == "cpu" else whole(value)


def told(resource: str, amount: int) -> str:
    """An amount as operators write it: CPUs, MiB or GiB, pieces."""
    name = base_name(resource)
    if name == "cpu":
        return f"{amount / 1000:g}"
    if name in ("memory", "ephemeral-storage") or name.startswith("hugepages-"):
        size, unit = (amount / 2**30, "GiB") if amount >= 2**30 else (amount / MIB, "MiB")
        return f"{round(size, 2):g} {unit}"
    return str(amount)
