"""Accelerators, runtimes and access, as the cluster or the operator states them."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from modelcar_tui.cluster.limit_types import NamespaceLimits
from modelcar_tui.cluster.serving_types import KServe, LlmServices, Profiles
from modelcar_tui.core.errors import Problem
from modelcar_tui.kube import Access
from modelcar_tui.manifest import Scheduling


class Guarantee(StrEnum):
    """What the memory of one unit is worth."""

    EXCLUSIVE = "exclusive"
    HARD_SLICE = "hard-slice"
    """MIG and hardware partitions."""
    HARD_SHARE = "hard-share"
    """MPS."""
    NONE = "none"
    """Time slicing: the whole card's memory, shared with the neighbours."""
    UNKNOWN = "unknown"


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What the units of a pool are units of."""

    vendor: str
    product: str | None = None
    family: str | None = None
    cc: str | None = None
    physical: int | None = None
    """Cards of the vendor in the node."""


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """The units of one extended resource on one node; `GpuNode.card` tells what they are units of."""

    resource: str
    """`nvidia.com/gpu`, `amd.com/gpu`, `nvidia.com/mig-1g.10gb`, ..."""
    units: int
    """Allocatable units."""
    capacity: int | None = None
    free: int | None = None
    """Units that no pod has requested; None when pods could not be listed."""
    mem_mib: int | None = None
    """Memory of ONE unit."""
    mem_guarantee: Guarantee = Guarantee.UNKNOWN
    mem_from: str = "none"
    """`label`, `product-name`, `instance-type`, `model-table`, `dra`, `operator` or `none`."""
    mig_profile: str | None = None
    """`2g.20gb` where a unit is a MIG slice."""
    partition: str = ""
    """AMD's compute partition that a unit is: `cpx`, ...; `spx` is a whole card."""
    vendor: str = ""
    """As `GpuNode.vendor`; without it and a product the units are of the node's own cards."""
    product: str | None = None
    family: str | None = None
    cc: str | None = None
    physical: int | None = None
    """Cards of the vendor in the node: fewer than the units where they are shared or cut."""
    shares: bool = False
    """Whether it is certain that units are shares of those cards, however they are shared."""
    asked_for: bool | None = True
    """Whether a pod that asks for an extended resource (`nvidia.com/gpu`) gets these units; devices of DRA
    only where a DeviceClass and the cluster's release say so. None when not known."""

    @property
    def beside_neighbours(self) -> bool:
        """Whether other units are of the same card, and no limit parts their memory."""
        return self.shares or self.mem_guarantee is Guarantee.NONE


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """What the pods of one object that serves have requested of a node's accelerators, and beside them."""

    kind: str
    """`InferenceService`, `LLMInferenceService`, `Deployment`, `StatefulSet`, `LeaderWorkerSet` or `Pod`."""
    namespace: str
    name: str
    """That of an LLMInferenceService's prefill is `NAME/prefill`."""
    gpus: tuple[tuple[str, int], ...]
    """Resource -> units."""
    cpu_milli: int = 0
    memory_mib: int = 0
    pods: int = 0


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What the pods of a node have requested of it, by the scheduler's arithmetic."""

    cpu_milli: int = 0
    """Thousandths of a CPU."""
    memory_mib: int = 0
    """MiB, rounded up."""
    ephemeral_mib: int = 0
    pods: int = 0
    holders: tuple[Holder, ...] = ()
    """Objects whose pods hold accelerators, as far as the pods' labels and owners tell."""


