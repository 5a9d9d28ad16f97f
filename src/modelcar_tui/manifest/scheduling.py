"""What a pod asks of its node: tolerations, labels, affinity, amounts."""

from __future__ import annotations

import msgspec


class Toleration(msgspec.Struct, frozen=True, kw_only=True):
    """A taint that a pod puts up with; without a key all of them."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


class Requirement(msgspec.Struct, frozen=True, kw_only=True):
    """What a pod requires of one label of its node."""

    key: str
    operator: str = "In"
    """`In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`."""
    values: tuple[str, ...] = ()
    of_node: bool = False
    """Whether it is the node's own name, and no label (`matchFields`)."""


class Whole(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a pod asks for beside its container that serves, by other containers or itself."""

    units: int = 0
    """More of the accelerator."""
    cpu_milli: int = 0
    """More thousandths of a CPU."""
    memory_mib: int = 0
    """More MiB of RAM."""
    storage_mib: int = 0
    """MiB of the node's own storage, in all."""
    refused: str = ""
    """What an API server refuses of its amounts, in words."""
    node: str = ""
    """The node that it names, past the scheduler."""
    resources: tuple[str, ...] = ()
    """Other extended resources: `rdma/ib`, `hugepages-1Gi`."""
    unjudged: tuple[str, ...] = ()
    """What nobody here compares with the cluster, in words."""
    among: tuple[str, ...] = ()
    """The same of several pods that are alike."""


class Scheduling(msgspec.Struct, frozen=True, kw_only=True):
    """What a ServingRuntime asks of the node for the pods that are made of it."""

    cpu_milli: int | None = None
    """Requested thousandths of a CPU; None where it says nothing."""
    memory_mib: int | None = None
    selector: tuple[tuple[str, str], ...] = ()
    """Labels that the node must have."""
    terms: tuple[tuple[Requirement, ...], ...] = ()
    """Required node affinity: all of one term; any of them."""
    tolerations: tuple[Toleration, ...] = ()
    whole: Whole = Whole()

    @property
    def labels(self) -> frozenset[str]:
        """The labels of a node that matter."""
        terms = {one.key for term in self.terms for one in term if not one.of_node}
        return frozenset(terms | {key for key, _ in self.selector})

    @property
    def of_one_node(self) -> bool:
        """Whether it asks for nodes by their own names."""
        return bool(self.whole.node) or any(one.of_node for term in self.terms for one in term)
