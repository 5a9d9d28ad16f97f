"""What an object of the operator's own file says, as data: the container that serves, and its pod.

Joined with its ServingRuntime where the file has that, as KServe joins them (kserve,
pkg/controller/v1beta1/inferenceservice/utils/utils.go: MergeRuntimeContainers, MergePodSpec).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from modelcar_tui.kserve.render_shape import check_shape
from modelcar_tui.manifest import FileObject, ModelCar

Data = dict[str, Any]
_RUNTIMES = ("ServingRuntime", "ClusterServingRuntime")
_PODS = {
    "InferenceService": ("spec", "predictor"),
    "LLMInferenceService": ("spec", "template"),
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
}
_LEADER = ("spec", "leaderWorkerTemplate", "leaderTemplate", "spec")
_WORKER = ("spec", "leaderWorkerTemplate", "workerTemplate", "spec")
_SERVING = ("kserve-container", "main")
"""What KServe calls the container that serves."""
_OF_RUNTIME = ("affinity", "imagePullSecrets", "nodeSelector", "schedulerName", "tolerations", "volumes")
"""What KServe takes of a runtime's pod besides its containers."""
_MERGED_BY = {"env": "name", "imagePullSecrets": "name", "volumeMounts": "mountPath", "volumes": "name"}
_OF_SERVER = (
    *("creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation"),
    *("managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid"),
)
"""Of `metadata`: what only an API server writes."""
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """One object of the file."""

    body: Data
    """Without what only an API server writes."""
    left: tuple[str, ...] = ()
    """What only an API server writes, by name."""
    beside: tuple[Data, ...] = ()
    """Objects of the file without which it does not serve: its ServingRuntime, its configurations."""
    container: Data = {}
    """The one that serves, joined."""
    pod: Data = {}
    """Its pod, joined."""


def given(car: ModelCar, objects: Sequence[FileObject]) -> Given | None:
    """What the file says of one thing to serve; None for a model-car and a command line.

    Raises:
        UserError: a field that rendering touches is of another form than Kubernetes gives it.
    """
    found = next((one for one in objects if one.at == car.at), None)
    if found is None:
        return None
    check_shape(found.body)
    body, name, left = _cleaned(found.body), container_name(car), _of_server(found.body)
    pod = pod_of(body, prefill=car.prefill)
    container = serving_container(pod, name)
    runtime = _runtime(car, objects)
    if runtime is None:
        configs = tuple(map(_cleaned, _configs(body, objects)))
        return Given(body=body, left=left, beside=configs, container=container, pod=pod)
    check_shape(runtime)
    spec = inside(runtime, "spec")
    return Given(
        body=body,
        left=left,
        beside=(_cleaned(runtime),),
        container=_joined(serving_container(spec, ""), container),
        pod=_joined({key: value for key, value in spec.items() if key in _OF_RUNTIME}, pod),
    )


def container_name(car: ModelCar) -> str:
    """Of the container that is said to serve; empty where its kind tells."""
    who = car.server.told_by if car.server is not None else ""
    return who.removeprefix("container ") if who.startswith("container ") else ""


def runtime_of_file(car: ModelCar) -> tuple[str, str]:
    """Kind and name of the ServingRuntime of the file with which it was joined; empty where there is none."""
    if car.server is None or car.server.runtime:
        return "", ""
    kind, _, name = car.server.told_by.partition(" ")
    return (kind, name) if kind in _RUNTIMES else ("", "")


def pod_of(body: Data, *, prefill: bool = False) -> Data:
    """The pod's specification in an object; empty where there is none."""
    kind = body.get("kind", "")
    if prefill:
        return inside(body, "spec", "prefill", "template")
    if kind == "LeaderWorkerSet":
        return inside(body, *_LEADER) or inside(body, *_WORKER)
    return inside(body, *_PODS.get(kind, ("spec", "template", "spec")))


def serving_container(pod: Data, name: str) -> Data:
    """The container that serves: a predictor's `model`, the one of a name, else KServe's, else the first."""
    if isinstance(pod.get("model"), dict):
        return dict(pod["model"])
    found = [one for one in pod.get("containers") or () if isinstance(one, dict)]
    ranked = sorted(found, key=lambda one: (one.get("name") != name, one.get("name") not in _SERVING))
    return ranked[0] if ranked else {}


def inside(data: Data, *keys: str) -> Data:
    """The mapping below some keys; empty where there is none."""
    found: Any = data
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _runtime(car: ModelCar, objects: Sequence[FileObject]) -> Data | None:
    kind, name = runtime_of_file(car)
    for one in objects:
        metadata = inside(one.body, "metadata")
        space = metadata.get("namespace", "")
        near = kind != _RUNTIMES[0] or not space or not car.namespace or space == car.namespace
        if kind and one.body.get("kind") == kind and metadata.get("name") == name and near:
            return one.body
    return None


def _configs(body: Data, objects: Sequence[FileObject]) -> list[Data]:
    """The configurations of the file on which an LLMInferenceService is based."""
    refs = inside(body, "spec").get("baseRefs") if body.get("kind") == "LLMInferenceService" else None
    names = [one.get("name") for one in refs or () if isinstance(one, dict)]
    kind = "LLMInferenceServiceConfig"
    bodies = [one.body for one in objects if one.body.get("kind") == kind]
    return [one for one in bodies if inside(one, "metadata").get("name") in names]


def _of_server(body: Data) -> tuple[str, ...]:
    metadata = inside(body, "metadata")
    applied = [_APPLIED] if _APPLIED in inside(metadata, "annotations") else []
    return (
        *(key for key in _OF_SERVER if key in metadata),
        *applied,
        *(["status"] if "status" in body else []),
    )


def _cleaned(body: Data) -> Data:
    metadata = {key: value for key, value in inside(body, "metadata").items() if key not in _OF_SERVER}
    if isinstance(metadata.get("annotations"), dict):
        notes = {key: text for key, text in metadata["annotations"].items() if key != _APPLIED}
        metadata = {**metadata, "annotations": notes}
    return {**{key: value for key, value in body.items() if key != "status"}, "metadata": metadata}


def _joined(base: Data, own: Data) -> Data:
    """One mapping over another; lists that KServe merges by a name, item by item."""
    out = dict(base)
    for key, value in own.items():
        before = out.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            out[key] = _joined(before, value)
        elif key in _MERGED_BY and isinstance(before, list) and isinstance(value, list):
            by = _MERGED_BY[key]
            names = [one.get(by) for one in value if isinstance(one, dict)]
            rest = [one for one in before if isinstance(one, dict) and one.get(by) not in names]
            out[key] = [*rest, *value]
        elif value not in ({}, [], "", None):
            out[key] = value
    return out
