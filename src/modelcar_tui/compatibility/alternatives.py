"""What would make a model run that can't run here: other GPUs, more of them, another variant."""

from __future__ import annotations

import msgspec

from modelcar_tui.compatibility.quantization import check
from modelcar_tui.compatibility.search import Search
from modelcar_tui.compatibility.types import Compatibility, Support
from modelcar_tui.compatibility.variants import variants
from modelcar_tui.image.types import ModelFacts
from modelcar_tui.manifest.types import ModelCar
from modelcar_tui.sizing.gpus import gpu_for
from modelcar_tui.sizing.types import Gpu

_LADDER = (
    "NVIDIA-L4", "NVIDIA-L40S", "NVIDIA-A100-SXM4-80GB", "NVIDIA-H100-80GB-HBM3", "NVIDIA-H200", "NVIDIA-B200",
)  # fmt: skip
_COUNTS = (1, 2, 4, 8)
_MOST = 3


def what_would(
    car: ModelCar, facts: ModelFacts, gpu: Gpu, search: Search, vllm: str | None, blocked: Compatibility | None
) -> tuple[str, ...]:
    """Short sentences, the nearest first: more of the same GPU, another GPU, a smaller variant; at most a few."""
    told: list[str] = []
    if blocked is None:
        more = _more(facts, gpu, search, vllm)
        if more:
            told.append(f"{more} x {gpu.product} on one node")
    other = _other(car, facts, gpu, search, vllm)
    if other:
        told.append(other)
    told += _smaller(car, gpu, vllm, blocked)
    return tuple(told[:_MOST])


def _more(facts: ModelFacts, gpu: Gpu, search: Search, vllm: str | None) -> int | None:
    """The fewest GPUs of this kind on which something starts; None when even sixteen do not help."""
    for count in (2, 4, 8, 16):
        if count > gpu.count and _starts(facts, msgspec.structs.replace(gpu, count=count), count, search, vllm):
            return count
    return None


def _other(car: ModelCar, facts: ModelFacts, gpu: Gpu, search: Search, vllm: str | None) -> str:
    for count in _COUNTS:
        for product in _LADDER:
            card = gpu_for(product, count=count)
            if card.product == gpu.product or not _runs_on(car, facts, card, vllm):
                continue
            if _starts(facts, card, count, search, vllm):
                return f"{count} x {card.product}"
    return ""


def _starts(facts: ModelFacts, gpu: Gpu, count: int, search: Search, vllm: str | None) -> bool:
    args = search.args
    return Search(facts, gpu, args, count, vllm).starts_somehow(count)


def _runs_on(car: ModelCar, facts: ModelFacts, gpu: Gpu, vllm: str | None) -> bool:
    answers = check(
        facts, vendor=gpu.vendor, compute_capability=gpu.compute_capability, product=gpu.product, vllm=vllm,
        catalog_reference=car.image,
    )  # fmt: skip
    return all(answer.support is not Support.UNSUPPORTED for answer in answers)


def _smaller(car: ModelCar, gpu: Gpu, vllm: str | None, blocked: Compatibility | None) -> list[str]:
    """Catalog variants with fewer bits that this GPU can run, smallest first."""
    if blocked is not None:
        return [f"the variant {blocked.nearest}"] if blocked.nearest else []
    named: list[tuple[int, str]] = []
    for entry in variants(car.image):
        if not entry.listed or not entry.bits or entry.repository in car.image:
            continue
        own = next((other.bits for other in variants(car.image) if other.repository in car.image), 16) or 16
        answers = check(
            ModelFacts(), vendor=gpu.vendor, compute_capability=gpu.compute_capability, product=gpu.product,
            vllm=vllm, catalog_reference=entry.repository,
        )  # fmt: skip
        if entry.bits < own and answers[0].support in (Support.NATIVE, Support.AT_A_COST):
            named.append((entry.bits, f"the {entry.bits}-bit variant registry.redhat.io/{entry.repository}"))
    return [text for _, text in sorted(named)[:1]]
