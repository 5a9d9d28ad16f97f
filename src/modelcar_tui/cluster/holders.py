"""Whose pods hold a node's accelerators: the object that serves, by the labels and owners of its pods.

Sources: kserve, pkg/controller/v1beta1/inferenceservice (label `serving.kserve.io/inferenceservice`) and
pkg/constants/constants.go (`app.kubernetes.io/part-of: llminferenceservice`, the component tells of prefill);
Kubernetes, pkg/controller/deployment/sync.go (a ReplicaSet is named DEPLOYMENT-HASH, its pods have the hash);
kubernetes-sigs/lws, api/leaderworkerset/v1 (label `leaderworkerset.sigs.k8s.io/name`).
"""

from __future__ import annotations

from collections.abc import Mapping

from modelcar_tui.cluster.types import Holder
from modelcar_tui.core.rounding import ceil_div
from modelcar_tui.core.text import clean
from modelcar_tui.hardware import resource_prefixes
from modelcar_tui.kube.objects import Owner, Pod, PodLabels

_MARK = "holder:"
_LLM = "llminferenceservice"
_ALSO = ("cpu", "memory", "pods")


def of_holder(pod: Pod, asked: Mapping[str, int]) -> dict[str, int]:
    """What a pod asks for, by `holder:KIND NAMESPACE NAME RESOURCE`; empty where it holds no accelerator, or
    nothing tells whose it is."""
    gpus = {name for name, units in asked.items() if units and name.startswith(resource_prefixes())}
    whose = _whose(pod) if gpus else None
    if whose is None:
        return {}
    kind, name = whose
    mark = f"{_MARK}{kind} {pod.metadata.namespace} {name}"
    return {f"{mark} {part}": asked.get(part, 0) for part in (*gpus, *_ALSO)}


def holders(held: Mapping[str, int]) -> tuple[Holder, ...]:
    """The objects among what the pods of a node hold."""
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    for key, units in held.items():
        if key.startswith(_MARK):
            kind, namespace, name, resource = key.removeprefix(_MARK).split(" ", 3)
            found.setdefault((kind, namespace, name), {})[resource] = units
    return tuple(
        Holder(
            kind=kind,
            namespace=clean(namespace, limit=63),
            name=clean(name, limit=261),
            gpus=tuple(sorted((part, units) for part, units in parts.items() if part not in _ALSO)),
            cpu_milli=parts.get("cpu", 0),
            memory_mib=ceil_div(parts.get("memory", 0), 2**20),
            pods=parts.get("pods", 0),
        )
        for (kind, namespace, name), parts in sorted(found.items())
    )


def _whose(pod: Pod) -> tuple[str, str] | None:
    """Kind and name; None where nothing tells, or a text is none that Kubernetes would take."""
    found = _by_labels(pod.metadata.labels or PodLabels()) or _by_owner(pod)
    if found is None or any(not text or " " in text for text in (*found, pod.metadata.namespace)):
        return None
    return found


def _by_labels(labels: PodLabels) -> tuple[str, str] | None:
    if labels.inference_service:
        return "InferenceService", labels.inference_service
    if labels.part_of == _LLM and labels.name:
        prefill = "/prefill" if labels.component.endswith("-prefill") else ""
        return "LLMInferenceService", labels.name + prefill
    return ("LeaderWorkerSet", labels.group) if labels.group else None


def _by_owner(pod: Pod) -> tuple[str, str] | None:
    meta = pod.metadata
    if not meta.owner_references:
        return "Pod", meta.name
    owner = next((one for one in meta.owner_references if one.controller), Owner())
    template = meta.labels.template if meta.labels else ""
    if owner.kind == "ReplicaSet" and template:
        return "Deployment", owner.name.removesuffix(f"-{template}")
    return ("StatefulSet", owner.name) if owner.kind == "StatefulSet" else None