class GpuNode(msgspec.Struct, frozen=True, kw_only=True):
    """One node that has, or should have, accelerators; every text is cleaned.

    Vendor, product, family, cc and physical are of its main accelerator, to be shown; what decides asks
    `card` of each pool.
    """

    name: str
    vendor: str
    """One of `hardware.vendor.vendors()`, or another resource's domain."""
    product: str | None = None
    """As a human says it: `H100-80GB-HBM3`."""
    family: str | None = None
    cc: str | None = None
    """NVIDIA compute capability (`9.0`), or the gfx name on AMD."""
    product_from: str = ""
    """`label`, `device-id`, `instance-type`, `annotation`, `dra`, `operator`; empty when unknown."""
    provider: str | None = None
    """`aws`, `azure`, `gcp`, `ibm`, `vsphere`, ...; `unknown` when nothing on the node tells."""
    region: str | None = None
    instance_type: str | None = None
    arch: str | None = None
    physical: int | None = None
    """Cards in the node."""
    usable: bool = True
    why: str = ""
    """Why the node does not count, as a short code: `card-present-but-not-advertised`, `node-not-ready`,
    `starting`, `cordoned`, `being-deleted`, `leaving`, `disk-pressure`, `pid-pressure`,
    `network-unavailable`, `no-healthy-devices`, `resource-slices-incomplete`, `other-names-only`;
    `cluster.words` has the sentences."""
    notes: tuple[str, ...] = ()
    """Cautions, one sentence each."""
    scheduler: str = ""
    """`schedulerName` that a pod must name to get a unit."""
    vllm_runtime: bool = True
    """False where OpenShift AI has no vLLM runtime for the vendor."""
    pool: tuple[Pool, ...] = ()
    memory_mib: int | None = None
    """RAM allocatable."""
    ephemeral_mib: int | None = None
    """Local storage allocatable."""
    storage_mib: int | None = None
    """All local storage of the node: what the kubelet's eviction lines are parts of."""
    kubelet: str = ""
    """`v1.34.2`."""
    cpu_milli: int | None = None
    """CPUs allocatable, in thousandths."""
    most_pods: int | None = None
    held: Held | None = None
    """What pods hold of all that; None when they could not be listed."""
    stated: bool = False
    """Only named by the operator (`--gpu`): there is nothing else of it to ask."""
    labels: dict[str, str] = {}
    """Of a finished report only the labels that a pod may select nodes by: the runtime's, a hardware
    profile's, the product's."""
    taints: tuple[str, ...] = ()
    """`key[=value]:effect` of the taints that a pod must tolerate; those of a cordon or a dead node are
    `why`."""
    unrecognised: tuple[str, ...] = ()
    """Extended resources that are no accelerators that we know: NICs, KVM, another scheduler's names."""

    def card(self, pool: Pool) -> Card:
        """What the units of one of its pools are units of."""
        own = pool if pool.vendor or pool.product else self
        return Card(
            vendor=pool.vendor or self.vendor,
            product=own.product,
            family=own.family,
            cc=own.cc,
            physical=own.physical,
        )

    @property
    def products(self) -> tuple[str, ...]:
        """The products of all its pools; its own where there are none."""
        found = dict.fromkeys(self.card(pool).product for pool in self.pool) or {self.product: None}
        return tuple(product for product in found if product)

    def only(self, product: str) -> GpuNode:
        """The node with the pools of one product."""
        pools = tuple(pool for pool in self.pool if self.card(pool).product == product)
        return msgspec.structs.replace(self, pool=pools)


class OtherNode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node without accelerators."""

    name: str
    provider: str | None = None
    instance_type: str | None = None
    arch: str | None = None
    usable: bool = True
    why: str = ""
    ephemeral_mib: int | None = None
    unrecognised: tuple[str, ...] = ()


class ScaleUp(msgspec.Struct, frozen=True, kw_only=True):
    """Nodes that a MachineSet could add: never counted as free."""

    machine_set: str
    product: str | None = None
    gpus_per_node: int | None = None
    """None when nothing tells."""
    replicas: int = 0
    max_replicas: int | None = None
    """None when no autoscaler is set up for it."""
    instance_type: str | None = None
    confidence: str = ""
    """`label` or `instance-type`: how the product is known."""

    @property
    def could_add_nodes(self) -> int:
        """Nodes that the autoscaler may still add."""
        return max(0, (self.max_replicas or 0) - self.replicas)

    @property
    def could_add_gpus(self) -> int | None:
        """GPUs of the nodes that the autoscaler may still add; None when how many a node has is unknown."""
        if not self.could_add_nodes:
            return 0
        return None if self.gpus_per_node is None else self.could_add_nodes * self.gpus_per_node


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Pods without a node that ask for one resource: they may get it first."""

    resource: str
    pods: int
    units: int


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """The accelerators at hand. No nodes with `known=False` means "could not look", not "no GPUs"."""

    nodes: tuple[GpuNode, ...] = ()
    origin: str = "cluster"
    """`cluster`, `--gpu`, or the path given to `--inventory`."""
    known: bool = True
    partial: bool = False
    at: float = 0.0
    """When what is free was read."""
    nodes_at: float = 0.0
    """When the nodes were read; a refresh keeps them."""
    problems: tuple[Problem, ...] = ()
    nodes_seen: int = 0
    """All nodes that were listed, with or without accelerators."""
    others: tuple[OtherNode, ...] = ()
    """Nodes without accelerators; only in a finished inventory."""
    scale_up: tuple[ScaleUp, ...] = ()
    waiting: tuple[Waiting, ...] = ()


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """A vLLM serving runtime that the cluster offers."""

    image: str
    name: str = ""
    """Name of the Template or ServingRuntime."""
    version: str | None = None
    """vLLM's version where something says it."""
    accelerator: str = ""
    """The resource that it is recommended for."""
    args: tuple[str, ...] = ()
    """Arguments that the template passes by itself."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables of the container that the template sets to a literal value; none that looks secret."""
    scheduling: Scheduling = Scheduling()
    why: str = ""
    serving_runtime: str = ""
    """Name of the ServingRuntime that is there, or that the Template makes."""
    template: bool = False
    """Whether it is a Template: the ServingRuntime is still to be made of it."""
    command: tuple[str, ...] = ()
    """What the container starts; empty leaves it to the image."""
    port: int | None = None
    """On which the container says that it serves."""
    starts: tuple[str, ...] = ()
    """The words that start vLLM, without its arguments; empty leaves it to the image. Masked."""
    script: bool = False
    """Whether a shell's script starts it; then `starts` is what the script has for it."""
    shm_mib: int | None = None
    """MiB of the memory volume at `/dev/shm`: 0 for one without a limit of its own, None for no volume."""
    memory_limit_mib: int | None = None
    """MiB of RAM that the container may take; None for no limit."""
    withheld: tuple[str, ...] = ()
    """Names of variables that stand in another object or look secret, so that no value is told."""


