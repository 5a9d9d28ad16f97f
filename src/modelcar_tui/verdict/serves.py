"""What a Kubernetes manifest serves, in words: kind, namespace, source, runtime, pods; else nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from modelcar_tui.core.counting import several
from modelcar_tui.core.text import reveal
from modelcar_tui.manifest import PREFILL

if TYPE_CHECKING:
    from modelcar_tui.cluster.types import AcceleratorReport, Runtime
    from modelcar_tui.manifest import ModelCar, Server

_GIB = 1024


class Said(NamedTuple):
    """One row: what it is, and its text. Every text is revealed."""

    label: str
    text: str


def kind_words(car: ModelCar) -> str:
    """`InferenceService in chat`, `prefill of an LLMInferenceService in chat`; empty for a model-car."""
    if car.server is None:
        return ""
    part = "prefill of an " if car.prefill else ""
    where = f" in {car.namespace}" if car.namespace else ""
    return reveal(f"{part}{car.kind}{where}")


def long_words(car: ModelCar) -> str:
    """`InferenceService in chat, 2 replicas, hf://...`; empty for a model-car."""
    told = (kind_words(car), pods_words(car), source_words(car)) if car.server is not None else ()
    return ", ".join(filter(None, told))


def source_words(car: ModelCar) -> str:
    """Where the weights come from, as written."""
    return reveal(car.image) or "weights from a place that nothing says"


def pods_words(car: ModelCar) -> str:
    """`2 replicas`, `1 replica of 3 pods`; empty where it is one pod, or a model-car."""
    if car.server is None or (car.copies == 1 and car.pods == 1):
        return ""
    each = f" of {several(car.pods, 'pod')}" if car.pods > 1 else ""
    stopped = ": it is stopped" if not car.copies else ""
    return f"{several(car.copies, 'replica')}{each}{stopped}"


def partner_words(car: ModelCar, others: tuple[ModelCar, ...]) -> str:
    """`decode is qwen-pd: 2 replicas`: the other half of a pair; empty where there is none."""
    if car.server is None:
        return ""
    prefill = car.prefill
    name = car.name.removesuffix(PREFILL) if prefill else car.name + PREFILL
    found = next((one for one in others if one.name == name and one.kind == car.kind), None)
    if found is None:
        return ""
    gpus = several(found.serving.gpu_count, "GPU")
    pods = pods_words(found) or "1 replica"
    return f"{'decode' if prefill else 'prefill'} is {reveal(name)}: {pods}, {gpus} a pod"


def _runtime(car: ModelCar, cluster: AcceleratorReport | None) -> Runtime | None:
    # The engine has read this by then; the first frame must not.
    from modelcar_tui.verdict.runtime import runtime_of

    return runtime_of(car, cluster) if cluster is not None else None


def runtime_words(car: ModelCar, cluster: AcceleratorReport | None) -> str:
    """`ServingRuntime vllm-cuda, image quay.io/...:v0.10.1, vLLM 0.10.1`; empty for a model-car."""
    server, runtime = car.server, _runtime(car, cluster)
    if server is None:
        return ""
    image = server.image or (runtime.image if runtime is not None else "")
    version = runtime.version if runtime is not None else None
    told = [_who(server, runtime)]
    told += [f"image {image}" if image else "its image is not known"]
    told += [f"vLLM {version}" if version else "vLLM's release is not known"]
    return reveal(", ".join(filter(None, told)))


def _who(server: Server, runtime: Runtime | None) -> str:
    if not server.runtime:
        return server.told_by
    there = runtime is not None and runtime.name == server.runtime
    return f"ServingRuntime {server.runtime} ({'of the cluster' if there else 'not in the file'})"


def asks_words(car: ModelCar) -> str:
    """`2 nvidia.com/gpu, 8 CPUs, 32 GiB of RAM, 2 GiB of /dev/shm`: of one pod; empty for a model-car."""
    return reveal(", ".join(_asks(car, car.server))) if car.server is not None else ""


def _asks(car: ModelCar, server: Server) -> Iterator[str]:
    count = car.serving.gpu_count
    yield f"{count} {server.resource or 'GPUs'}" if count else "no GPU"
    if server.cpu_milli is not None:
        yield f"{server.cpu_milli / 1000:g} CPU{'s' * (server.cpu_milli != 1000)}"
    if server.memory_mib is not None:
        yield f"{server.memory_mib / _GIB:,.4g} GiB of RAM"
    if server.shm_mib:
        yield f"{server.shm_mib / _GIB:,.4g} GiB of /dev/shm"
    elif server.shm_mib == 0:
        yield "a /dev/shm without a limit of its own"


def served_rows(car: ModelCar, cluster: AcceleratorReport | None) -> Iterator[Said]:
    """All that a page of one model tells, in its order; nothing for a model-car."""
    server = car.server
    if server is None:
        return
    yield Said("source", source_words(car))
    yield Said("runtime", runtime_words(car, cluster))
    yield Said("a pod asks", asks_words(car))
    for label, value in (("profile", server.profile), ("queue", server.queue)):
        if value:
            yield Said(label, reveal(value))
    before = passed_words(car, cluster)
    if before:
        yield Said("arguments", before)
    own = "  ".join(map(reveal, car.serving.args)) or "none"
    yield Said("own" if before else "arguments", own)
    if server.environment:
        yield Said("env", "  ".join(reveal(f"{key}={value}") for key, value in server.environment))


def passed_words(car: ModelCar, cluster: AcceleratorReport | None) -> str:
    """`from ServingRuntime vllm-cuda, before its own: --max-num-seqs=256`; empty where nothing is passed."""
    server, runtime = car.server, _runtime(car, cluster)
    if server is None:
        return ""
    passed = runtime.args if runtime is not None else server.args
    told = f"from {_who(server, runtime)}, before its own: {'  '.join(passed)}"
    return reveal(told) if passed else ""


def not_clear(car: ModelCar, why: str) -> tuple[str, ...]:
    """What keeps it from a GO beside what `why` says already, each with what settles it."""
    left = (one for one in car.open if one.what not in why)
    return tuple(reveal(f"{one.what}; {one.fix}" if one.fix else one.what) for one in left)
