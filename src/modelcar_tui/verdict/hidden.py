"""What decides how vLLM starts and is neither an argument that is read nor the GPU.

Files, variables, ranks that others start, and what Kubernetes refuses of the pod.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from modelcar_tui.cluster import APPLIED_TO
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.core.counting import several
from modelcar_tui.manifest import ModelCar
from modelcar_tui.verdict.runtime import RuntimeDoubt, runtime_environment
from modelcar_tui.vllm.arguments import (
    Argument,
    last_value,
    local_ranks,
    parse_arguments,
    pod_processes,
    served_args,
    tokens_in,
)

_DATA = "--data-parallel-size"
_VISIBLE = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_TRUE = ("1", "true", "yes", "on")
"""As huggingface_hub reads them (constants.py, ENV_VARS_TRUE_VALUES)."""


def hidden_doubt(car: ModelCar, cluster: AcceleratorReport, vllm: str | None) -> RuntimeDoubt | None:
    """The first of what keeps a GO from being said; what surely stops the server goes first."""
    arguments = parse_arguments(car.serving.whole, vllm)
    found = [one for each in _CHECKS for one in each(car, arguments, cluster, vllm)]
    return min(found, key=lambda one: not one.sure, default=None)


def _refused(
    car: ModelCar, _: tuple[Argument, ...], __: AcceleratorReport, ___: str | None
) -> Iterator[RuntimeDoubt]:
    refused = car.server.scheduling.whole.refused if car.server else ""
    if refused:
        fix = "write the same number into resources.requests and resources.limits"
        yield RuntimeDoubt(True, f"Kubernetes refuses the pod: {refused}", fix)


def _file(
    _: ModelCar, arguments: tuple[Argument, ...], __: AcceleratorReport, ___: str | None
) -> Iterator[RuntimeDoubt]:
    if last_value(arguments, "--config") is not None:
        why = "the file of --config may say any argument, and is not read"
        yield RuntimeDoubt(False, why, "write its arguments into the manifest")


def _variables(
    car: ModelCar, arguments: tuple[Argument, ...], cluster: AcceleratorReport, _: str | None
) -> Iterator[RuntimeDoubt]:
    if car.server is None:
        return
    known = runtime_environment(car, cluster)
    ranks = pod_processes(arguments, car.pods)
    for name in _VISIBLE:
        seen = [one for one in known.get(name, "").split(",") if one.strip()]
        if name in known and len(seen) < ranks:
            why = f"{name}={known[name]} shows vLLM {several(len(seen), 'GPU')}, and it wants {ranks}"
            yield RuntimeDoubt(True, why, f"delete {name}: the pod sees the GPUs that it asks for")
    if known.get("VLLM_USE_V1") == "0":
        why = "VLLM_USE_V1=0 asks for vLLM's engine V0, which is not judged here, and is gone since 0.11"
        yield RuntimeDoubt(False, why, "delete VLLM_USE_V1")
    offline = next((name for name in _OFFLINE if known.get(name, "").lower() in _TRUE), "")
    if offline and car.image.startswith("hf://") and car.kind not in APPLIED_TO:
        why = f"{offline} keeps vLLM from Hugging Face: whether a volume's cache holds the model is not known"
        yield RuntimeDoubt(False, why, f"delete {offline}, or name the model's folder")


def _elsewhere(
    car: ModelCar, arguments: tuple[Argument, ...], _: AcceleratorReport, __: str | None
) -> Iterator[RuntimeDoubt]:
    all_, here = tokens_in(last_value(arguments, _DATA)) or 1, local_ranks(arguments, car.pods)
    if here < all_:
        why = (
            f"{here} of {all_} data parallel ranks start here, and nothing here tells what starts the others"
        )
        yield RuntimeDoubt(False, why, "judge all of them by hand: each waits for the others")
    elif car.pods == 1 and any(one.name == "--headless" for one in arguments):
        why = "--headless starts ranks without an API: they wait for a head, which is not seen here"
        yield RuntimeDoubt(False, why, "delete --headless where this pod is to serve by itself")


def _offloaded(
    car: ModelCar, _: tuple[Argument, ...], __: AcceleratorReport, vllm: str | None
) -> Iterator[RuntimeDoubt]:
    limit = car.server.memory_limit_mib if car.server else None
    offload = served_args(car.serving, vllm).cpu_offload_gib if limit else 0.0
    if limit and offload * 1024 >= limit:
        most = f"the container's memory limit of {limit / 1024:g} GiB"
        why = f"--cpu-offload-gb={offload:g} may take more than {most}"
        yield RuntimeDoubt(False, why, "offload less, or raise resources.limits.memory")


_Check = Callable[[ModelCar, tuple[Argument, ...], AcceleratorReport, str | None], Iterator[RuntimeDoubt]]
_CHECKS: tuple[_Check, ...] = (_refused, _file, _variables, _elsewhere, _offloaded)
