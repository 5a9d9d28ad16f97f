"""Pods that run vLLM, and what makes such pods: Deployment, StatefulSet, LeaderWorkerSet, Job, ..."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from modelcar_tui.core.errors import Problem
from modelcar_tui.kube import whole
from modelcar_tui.manifest.kinds.command import CommandLine, command_line
from modelcar_tui.manifest.kinds.objects import KubeObject, below, text_below
from modelcar_tui.manifest.kinds.places import CountPlace, Path, Place
from modelcar_tui.manifest.kinds.pods import (
    accelerator_of,
    amounts_of,
    containers_of,
    count_places,
    environment_of,
    may_tell,
    names_of,
    scheduling_of,
    shm_of,
    texts,
)
from modelcar_tui.manifest.kinds.requests import File, Found, Read, read_of
from modelcar_tui.manifest.kinds.starting import port_of, starting, withheld_of
from modelcar_tui.manifest.kinds.weights import Weights, weights_of
from modelcar_tui.manifest.kinds.workers import unlike
from modelcar_tui.manifest.limits import MAX_GPUS, shorten
from modelcar_tui.manifest.spans import Mapping, Node, deref, walk
from modelcar_tui.manifest.types import Server
from modelcar_tui.manifest.variables import references

_TEMPLATE: Path = ("spec", "template", "spec")
_TEMPLATES: dict[str, Path] = {"Pod": ("spec",), "PodTemplate": ("template", "spec")}
_COUNTS = {"Job": "parallelism", "Pod": "", "PodTemplate": "", "DaemonSet": ""}
"""Which field of `spec` says how many pods there are, where it is not `replicas`."""
_LEAST = {"HorizontalPodAutoscaler": "minReplicas", "ScaledObject": "minReplicaCount"}
"""What scales other objects, and its field for the least replicas."""
WORKLOADS = (
    *(("", "Pod"), ("", "PodTemplate"), ("", "ReplicationController"), ("batch", "Job")),
    *(("apps", kind) for kind in ("Deployment", "StatefulSet", "ReplicaSet", "DaemonSet")),
    *(("apps.openshift.io", "DeploymentConfig"), ("argoproj.io", "Rollout")),
)
LEADER_WORKER_SET = ("leaderworkerset.x-k8s.io", "LeaderWorkerSet")
_QUEUE, _PROFILE = "kueue.x-k8s.io/queue-name", "opendatahub.io/hardware-profile-name"
_GROUP = ("spec", "leaderWorkerTemplate")


@dataclass(frozen=True, slots=True)
class _Pod:
    """A pod's specification, where it stands, and what of its object counts for it."""

    spec: Node
    path: Path
    meta: tuple[Node, ...]
    """The objects whose labels and annotations count for the pod: its own, then its owner's."""
    known: tuple[tuple[str, str], ...] = ()
    """Variables that a controller gives each container."""


def read_workload(obj: KubeObject, file: File) -> Iterator[Read]:
    """What the pods of one of `WORKLOADS` serve by vLLM."""
    path = _TEMPLATES.get(obj.kind, _TEMPLATE)
    spec = obj.at(*map(str, path))
    if spec is None:
        return
    template = obj.at(*map(str, path[:-1])) if len(path) > 1 else None
    pod = _Pod(spec, (*obj.path, *path), tuple(one for one in (template, obj.root) if one is not None))
    copies, doubt = _copies(obj, file)
    for found in _served(obj, pod, file):
        yield read_of(replace(found, copies=copies, open=(*found.open, *doubt)))


def read_leader_worker_set(obj: KubeObject, file: File) -> Iterator[Read]:
    """What the groups of a LeaderWorkerSet serve: one copy is a leader and its workers."""
    size, unsized = _number(obj, file, *_GROUP, "size")
    known = (("LWS_GROUP_SIZE", str(size)),) if not unsized else ()
    worker = _member(obj, "workerTemplate", known)
    leader = _member(obj, "leaderTemplate", known) or worker
    if leader is None:
        return
    copies, uncounted = _number(obj, file, "spec", "replicas")
    for found in _served(obj, leader, file):
        more, counts = _workers(found, leader, worker, size, file)
        place = replace(found.place, gpus=(*found.place.gpus, *counts))
        problems = (*found.open, *unsized, *uncounted, *more)
        yield read_of(replace(found, copies=copies, pods=max(size, 1), place=place, open=problems))


