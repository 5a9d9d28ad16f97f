"""One copy over several pods: what KServe makes of `workerSpec`.

`multiNodeProcess`, `computeRayNodeAndGPUs` and `computeMpNodeAndGPUs` of its predictor
(pkg/controller/v1beta1/inferenceservice/components/predictor.go), and `addGPUResourceToDeployment`, which
writes the GPU counts that those find into the pods.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest.kinds.joining import joined_container, joined_pod
from modelcar_tui.manifest.kinds.objects import below, text_below
from modelcar_tui.manifest.kinds.places import CountPlace, Path
from modelcar_tui.manifest.kinds.pods import (
    accelerator_of,
    containers_of,
    count_places,
    scheduling_of,
    texts,
)
from modelcar_tui.manifest.kinds.runtimes import ReadRuntime
from modelcar_tui.manifest.kinds.workers import unlike
from modelcar_tui.manifest.limits import MAX_GPUS, shorten
from modelcar_tui.manifest.spans import Mapping, Node, Scalar
from modelcar_tui.manifest.telling import Told

_DEFAULT_RESOURCE = "nvidia.com/gpu"
_MP = "mp"
_SIZES = ("pipelineParallelSize", "tensorParallelSize")
_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """The pods of one copy: a leader and its workers."""

    pods: int = 1
    gpus: int = 0
    """Of each pod."""
    resource: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    """What KServe adds to the leader's."""
    gpu_places: tuple[CountPlace, ...] = ()
    """Where the workers' count is written."""
    ranks: tuple[CountPlace, ...] = ()
    open: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Shape:
    """Pods, the GPUs of the leader and those of each worker."""

    pods: int
    head: int
    worker: int


def nodes_of(
    worker: Mapping, path: Path, name: str, leader: Node, pod: Node, runtime: ReadRuntime | None, told: Told
) -> Nodes:
    """What a predictor's `workerSpec` comes to.

    Args:
        worker: the `workerSpec` of the InferenceService.
        path: where it stands.
        name: the InferenceService's.
        leader: the container that serves, joined with the runtime's.
        pod: that it stands in.
        runtime: the one of the file; None where only the cluster has it.
        told: for the places of what is not understood.
    """
    theirs = runtime.worker if runtime is not None else None
    if runtime is not None and theirs is None:
        what = f"workerSpec is set, but {runtime.kind} {shorten(runtime.name)} has none: KServe refuses it"
        fix = "name a runtime for several nodes, or delete workerSpec"
        return Nodes(open=(told.problem(worker, what, fix, "worker-spec"),))
    sizes = {key: _size(worker, key) or _size(theirs, key) for key in _SIZES}
    missing = [key for key, size in sizes.items() if size is None]
    if runtime is None and missing:
        what = f"workerSpec says no {' and no '.join(missing)}, so the pods and GPUs of one copy are unknown"
        fix = "write it there, or put the ServingRuntime into this file"
        return Nodes(open=(told.problem(worker, what, fix, "worker-size"),))
    pipeline, tensor = (size or 1 for size in sizes.values())
    own, where = _container(worker, path)
    joined = _joined(_container(theirs, ())[0], own)
    shapes = _shapes(pipeline, tensor, leader, joined, runtime)
    asked = [accelerator_of(one)[0] for one in (leader, joined) if one is not None]
    resource = next(filter(None, asked), _DEFAULT_RESOURCE)
    return Nodes(
        pods=shapes[0].pods,
        gpus=shapes[0].head,
        resource=resource,
        environment=_environment(name, pipeline, tensor, shapes[0]),
        gpu_places=count_places(own, where, resource) if own is not None else (),
        ranks=_ranks(worker, path),
        open=(
            *_doubts(shapes, pipeline * tensor, worker, told),
            *_unlike(leader, pod, joined, theirs, worker, told),
        ),
    )


def _container(worker: Mapping | None, path: Path) -> tuple[Mapping | None, Path]:
    """The only container that KServe takes of a workerSpec."""
    return next(containers_of(worker, path), (None, path)) if worker is not None else (None, path)


def _joined(theirs: Mapping | None, own: Mapping | None) -> Mapping | None:
    return joined_container(theirs, own) if theirs is not None and own is not None else own or theirs


