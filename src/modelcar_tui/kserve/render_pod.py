"""What every pod that serves a model gets: amounts, shared memory, a startup probe, its place on a node.

Amounts of the QA suite: opendatahub-tests, tests/model_serving/model_runtime/vllm/constant.py,
PREDICT_RESOURCES. Shared memory of one GPU: the preset of an LLMInferenceService (kserve,
config/llmisvcconfig/config-llm-template.yaml).
"""

from __future__ import annotations

import math
from typing import Any

from modelcar_tui.cluster import PROFILE_NAME, PROFILE_NAMESPACE, PodShape
from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.facts import GIB
from modelcar_tui.kserve.render_draft import Draft, Path
from modelcar_tui.kserve.render_place import Place
from modelcar_tui.kserve.render_request import Request
from modelcar_tui.qa import SUITE_READY_S, cold_start_s
from modelcar_tui.vllm.arguments import last_value, parse_arguments

QUEUE = "kueue.x-k8s.io/queue-name"
SHM, SHM_PATH = "dshm", "/dev/shm"  # noqa: S108 - a mount of the pod, not a folder of ours
_SHM_ONE, _SHM_MANY = 1024, 16 * 1024
"""MiB."""
_MORE_CPU, _MORE_MIB = 1000, 1024
"""The suite's limits above its requests: thousandths of a CPU, MiB."""
_PERIOD_S, _LEAST_S, _SLACK = 10, 600.0, 1.5
"""The preset's probe waits 60 times 10 s; a load may take half as long again as the one that was measured."""


def placed(request: Request) -> Place:
    """The request's place.

    Raises:
        UserError: no accelerator is known, so none can be asked for.
    """
    if request.place is not None:
        return request.place
    server = request.server
    if server is not None and (server.resource or not request.gpus):
        return Place(resource=server.resource)
    what = "which accelerator its pod asks for is not known: no usable GPU was found"
    fix = "state the GPUs: --gpu PRODUCT:COUNT, or log in to the cluster"
    raise UserError(Problem(where=request.title, what=what, fix=fix, code="no-accelerator"))


def put_resources(draft: Draft, at: Path, request: Request) -> None:
    """CPUs, memory and accelerators, requested and at most."""
    suite, place = PodShape(), placed(request)
    cpu, memory = request.cpu_milli or suite.cpu_milli, request.memory_mib or suite.memory_mib
    told = request.cpu_milli is not None and request.memory_mib is not None
    who = "as the runtime says" if told else "as the QA suite's pods have them, where the runtime says none"
    most, why = most_memory(request, memory)
    gpus = {place.resource: str(request.gpus)} if request.gpus else {}
    amounts = {"cpu": cpu_text(cpu), "memory": memory_text(memory), **gpus}
    draft.put((*at, "requests"), amounts, f"CPUs and memory {who}")
    draft.put(
        (*at, "limits"),
        {"cpu": cpu_text(cpu + _MORE_CPU), "memory": memory_text(most), **gpus},
        f"memory: {why}",
    )
    on = f"{place.card}{f' of {place.node}' if place.node else ''}"
    if gpus and (reasons := [text for text in (on if place.card else "", request.gpus_why) if text]):
        draft.comments[*at, "requests", place.resource] = "; ".join(reasons)


def most_memory(request: Request, asked: int) -> tuple[int, str]:
    """The limit of a container that asks for so many MiB, and its reason.

    Weights that are read stand in the page cache, which counts.
    """
    usual = asked + _MORE_MIB
    if request.weight_bytes is None:
        return usual, "the size of the weights is not known; raise it where the pod is OOMKilled as it loads"
    weights = math.ceil(request.weight_bytes / GIB)
    told = f"the weights have {weights} GiB ({request.weights_from})"
    return max(
        usual, weights * 1024 + _MORE_MIB
    ), f"{told}, and what is read of them counts until it is dropped"


def shared_memory(request: Request) -> tuple[int, str]:
    """MiB of `/dev/shm`, and why: 64, which a container has by itself, are too few for several GPUs."""
    if request.gpus <= 1:
        return _SHM_ONE, "as KServe's preset for one GPU has it"
    told = several(request.gpus, "process", "processes")
    return _SHM_MANY, f"{told} exchange tensors there; as the QA suite has it"


def put_shared_memory(draft: Draft, container: Path, pod: Path, request: Request) -> None:
    """`/dev/shm` in memory, as the only volume."""
    size, why = shared_memory(request)
    draft.put((*container, "volumeMounts"), [{"name": SHM, "mountPath": SHM_PATH}])
    volume = {"name": SHM, "emptyDir": {"medium": "Memory", "sizeLimit": memory_text(size)}}
    draft.put((*pod, "volumes"), [volume])
    draft.comments[*pod, "volumes", 0] = f"{SHM_PATH}: {why}; it counts as the container's memory"