def _member(obj: KubeObject, key: str, known: tuple[tuple[str, str], ...]) -> _Pod | None:
    path = (*_GROUP, key, "spec")
    spec, template = obj.at(*path), obj.at(*path[:-1])
    if spec is None or template is None:
        return None
    return _Pod(spec, (*obj.path, *path), (template, obj.root), known)


def _workers(
    found: Found, leader: _Pod, worker: _Pod | None, size: int, file: File
) -> tuple[list[Problem], list[CountPlace]]:
    """What the workers have otherwise than the leader, and where their GPU counts stand."""
    if worker is None or worker is leader or size < 2:
        return [], []
    problems: list[Problem] = []
    counts: list[CountPlace] = []
    for container, path in containers_of(worker.spec, worker.path):
        resource, gpus = accelerator_of(container)
        if not resource:
            continue
        counts += count_places(container, path, resource)
        if (resource, gpus) != (found.server.resource, found.gpus):
            what = f"a worker asks for {gpus} {shorten(resource)}, the leader for {found.gpus}"
            fix = "ask for the same in leaderTemplate and workerTemplate"
            problems.append(file.told.problem(container, what, fix, "workers-differ"))
        problems += unlike(found.server.scheduling, found.server.image, worker.spec, container, file.told)
        line = _line(container, path, worker, file)
        if line.program and line.words != found.place.words:
            what = "the workers start vLLM with arguments of their own, which are not judged"
            fix = "compare them with the leader's by hand"
            problems.append(file.told.problem(container, what, fix, "workers-differ"))
    return problems, counts


def _served(obj: KubeObject, pod: _Pod, file: File) -> Iterator[Found]:
    """Each container of a pod that runs vLLM, or may; else what the pod's accelerators are for is said."""
    lines = [(one, path, _line(one, path, pod, file)) for one, path in containers_of(pod.spec, pod.path)]
    serving = [one for one in lines if one[2].program] or [one for one in lines if one[2].open]
    for index, (container, path, line) in enumerate(serving):
        found = _found(obj, pod, container, path, line, file)
        if index:
            found = replace(found, name=f"{found.name}/{text_below(container, 'name')}")
        yield found
    asking = [one for one, *_ in lines if accelerator_of(one)[0]]
    if asking and not serving:
        what = f"{obj.kind} {shorten(obj.name)} asks for accelerators, but is not known to run vLLM"
        file.told.warn(asking[0], what, "count what it takes of the cluster by hand", "not-vllm")


def _line(container: Mapping, path: Path, pod: _Pod, file: File) -> CommandLine:
    return command_line(container, path, dict(pod.known) | dict(environment_of(container)), file.told)


def _found(
    obj: KubeObject, pod: _Pod, container: Mapping, path: Path, line: CommandLine, file: File
) -> Found:
    script = tuple((name, value) for name, value in line.environment if may_tell(name, value))
    used = {name for word in (line.model, *line.words) for name in references(word)}
    known = {name: value for name, value in pod.known if name in used}
    environment = known | dict(environment_of(container)) | dict(script)
    weights = Weights("", None)
    if line.program:
        weights = weights_of(pod.spec, container, line, environment, file.told)
    resource, count = accelerator_of(container)
    problems = [*line.open, *weights.open, *_uncounted(container, resource, count, file)]
    gpus = count_places(container, path, resource)
    return Found(
        object=obj,
        name=obj.name or text_below(container, "name") or obj.kind.lower(),
        image=weights.image,
        image_node=weights.node,
        place=Place(
            document=obj.document,
            words=line.words,
            parts=line.parts,
            grows=line.grows,
            parent=line.parent,
            gpus=tuple(gpus),
            gpus_parent=None if gpus else path,
        ),
        gpus=max(count or 0, 0),
        server=_server(pod, container, resource, tuple(environment.items())),
        open=tuple(problems),
    )