def _shapes(
    pipeline: int, tensor: int, leader: Node, worker: Node | None, runtime: ReadRuntime | None
) -> list[_Shape]:
    """What KServe makes of the sizes: one shape, or one for each way where the runtime is not known."""
    by_ranks = _Shape(pipeline, tensor, tensor)
    by_ray = _ray(pipeline * tensor, _requested(leader), _requested(worker) if worker else 0)
    if runtime is not None:
        return [by_ranks if runtime.backend == _MP else by_ray]
    return [by_ranks] if by_ranks == by_ray else [by_ranks, by_ray]


def _ray(total: int, head: int, worker: int) -> _Shape:
    """`computeRayNodeAndGPUs`; the counts as they are requested, 0 for none."""
    if worker > 0:
        pods = -(-total // worker)
        if head > 0 and total <= head:
            pods = 1
        if pods == 1:
            return _Shape(1, total, 0)
        return _Shape(pods, head or total - worker * (pods - 1), worker)
    if head > 0:
        return _Shape(1 + max(total - head, 0), head, 1)
    return _Shape(total, 1, 1)


def _requested(container: Node) -> int:
    """KServe looks at requests alone here, and at no limit."""
    requests: dict[str, Any] = texts(below(container, "resources", "requests"))
    resource, _ = accelerator_of(container)
    written = str(requests.get(resource, "")) if resource else ""
    return min(int(written), MAX_GPUS) if written.isdecimal() and len(written) < 10 else 0


def _doubts(shapes: list[_Shape], total: int, worker: Mapping, told: Told) -> list[Problem]:
    first = shapes[0]
    if len(shapes) > 1:
        what = (
            f"workerSpec makes {_said(first)} by multiprocessing, but {_said(shapes[1])} by Ray, and which "
            "one the runtime says"
        )
        fix = "put the ServingRuntime into this file"
        return [told.problem(worker, what, fix, "worker-backend")]
    if first.pods > 1 and first.head != first.worker:
        what = (
            f"the leader has {several(first.head, 'GPU')} and each worker {several(first.worker, 'GPU')}: "
            "only equal pods are judged"
        )
        fix = "give the workers as many GPUs as the leader"
        return [told.problem(worker, what, fix, "worker-gpus")]
    if first.head + first.worker * (first.pods - 1) < total:
        what = f"workerSpec needs {several(total, 'GPU')} and its pods have fewer: KServe refuses it"
        return [told.problem(worker, what, "raise the GPUs of the pods", "worker-gpus")]
    return []


def _unlike(
    leader: Node, pod: Node, container: Mapping | None, theirs: Mapping | None, own: Mapping, told: Told
) -> Iterator[Problem]:
    """What a worker's pod, joined of the runtime's and the service's, asks more than the leader's."""
    if container is not None:
        worker = joined_pod(theirs, own) if theirs is not None else own
        yield from unlike(scheduling_of(pod, leader), text_below(leader, "image"), worker, container, told)


def _said(shape: _Shape) -> str:
    pods = several(shape.pods, "pod")
    if shape.pods == 1 or shape.head == shape.worker:
        return f"{pods} of {several(shape.head, 'GPU')}"
    return f"{pods} (leader {several(shape.head, 'GPU')}, worker {several(shape.worker, 'GPU')})"


def _environment(name: str, pipeline: int, tensor: int, shape: _Shape) -> tuple[tuple[str, str], ...]:
    return (
        ("PIPELINE_PARALLEL_SIZE", str(pipeline)),
        ("TENSOR_PARALLEL_SIZE", str(tensor)),
        ("RAY_NODE_COUNT", str(shape.pods)),
        ("REQUEST_GPU_COUNT", str(shape.head)),
        ("MODEL_NAME", name),
    )


def _ranks(worker: Mapping, path: Path) -> tuple[CountPlace, ...]:
    node = below(worker, _SIZES[1])
    return (CountPlace((*path, _SIZES[1]), node),) if isinstance(node, Scalar) else ()


def _size(worker: Mapping | None, key: str) -> int | None:
    node = below(worker, key) if worker is not None else None
    text = node.value if isinstance(node, Scalar) else ""
    return min(int(text), _MOST) or None if text.isdecimal() and len(text) < 10 else None
