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
_MAX_KEY = "machine.openshift.io/cluster-api-autoscaler-node-group-max-size"
_OLD_MAX_KEY = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size"
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

    @property
    def kind(self) -> str | None:
        """The machine's type, whichever cloud it is of."""
        return self.instance_type or self.vm_size or self.machine_type or self.profile


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
    return tuple(found for item in sets if (found := _with_gpus(item)) is not None)


def _with_gpus(item: MachineSet) -> ScaleUp | None:
    notes = item.metadata.annotations or {}
    told = next((n for key in _GPU_KEYS if (n := whole(notes.get(key))) is not None), None)
    value = item.spec.template.spec.provider_spec.value
    card, count = instance(value.kind)
    attached, attached_count = _attached(value)
    named = attached or _labelled(item.spec.template.spec.metadata, notes)
    if told == 0 or not (told or count or named):
        return None
    product, confidence = (card.name, "instance-type") if card else _named(named)
    return ScaleUp(
        machine_set=clean(item.metadata.name, limit=253),
        product=product,
        gpus_per_node=told or count or attached_count,
        replicas=item.spec.replicas or 0,
        max_replicas=whole(notes.get(_MAX_KEY, notes.get(_OLD_MAX_KEY))),
        instance_type=clean(value.kind, limit=100) if value.kind else None,
        confidence=confidence,
    )


def _attached(value: ProviderValue) -> tuple[str, int | None]:
    """On GCP any machine type may have GPUs attached: their type and number."""
    one = next((one for one in value.gpus or () if one.type), None)
    return (one.type, whole(one.count)) if one else ("", None)


def _labelled(meta: MachineMeta, notes: Mapping[str, str]) -> str:
    """The card by the labels that nodes will have; the autoscaler is told them as `a=b,c=d`."""
    pairs = (part.partition("=") for part in notes.get(_LABELS_KEY, "").split(","))
    labels = {key.strip(): text.strip() for key, _, text in pairs} | (meta.labels or {})
    return next((labels[key] for key in _PRODUCT_KEYS if labels.get(key)), "")


def _named(text: str) -> tuple[str | None, str]:
    """A labelled product as the tables have it: `nvidia-l40s` is L40S; another name stays as it is."""
    if not text:
        return None, ""
    bare = clean(text, limit=100)
    known = by_cloud(bare.lower())
    short = bare.lower().removeprefix("nvidia-").removeprefix("amd-").replace("_", "-")
    own = known.name if known else next((name for name in products() if name.lower() == short), bare)
    return own, "label"