def put_startup_probe(draft: Draft, at: Path, request: Request, get: dict[str, Any] | None) -> None:
    """A probe that waits as long as the model may take to load.

    Args:
        draft: it is put into.
        at: the container.
        request: whose size decides.
        get: `httpGet`; None leaves it to what the object is merged with.
    """
    seconds, why = startup_s(request)
    tries = math.ceil(seconds / _PERIOD_S)
    probe: dict[str, Any] = {} if get is None else {"httpGet": get}
    draft.put((*at, "startupProbe"), {**probe, "periodSeconds": _PERIOD_S, "failureThreshold": tries}, why)


def startup_s(request: Request) -> tuple[float, str]:
    """How long it may take until the model answers, in seconds, and why."""
    size, source = request.image_bytes, request.image_from
    if size is None:
        size, source = request.weight_bytes, request.weights_from
    if size is None:
        wait = f"{SUITE_READY_S / 60:.0f} min, as long as the QA suite waits"
        return SUITE_READY_S, f"the model's size is not known, nor how long it loads: {wait}"
    likely = cold_start_s(size)
    seconds = max(_LEAST_S, likely * _SLACK)
    told = f"{size / GIB:.1f} GiB ({source}) are likely pulled and loaded after {_minutes(likely)}"
    return seconds, f"{told}; it is given up after {_minutes(seconds)}"


def http_get(request: Request) -> dict[str, Any]:
    """`/health` on the port on which vLLM listens, as its arguments and its runtime say."""
    runtime = request.runtime
    given = parse_arguments((*(runtime.args if runtime else ()), *request.args), None)
    port = last_value(given, "--port") or ""
    stated = int(port) if port.isdecimal() and len(port) < 6 else (runtime.port if runtime else None)
    get: dict[str, Any] = {"path": "/health", "port": stated or _container_port(request)}
    return {**get, "scheme": "HTTPS"} if last_value(given, "--ssl-certfile") else get


def _container_port(request: Request) -> int:
    """As the file's container says it; else that of the runtimes of OpenShift AI, or vLLM's own."""
    container = request.given.container if request.given is not None else {}
    ports = [one.get("containerPort") for one in container.get("ports") or () if isinstance(one, dict)]
    found = next((one for one in ports if isinstance(one, int)), None)
    return found or (8000 if "command" in container or "image" in container else 8080)


def put_metadata(draft: Draft, request: Request) -> None:
    """Name, labels and annotations by which OpenShift AI's dashboard and webhooks know an object."""
    place = placed(request)
    draft.put("metadata.name", request.name)
    draft.put("metadata.namespace", request.namespace)
    draft.put(("metadata", "labels", "opendatahub.io/dashboard"), "true")
    if queue := queue_of(place):
        why = "the namespace is Kueue's: what names no queue is never admitted"
        draft.put(("metadata", "labels", QUEUE), queue, why)
    draft.put(("metadata", "annotations", "openshift.io/display-name"), request.title)
    draft.put(("metadata", "annotations", "opendatahub.io/model-type"), "generative")
    if (profile := place.profile) is not None:
        gives = f"queue {profile.queue}" if profile.queue else "tolerations"
        why = f"its {gives} get the pod onto {place.node}, which is tainted: {', '.join(place.taints)}"
        draft.put(("metadata", "annotations", PROFILE_NAME), profile.name, why)
        draft.put(("metadata", "annotations", PROFILE_NAMESPACE), profile.namespace)


def queue_of(place: Place) -> str:
    """The profile's, else the namespace's where it has one alone."""
    if place.profile is not None and place.profile.queue:
        return place.profile.queue
    return place.queues[0] if len(place.queues) == 1 else ""


def put_scheduling(draft: Draft, at: Path, request: Request) -> None:
    """Tolerations, node selector, scheduler and pull secrets of the pod."""
    place = placed(request)
    rows = [
        {name: text for name, text in zip(("key", "operator", "value", "effect"), row, strict=True) if text}
        for row in place.tolerations
    ]
    why = f"{place.node} is tainted ({', '.join(place.taints)}), and no hardware profile gives them"
    draft.put((*at, "tolerations"), rows, why if place.taints else "")
    pinned = f"it runs on {place.card} only, and other cards are asked for by the same name"
    draft.put((*at, "nodeSelector"), dict(place.selector), pinned)
    draft.put((*at, "schedulerName"), place.scheduler)
    draft.put((*at, "imagePullSecrets"), [{"name": name} for name in request.pull_secrets])


def cpu_text(milli: int) -> str:
    """A quantity: `2`, `2500m`."""
    return f"{milli}m" if milli % 1000 else str(milli // 1000)


def memory_text(mib: int) -> str:
    """A quantity: `16Gi`, `15500Mi`."""
    return f"{mib}Mi" if mib % 1024 else f"{mib // 1024}Gi"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{math.ceil(seconds / 60)} min"
