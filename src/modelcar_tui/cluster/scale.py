"""Nodes that OpenShift's MachineSets could add. Shown as "could be added", never as free.

Annotation keys: the machine providers write `machine.openshift.io/GPU`, the cluster autoscaler its limits.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from modelcar_tui.cluster.objects import Meta
from modelcar_tui.cluster.quantity import whole
from modelcar_tui.cluster.tables import tables
from modelcar_tui.cluster.types import ScaleUp
from modelcar_tui.core.text import clean

_GPU_KEYS = ("machine.openshift.io/GPU", "capacity.cluster-autoscaler.kubernetes.io/gpu-count")
_MAX_KEYS = (
    "machine.openshift.io/cluster-api-autoscaler-node-group-max-size",
    "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size",
)


class ProviderValue(msgspec.Struct, frozen=True, rename="camel"):
    instance_type: str | None = None
    """AWS."""
    vm_size: str | None = None
    """Azure."""
    machine_type: str | None = None
    """GCP."""
    profile: str | None = None
    """IBM Cloud."""


class ProviderSpec(msgspec.Struct, frozen=True):
    value: ProviderValue = ProviderValue()


class MachineMeta(msgspec.Struct, frozen=True):
    labels: dict[str, str] | None = None


class MachineSpec(msgspec.Struct, frozen=True, rename="camel"):
    metadata: MachineMeta = MachineMeta()
    provider_spec: ProviderSpec = ProviderSpec()


class MachineTemplate(msgspec.Struct, frozen=True):
    spec: MachineSpec = MachineSpec()


class SetSpec(msgspec.Struct, frozen=True):
    replicas: int | None = None
    template: MachineTemplate = MachineTemplate()


class MachineSet(msgspec.Struct, frozen=True):
    """machine.openshift.io/v1beta1 MachineSet."""

    metadata: Meta = Meta()
    spec: SetSpec = SetSpec()


def scale_up(sets: Iterable[MachineSet]) -> tuple[ScaleUp, ...]:
    """The MachineSets whose nodes have GPUs."""
    found = []
    for item in sets:
        notes = item.metadata.annotations or {}
        gpus = next((n for key in _GPU_KEYS if (n := whole(notes.get(key)))), 0)
        value = item.spec.template.spec.provider_spec.value
        kind = value.instance_type or value.vm_size or value.machine_type or value.profile
        product, count = tables().instance(kind)
        gpus = gpus or count
        if not gpus:
            continue
        found.append(
            ScaleUp(
                machine_set=clean(item.metadata.name, limit=253), product=product, gpus_per_node=gpus,
                replicas=item.spec.replicas or 0,
                max_replicas=next((whole(notes[key]) for key in _MAX_KEYS if key in notes), None),
                instance_type=clean(kind, limit=100) if kind else None,
                confidence="instance-type" if product else "",
            )
        )  # fmt: skip
    return tuple(found)