class State(StrEnum):
    """How a check before serving came out."""

    OK = "ok"
    WARNING = "warning"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


LIMIT_CODES = ("quota", "limit-range", "queue", "queue-quota")
"""Codes of the checks of what a namespace leaves of the accelerators; a refresh reads them again."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that must be right before a model-car can be served."""

    code: str
    """A stable short name, such as `model-car-switch`."""
    state: State
    what: str
    """One sentence with its numbers."""
    fix: str = ""


class PullSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """The registries that pods of a namespace can log in to: names only, never a login."""

    namespace: str
    registries: tuple[str, ...] = ()
    """`quay.io`, `quay.io/team`, `*.example.com`."""
    missing: tuple[str, ...] = ()
    """Secrets that the service account names and that are not there."""
    unknown: tuple[str, ...] = ()
    """What could not be read, and why: there may be more registries."""


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """What runs on the cluster; None where nothing says it."""

    openshift: str | None = None
    inferred: bool = False
    """Whether OpenShift's version was derived from Kubernetes'."""
    ai: str | None = None
    """`OpenShift AI Self-Managed 3.4.0`, or Open Data Hub's."""
    kserve: str | None = None


class AcceleratorReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the accelerator specialist found out."""

    access: Access
    inventory: Inventory
    runtime: Runtime | None = None
    runtime_problem: Problem | None = None
    """Why no runtime image is known."""
    runtimes: tuple[Runtime, ...] | None = None
    """ServingRuntimes that run vLLM, of the namespace where models are to be served and of the whole cluster;
    None where they were not read."""
    checks: tuple[Check, ...] = ()
    """Of the cluster, before serving; empty for a what-if inventory."""
    pull: PullSecrets | None = None
    """None where no cluster was asked."""
    versions: Versions = Versions()
    limits: NamespaceLimits | None = None
    """Of the namespace where models are to be served; None where they were not read."""
    profiles: Profiles | None = None
    """Of hardware, as the dashboard offers them; None where they were not read."""
    kserve: KServe | None = None
    """KServe's settings; None where no cluster was asked."""
    llm_services: LlmServices | None = None
    """LLMInferenceServices that are there; None where no cluster was asked."""

    @property
    def gpu_available(self) -> bool | None:
        """True, False, or None when it could not be looked up."""
        if any(pool.units for node in self.inventory.nodes if node.usable for pool in node.pool):
            return True
        return False if self.inventory.known else None

    @property
    def gpu_provider(self) -> str | None:
        """The vendor whose usable units are most, in the predecessor's capitals (`INTEL GAUDI`)."""
        from modelcar_tui.hardware import vendor_title

        return vendor_title(self.vendor) if self.vendor else None

    @property
    def vendor(self) -> str | None:
        """The vendor whose usable units are most, by our word; those that OpenShift AI serves come first."""
        from modelcar_tui.hardware import served

        units: dict[str, int] = {}
        for node in self.inventory.nodes:
            if node.usable:
                for pool in node.pool:
                    vendor = node.card(pool).vendor
                    units[vendor] = units.get(vendor, 0) + pool.units
        some = [vendor for vendor in units if units[vendor]]
        return max(some, key=lambda vendor: (served(vendor), units[vendor]), default=None)
