"""Nodes that OpenShift's MachineSets could add. Shown as "could be added", never as free.

Annotation keys: the machine providers write `machine.openshift.io/GPU`, the cluster autoscaler its limits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from modelcar_tui.cluster.types import ScaleUp
from modelcar_tui.core.text import clean
from modelcar_tui.hardware import by_cloud, instance, products
from modelcar_tui.kube import whole
from modelcar_tui.kube.objects import Meta, Quantity

_GPU_KEYS = ("machine.openshift.io/GPU", "capacity.cluster-autoscaler.kubernetes.io/gpu-count")
"""A number of 0 is the provider's word that there are none."""
_MAX_KEYS = (
    "machine.openshift.io/cluster-api-autoscaler-node-group-max-size",
    "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size",
)


_LABELS_KEY = "capacity.cluster-autoscaler.kubernetes.io/labels"
_PRODUCT_KEYS = ("nvidia.com/gpu.product", "cluster-api/accelerator", "cloud.google.com/gke-accelerator")


class AttachedGpu(msgspec.Struct, frozen=True):
    count: Quantity = None
    type: str = ""


class ProviderValue(msgspec.Struct, frozen=True, rename="camel"):
    instance_type: str | None = None
    """AWS."""
    vm_size: str | None = None
    """Azure."""
    machine_type: str | None = None
    """GCP."""
    profile: str | None = None
    """IBM Cloud."""
    gpus: list[AttachedGpu] | None = None
    """GCP."""


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
    """The MachineSets whose nodes have GPUs, by annotation, instance type or accelerator label."""
    found = []
    for item in sets:
        notes = item.metadata.annotations or {}
        told = next((n for key in _GPU_KEYS if (n := whole(notes.get(key))) is not None), None)
        spec = item.spec.template.spec
        value = spec.provider_spec.value
        kind = value.instance_type or value.vm_size or value.machine_type or value.profile
        card, count = instance(kind)
        product = card.name if card else None
        attached, attached_count = _attached(value)
        labels = {**_listed(notes), **(spec.metadata.labels or {})}
        named = next((labels[key] for key in _PRODUCT_KEYS if labels.get(key)), "")
        if told == 0 or not (told or count or attached or named):
            continue
        confidence = "instance-type" if product else ""
        if product is None and (labelled := attached or named):
            product, confidence = _named(labelled), "label"
        found.append(
            ScaleUp(
                machine_set=clean(item.metadata.name, limit=253),
                product=product,
                gpus_per_node=told or count or attached_count,
                replicas=item.spec.replicas or 0,
                max_replicas=next((whole(notes[key]) for key in _MAX_KEYS if key in notes), None),
                instance_type=clean(kind, limit=100) if kind else None,
                confidence=confidence,
            )
        )
    return tuple(found)


def _attached(value: ProviderValue) -> tuple[str, int | None]:
    """On GCP any machine type may have GPUs attached: their type and number."""
    one = next((one for one in value.gpus or () if one.type), None)
    return (one.type, whole(one.count)) if one else ("", None)


def _listed(notes: Mapping[str, str]) -> dict[str, str]:
    """The labels that nodes will have, as the autoscaler is told: `a=b,c=d`."""
    pairs = (part.partition("=") for part in notes.get(_LABELS_KEY, "").split(","))
    return {key.strip(): text.strip() for key, _, text in pairs if key.strip()}


def _named(text: str) -> str:
    """A product as the tables have it: `nvidia-l40s` is L40S; another name stays as it is."""
    bare = clean(text, limit=100)
    known = by_cloud(bare.lower())
    short = bare.lower().removeprefix("nvidia-").removeprefix("amd-").replace("_", "-")
    return known.name if known else next((name for name in products() if name.lower() == short), bare)
