"""The catalog's other variants of a model, and which of them would serve on the GPUs at hand."""

from __future__ import annotations

from modelcar_tui.advice.solver.checks import blocked_by, checked
from modelcar_tui.advice.solver.search import Found, Search
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.hardware import Gpu
from modelcar_tui.models import CatalogImage, ModelFacts, find_catalog_image, images_of_same_model
from modelcar_tui.models.quantization import declared_scheme, schemes_by_id
from modelcar_tui.vllm.quantization import Support

_REGISTRY = "registry.redhat.io/"
_DECLARED_IN = ("quantization_config", "compression_config")


def smaller_variant(
    image: str, facts: ModelFacts, gpu: Gpu, search: Search, vllm: str | None, *, whole: bool
) -> str:
    """The variant with fewer bits that serves here, with room and natively if one does.

    Of those with room the one with the most bits, which loses the least of the answers; else the smallest.

    Empty where the catalog has none that is smaller, is not refused here and fits by the estimate.

    Args:
        image: the reference of the model's image, or its name.
        facts: of the model as it is.
        gpu: one unit, and how many a node has.
        search: of the model as it is.
        vllm: the release that serves.
        whole: with all of the context that users need; else with some of it.
    """
    own = _bits(image, facts)
    named = [
        entry for entry in images_of_same_model(image) if entry.listed and entry.bits and entry.bits < own
    ]
    best: tuple[tuple[bool, bool, int], str] | None = None
    for entry in named:
        native, found = _serves(entry, facts, gpu, search, vllm, whole=whole)
        if found is None:
            continue
        roomy, bits = not found.estimate.tight and found.tuning.utilization is None, entry.bits or 0
        rank = (roomy, native, bits if roomy else -bits)
        if best is None or rank > best[0]:
            best = rank, f"the {bits}-bit variant {_REGISTRY}{entry.repository}"
    return best[1] if best else ""


def serves_here(reference: str, facts: ModelFacts, gpu: Gpu, search: Search, vllm: str | None) -> bool:
    """Whether the image that `reference` names, a variant of this model, would serve on these GPUs."""
    entry = find_catalog_image(reference.removeprefix(_REGISTRY))
    return entry is not None and _serves(entry, facts, gpu, search, vllm, whole=False)[1] is not None


def _bits(image: str, facts: ModelFacts) -> int:
    """Of the model as it is: what its checkpoint declares, else what the catalog or its name says."""
    schemes = declared_scheme(facts, reference=image).schemes
    entry = find_catalog_image(image.partition("@")[0].removeprefix("oci://").partition(":")[0])
    told = facts.bits.value or (entry.bits if entry else None) or 16
    return min((schemes_by_id()[scheme].bits for scheme in schemes), default=told)


def _serves(
    entry: CatalogImage, facts: ModelFacts, gpu: Gpu, search: Search, vllm: str | None, *, whole: bool
) -> tuple[bool, Found | None]:
    """Whether it runs here without a cost, and how: with as many GPUs as the model has, else with all of the
    node."""
    made = _facts_of(entry, facts)
    answers = checked(entry.repository, search.serving.whole, made, gpu, vllm)
    native = answers[0].support is Support.NATIVE
    if blocked_by(answers) or not (native or answers[0].support is Support.AT_A_COST):
        return False, None
    sizes = {size for size in (search.gpu_count, gpu.count) if 0 < size <= max(1, gpu.count)}
    tried = (Search(made, gpu, search.sized(size), vllm).serves(size, whole=whole) for size in sorted(sizes))
    return native, next((found for found in tried if found is not None), None)


def _facts_of(entry: CatalogImage, facts: ModelFacts) -> ModelFacts:
    """What is known of the variant: the sizes are this model's, the quantization is the catalog's word."""
    config = {key: value for key, value in (facts.config or {}).items() if key not in _DECLARED_IN}
    listed: Fact[int] = Fact(value=entry.parameters, source=Source.CATALOG)
    return ModelFacts(
        config=config or None,
        parameters=facts.parameters if facts.parameters.known else listed,
        bits=Fact(value=entry.bits, source=Source.CATALOG, unit="bit"),
        quantization_name=Fact(value=entry.quantization or "", source=Source.CATALOG),
    )
