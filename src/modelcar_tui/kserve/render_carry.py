"""What an object of another kind takes over of the operator's own: pod, amounts, environment, /dev/shm."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from modelcar_tui.kserve.render_complete import (
    complete_amounts,
    complete_pod,
    complete_shared_memory,
)
from modelcar_tui.kserve.render_draft import Draft, Path
from modelcar_tui.kserve.render_input import Data, Given, inside
from modelcar_tui.kserve.render_pod import (
    QUEUE,
    SHM_PATH,
    cpu_text,
    memory_text,
    put_metadata,
    put_resources,
    put_scheduling,
)
from modelcar_tui.kserve.render_pod import put_shared_memory as put_new_shared_memory
from modelcar_tui.kserve.render_request import Request

_POD = (
    *("affinity", "hostIPC", "imagePullSecrets", "nodeSelector", "priorityClassName", "runtimeClassName"),
    *("schedulerName", "securityContext", "serviceAccountName", "tolerations", "topologySpreadConstraints"),
)
"""Fields of a pod that say where it runs and as whom."""
_QUEUE: Path = ("metadata", "labels", QUEUE)
_CONTAINER = ("securityContext",)
_ANEW = frozenset(
    [
        *(
            "apiVersion",
            "args",
            "command",
            "containers",
            "env",
            "envFrom",
            "image",
            "minReplicas",
            "maxReplicas",
        ),
        *("model", "modelFormat", "name", "ports", "protocolVersion", "resources", "restartPolicy"),
        *("runtime", "runtimeVersion", "startupProbe", "storageUri", "storageUris"),
        *("imagePullPolicy", "livenessProbe", "readinessProbe"),
    ]
)
"""Fields that are carried, or written anew as the kind has them."""


def put_identity(draft: Draft, request: Request) -> None:
    """Name, labels and annotations."""
    put_metadata(draft, request)
    server = request.server
    if server is None:
        return
    if server.queue:
        draft.put(_QUEUE, server.queue)
        draft.comments.pop(_QUEUE, None)
    notes = inside(_given(request).body, "metadata", "annotations")
    for key, value in notes.items():
        if key.startswith("opendatahub.io/hardware-profile-"):
            draft.put(("metadata", "annotations", key), value)
            draft.comments.pop(("metadata", "annotations", key), None)


def put_pod(draft: Draft, at: Path, request: Request) -> None:
    """Where the pod runs, and as whom."""
    if request.given is None:
        put_scheduling(draft, at, request)
        return
    pod = request.given.pod
    for key in _POD:
        draft.put((*at, key), copy.deepcopy(pod.get(key)))
    complete_pod(draft, at, pod, request)


def put_amounts(draft: Draft, at: Path, request: Request) -> None:
    """CPUs, memory and accelerators of the container at a path."""
    if request.given is None:
        put_resources(draft, (*at, "resources"), request)
        return
    container = request.given.container
    draft.put((*at, "resources"), copy.deepcopy(container.get("resources")))
    for key in _CONTAINER:
        draft.put((*at, key), copy.deepcopy(container.get(key)))
    _put_merged_amounts(draft, (*at, "resources"), container, request)
    complete_amounts(draft, at, container, request)


def _put_merged_amounts(draft: Draft, at: Path, container: Data, request: Request) -> None:
    """What only a configuration says with which the file's container is merged, or its runtime."""
    there = {*inside(container, "resources", "limits"), *inside(container, "resources", "requests")}
    if request.gpus and request.server_resource not in there:
        for part in ("requests", "limits"):
            draft.put((*at, part, request.server_resource), str(request.gpus))
    if request.cpu_milli is not None and "cpu" not in there:
        draft.put((*at, "requests", "cpu"), cpu_text(request.cpu_milli))
    if request.memory_mib is not None and "memory" not in there:
        draft.put((*at, "requests", "memory"), memory_text(request.memory_mib))


def put_shared_memory(draft: Draft, at: Path, pod_at: Path, request: Request) -> None:
    """The volume at /dev/shm."""
    given = request.given
    mount, volume = _shared_memory(given) if given is not None else ({}, {})
    if volume:
        draft.put((*at, "volumeMounts"), [mount])
        draft.put((*pod_at, "volumes"), [volume])
    elif given is not None:
        complete_shared_memory(draft, at, pod_at, {}, request)
    else:
        put_new_shared_memory(draft, at, pod_at, request)


def put_environment(draft: Draft, at: Path, request: Request) -> None:
    """Variables: those with a value, and those that name a Secret or another object."""
    items, left = _environment(request)
    draft.put((*at, "env"), items)
    container = _given(request).container
    draft.put((*at, "envFrom"), copy.deepcopy(container.get("envFrom")))
    if left:
        why = f"not here, since their values may be secrets: {', '.join(left)}; take them from a Secret"
        draft.comments[*at, "env" if items else "name"] = why


def put_left_out(draft: Draft, request: Request) -> None:
    """A comment that names what the file's object says besides, and this one does not."""
    given = _given(request)
    own = {
        *(key for key in given.container if key not in (*_ANEW, *_CONTAINER, "volumeMounts")),
        *(key for key in given.pod if key not in (*_ANEW, *_POD, "volumes")),
        *(f"volume {one.get('name')}" for one in _other_volumes(given)),
    }
    if given.container.get("lifecycle"):
        own.add("lifecycle")
    if own:
        kind = request.kind
        draft.comments["spec",] = f"left out of what the {kind} of the file says: {', '.join(sorted(own))}"


def environment(request: Request) -> list[Data]:
    """The variables, as a container's `env` has them."""
    return _environment(request)[0]


def _given(request: Request) -> Given:
    return request.given or Given(body={})


def _other_volumes(given: Given) -> Iterator[Data]:
    memory = _shared_memory(given)[1].get("name")
    for one in given.pod.get("volumes") or ():
        if isinstance(one, dict) and one.get("name") != memory:
            yield one


def _shared_memory(given: Given) -> tuple[Data, Data]:
    """Mount and volume of /dev/shm; empty where it is no memory volume."""
    for mount in given.container.get("volumeMounts") or ():
        if str(mount.get("mountPath", "")).rstrip("/") == SHM_PATH:
            for volume in given.pod.get("volumes") or ():
                if volume.get("name") == mount.get("name") and "emptyDir" in volume:
                    return copy.deepcopy(mount), copy.deepcopy(volume)
    return {}, {}


def _environment(request: Request) -> tuple[list[Data], list[str]]:
    """The items, and the names of those that are left out."""
    written = [one for one in _given(request).container.get("env") or () if isinstance(one, dict)]
    named = {str(one.get("name")): one for one in written}
    values = _values(request, set(named))
    items: list[Data] = []
    left: list[str] = []
    for name, one in named.items():
        if "valueFrom" in one:
            items.append(copy.deepcopy(one))
        elif name not in values and name != "VLLM_ADDITIONAL_ARGS" and one.get("value"):
            left.append(name)
    items += [{"name": name, "value": value} for name, value in values.items() if name not in _refs(items)]
    return items, left


def _refs(items: list[Data]) -> set[Any]:
    return {one.get("name") for one in items}


def _values(request: Request, own: set[str]) -> dict[str, str]:
    """Those with a literal value; of a preset's only what the file itself says."""
    if request.kind == "LLMInferenceService":
        return {name: value for name, value in request.environment if name in own}
    runtime = request.runtime
    joined = runtime.environment if runtime is not None and request.kind == "InferenceService" else ()
    return {**dict(joined), **dict(request.environment)}