def _server(pod: _Pod, container: Mapping, resource: str, environment: tuple[tuple[str, str], ...]) -> Server:
    cpu, memory, limit = amounts_of(container)
    start = starting(container)
    return Server(
        told_by=f"container {shorten(text_below(container, 'name'))}".rstrip(),
        image=text_below(container, "image"),
        environment=environment,
        resource=resource,
        cpu_milli=cpu,
        memory_mib=memory,
        memory_limit_mib=limit,
        shm_mib=shm_of(pod.spec, container),
        scheduling=scheduling_of(pod.spec, container),
        scheduler=text_below(pod.spec, "schedulerName"),
        service_account=text_below(pod.spec, "serviceAccountName"),
        pull_secrets=names_of(below(pod.spec, "imagePullSecrets")),
        queue=_of_meta(pod, "labels", _QUEUE),
        profile=_of_meta(pod, "annotations", _PROFILE),
        priority_class=text_below(pod.spec, "priorityClassName"),
        starts=start.words,
        script=start.script,
        port=port_of(container),
        withheld=withheld_of(container),
    )


def _of_meta(pod: _Pod, kind: str, key: str) -> str:
    return next((text for one in pod.meta if (text := text_below(one, "metadata", kind, key))), "")


def _uncounted(container: Mapping, resource: str, count: int | None, file: File) -> Iterator[Problem]:
    """What keeps the number of GPUs from being known."""
    if resource and (count is None or not 0 <= count <= MAX_GPUS):
        what = f"how many {shorten(resource)} the container asks for is not understood"
        yield file.told.problem(container, what, "write a whole number", "gpus-unknown")
    claims = below(container, "resources", "claims")
    if claims is not None and not resource:
        what = "the container takes its devices by a resource claim, whose number of GPUs is not read"
        fix = "ask for the accelerator in `resources.limits`, or count by hand"
        yield file.told.problem(claims, what, fix, "gpus-unknown")


def _copies(obj: KubeObject, file: File) -> tuple[int, tuple[Problem, ...]]:
    field = _COUNTS.get(obj.kind, "replicas")
    if obj.kind == "DaemonSet":
        what = "a DaemonSet runs one pod on each node that fits, so how many there are is not known"
        fix = "use a Deployment with `replicas`, or count the nodes by hand"
        return 1, (file.told.problem(obj.root, what, fix, "copies-unknown"),)
    scaler = _scaler(obj, file)
    if scaler is not None:
        return _number(scaler, file, "spec", _LEAST[scaler.kind])
    return _number(obj, file, "spec", field) if field else (1, ())


def _scaler(obj: KubeObject, file: File) -> KubeObject | None:
    """The object of the file that sets another one's replicas."""
    for one in file.objects:
        if one.kind in _LEAST and one.namespace == obj.namespace:
            target = one.at("spec", "scaleTargetRef") or one.root
            kind = text_below(target, "kind") or "Deployment"
            if (kind, text_below(target, "name")) == (obj.kind, obj.name):
                return one
    return None


def _number(obj: KubeObject, file: File, *keys: str) -> tuple[int, tuple[Problem, ...]]:
    """A whole number below some keys: 1 where none is written; not understood, it is 1 with a problem."""
    node = obj.at(*keys)
    if node is None:
        return 1, ()
    count = whole(texts(obj.at(*keys[:-1])).get(keys[-1]))
    if count is not None and 0 <= count <= MAX_GPUS:
        return count, ()
    what = f"`{keys[-1]}` is no whole number, so how many pods there are is not known"
    return 1, (file.told.problem(node, what, f"write {keys[-1]} as a plain number", "copies-unknown"),)


_KSERVE = "serving.kserve.io"


def tell_unread(obj: KubeObject, file: File) -> None:
    """Say of an object of a kind that has no reader that it starts vLLM or asks for accelerators."""
    if obj.group == _KSERVE:
        return
    for node in walk(obj.root):
        if not isinstance(node, Mapping):
            continue
        for container, _ in containers_of(node, ()):
            if accelerator_of(container)[0] or _names_vllm(container):
                what = f"{obj.kind} {shorten(obj.name)} starts vLLM or asks for accelerators, and is not read"
                fix = "judge a Deployment, InferenceService or LLMInferenceService with the same arguments"
                file.told.warn(container, what, fix, "kind-unread")
                return


def _names_vllm(container: Mapping) -> bool:
    words = [text_below(container, "image"), *_texts(below(container, "command"))]
    return any("vllm" in word.lower() for word in (*words, *_texts(below(container, "args"))))


def _texts(node: Node | None) -> Iterator[str]:
    for one in walk(deref(node)) if node is not None else ():
        yield getattr(one, "value", "")
