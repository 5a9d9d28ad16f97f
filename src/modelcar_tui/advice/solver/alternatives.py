"""What would make a model run that can't run here: other GPUs, more of them, another variant."""

from __future__ import annotations

import msgspec

from modelcar_tui.advice.solver.search import Found, Search
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.hardware.products import gpu_for
from modelcar_tui.manifest.types import ModelCar
from modelcar_tui.models.catalog import same_model
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.pipelines import pipeline_fault
from modelcar_tui.vllm.runs_on import check
from modelcar_tui.vllm.support import Compatibility, Support

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


def what_would(
    car: ModelCar,
    facts: ModelFacts,
    gpu: Gpu,
    search: Search,
    vllm: str | None,
    blocked: Compatibility | None,
) -> tuple[str, ...]:
    """Short sentences, the nearest first: more of the same GPU, another GPU, a smaller variant; at most a
    few."""
    told: list[str] = []
    if blocked is None:
        here = _stages_here(facts, gpu, search, vllm)
        more = _more(facts, gpu, search, vllm)
        told += [here] if here else []
        told += [f"{more} x {gpu.product} on one node"] if more else []
        nodes = "" if told else _stages_over_nodes(facts, gpu, search, vllm)
        told += [nodes] if nodes else []
    other = _other(car, facts, gpu, search, vllm)
    if other:
        told.append(other)
    told += _smaller(car, gpu, vllm, blocked)
    return tuple(told[:_MOST])


def _more(facts: ModelFacts, gpu: Gpu, search: Search, vllm: str | None) -> int | None:
    """The fewest GPUs of this kind on which it is of use; None when even the eight of a usual node are
    not."""
    for count in _COUNTS:
        if (
            count > gpu.count
            and not search.hopeless(count, gpu.visible_gib.value)
            and _serves(facts, msgspec.structs.replace(gpu, count=count), count, search, vllm)
        ):
            return count
    return None


def _other(car: ModelCar, facts: ModelFacts, gpu: Gpu, search: Search, vllm: str | None) -> str:
    for count in _COUNTS:
        for product in _LADDER:
            card = gpu_for(product, count=count)
            hopeless = search.hopeless(count, card.visible_gib.value)
            if hopeless or card.product == gpu.product or not _runs_on(car, facts, card, vllm):
                continue
            if _serves(facts, card, count, search, vllm):
                return f"{count} x {card.product}"
    return ""


def _stages_here(facts: ModelFacts, gpu: Gpu, search: Search, vllm: str | None) -> str:
    """Pipeline stages on this node, where no tensor parallel size helps.

    A way out only: the QA suite sets the tensor parallel size to gpu_count, so stages would multiply the
    ranks beyond the GPUs of its pod.
    """
    sizes = sorted(search.sizes(), reverse=True)  # fewer stages wait less for each other
    for total in range(2, search.on_node + 1):
        if search.hopeless(total, gpu.visible_gib.value):
            continue
        for size in (size for size in sizes if size < total and not total % size):
            stages = total // size
            found = None if pipeline_fault(facts.config, stages, vllm) else search.serves(size, stages)
            if found is not None:
                return (
                    f"{total} of these GPUs with --tensor-parallel-size={size} "
                    f"--pipeline-parallel-size={stages}{_each(found)}, but under KServe alone: the QA suite "
                    f"sets tensor parallel to gpu_count, {total}, and would start {total * stages} ranks"
                )
    return ""


def _stages_over_nodes(facts: ModelFacts, gpu: Gpu, search: Search, vllm: str | None) -> str:
    """Pipeline stages over nodes like this one: more than a manifest can say."""
    size = max(search.sizes())
    for stages in _NODES:
        found = None if pipeline_fault(facts.config, stages, vllm) else search.serves(size, stages)
        if found is not None:
            return (
                f"{stages} nodes of {size} x {gpu.product} with "
                f"--pipeline-parallel-size={stages}{_each(found)}, but on KServe's multi-node runtime: "
                "neither the manifest nor the QA suite can ask for it"
            )
    return ""


def _each(found: Found) -> str:
    weights = found.estimate.weights_gib.value
    return "" if weights is None else f" ({weights:.1f} GiB of weights on each)"


def _serves(facts: ModelFacts, gpu: Gpu, count: int, search: Search, vllm: str | None) -> bool:
    args = search.args
    return Search(facts, gpu, args, count, vllm).serves(count) is not None


def _runs_on(car: ModelCar, facts: ModelFacts, gpu: Gpu, vllm: str | None) -> bool:
    answers = check(
        facts,
        vendor=gpu.vendor,
        compute_capability=gpu.compute_capability,
        product=gpu.product,
        vllm=vllm,
        catalog_reference=car.image,
    )
    return all(answer.support is not Support.UNSUPPORTED for answer in answers)


def _smaller(car: ModelCar, gpu: Gpu, vllm: str | None, blocked: Compatibility | None) -> list[str]:
    """Catalog variants with fewer bits that this GPU can run, smallest first."""
    if blocked is not None:
        return [f"the variant {blocked.nearest}"] if blocked.nearest else []
    named: list[tuple[int, str]] = []
    for entry in same_model(car.image):
        if not entry.listed or not entry.bits or entry.repository in car.image:
            continue
        own = next((other.bits for other in same_model(car.image) if other.repository in car.image), 16) or 16
        answers = check(
            ModelFacts(),
            vendor=gpu.vendor,
            compute_capability=gpu.compute_capability,
            product=gpu.product,
            vllm=vllm,
            catalog_reference=entry.repository,
        )
        if entry.bits < own and answers[0].support in (Support.NATIVE, Support.AT_A_COST):
            named.append((entry.bits, f"the {entry.bits}-bit variant registry.redhat.io/{entry.repository}"))
    return [text for _, text in sorted(named)[:1]]
