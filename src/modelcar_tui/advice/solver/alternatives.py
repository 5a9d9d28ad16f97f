"""What would make a model run that can't run here: more GPUs, another variant, other GPUs.

Each is judged before it is named, by the same estimate and the same tables as the arguments: what is refused
there, or is larger than what does not fit here, is no way out.
"""

from __future__ import annotations

import msgspec

from modelcar_tui.advice.solver.checks import blocked_by, checked
from modelcar_tui.advice.solver.search import Found, Search
from modelcar_tui.advice.solver.tuning import EXPERTS
from modelcar_tui.advice.solver.variants import serves_here, smaller_variant
from modelcar_tui.hardware import Gpu, gpu_for
from modelcar_tui.manifest import ModelCar
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm import pipeline_fault
from modelcar_tui.vllm.quantization import Compatibility

_LADDER = (
    "NVIDIA-L4",
    "NVIDIA-L40S",
    "NVIDIA-A100-SXM4-80GB",
    "NVIDIA-H100-80GB-HBM3",
    "NVIDIA-H200",
    "NVIDIA-B200",
)
_COUNTS = (1, 2, 4, 8)
_NODES = (2, 3, 4)
_MOST = 3


class Case(msgspec.Struct, frozen=True):
    """What does not run, or only with a context that is too short."""

    car: ModelCar
    facts: ModelFacts
    gpu: Gpu
    search: Search
    vllm: str | None
    whole: bool = False
    """Whether a way out has to hold all of the context that users need: it runs here with less."""


def what_would(case: Case, blocked: Compatibility | None) -> tuple[str, ...]:
    """Short sentences, the nearest first: more of the same GPU, a smaller variant, other GPUs; at most a
    few.

    Args:
        case: the model and the GPUs.
        blocked: what is refused here whatever the memory; None where it is the memory.
    """
    gpu = case.gpu
    if blocked is not None:
        variant = blocked.nearest if usable(case, blocked) else ""
        told = [f"the variant {variant}" if variant else "", _other(case)]
    else:
        here, more = _stages_here(case), _more(case)
        smaller = smaller_variant(case.car.image, case.facts, gpu, case.search, case.vllm, whole=case.whole)
        told = [here, more, smaller]
        told += ["" if here or more else _stages_over_nodes(case), _other(case)]
    return tuple(way for way in told if way)[:_MOST]


def usable(case: Case, blocked: Compatibility) -> bool:
    """Whether the variant that runs on this kind of GPU fits there, too."""
    near = blocked.nearest
    return bool(near) and serves_here(near, case.facts, case.gpu, case.search, case.vllm)


def _more(case: Case) -> str:
    """The fewest GPUs of this kind on which it is of use; empty when even the eight of a usual node are
    not."""
    gpu = case.gpu
    for count in _COUNTS:
        if count > gpu.count and not case.search.hopeless(count, gpu.visible_gib.value):
            found = _serves(case, msgspec.structs.replace(gpu, count=count))
            if found is not None:
                return f"{count} x {gpu.product} on one node{_with_experts(found)}"
    return ""


def _other(case: Case) -> str:
    """The fewest and smallest GPUs of another kind."""
    args = case.search.serving.whole
    for count in _COUNTS:
        for product in _LADDER:
            card = gpu_for(product, count=count)
            hopeless = case.search.hopeless(count, card.visible_gib.value)
            if hopeless or card.product == case.gpu.product:
                continue
            if blocked_by(checked(case.car.image, args, case.facts, card, case.vllm)) is not None:
                continue
            found = _serves(case, card)
            if found is not None:
                return f"{count} x {card.product}{_with_experts(found)}"
    return ""


def _stages_here(case: Case) -> str:
    """Pipeline stages on this node, where no tensor parallel size helps.

    A way out only: the QA suite sets the tensor parallel size to gpu_count, so stages would multiply the
    ranks beyond the GPUs of its pod.
    """
    search = case.search
    sizes = sorted(search.sizes(), reverse=True)  # fewer stages wait less for each other
    for total in range(2, search.on_node + 1):
        if search.hopeless(total, case.gpu.visible_gib.value):
            continue
        for size in (size for size in sizes if size < total and not total % size):
            stages = total // size
            found = _staged(case, size, stages)
            if found is not None:
                flags = f"--tensor-parallel-size={size} {_staging(found, stages)}"
                return (
                    f"{total} of these GPUs with {flags}, but under KServe alone: the QA suite sets tensor "
                    f"parallel to gpu_count, {total}, and would start {total * stages} ranks"
                )
    return ""


def _stages_over_nodes(case: Case) -> str:
    """Pipeline stages over nodes like this one: more than a manifest can say."""
    size = max(case.search.sizes(), default=1)
    for stages in _NODES:
        found = _staged(case, size, stages)
        if found is not None:
            return (
                f"{stages} nodes of {size} x {case.gpu.product} with {_staging(found, stages)}, but on "
                "KServe's multi-node runtime: neither the manifest nor the QA suite can ask for it"
            )
    return ""


def _staged(case: Case, size: int, stages: int) -> Found | None:
    fault = pipeline_fault(case.facts.config, stages, case.vllm)
    return None if fault else case.search.serves(size, stages, whole=case.whole)


def _with_experts(found: Found) -> str:
    return f" with {EXPERTS}" if found.tuning.experts else ""


def _staging(found: Found, stages: int) -> str:
    """The flags of a pipeline, and what each GPU of it holds."""
    flags = f"--pipeline-parallel-size={stages}" + (f" {EXPERTS}" if found.tuning.experts else "")
    weights = found.estimate.weights_gib.value
    return flags if weights is None else f"{flags} ({weights:.1f} GiB of weights on each)"


def _serves(case: Case, gpu: Gpu) -> Found | None:
    """With as many GPUs as the node of `gpu` has."""
    search = Search(case.facts, gpu, case.search.sized(gpu.count), case.vllm)
    return search.serves(gpu.count, whole=case.whole)
