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

    @property
    def labels(self) -> frozenset[str]:
        """The labels of a node that matter."""
        return frozenset(key for key, _ in self.selector) | {one.key for term in self.terms for one in term}
