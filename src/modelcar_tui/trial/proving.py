"""What a try proves and what not, and what is predicted of it before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from modelcar_tui.core.text import clean
from modelcar_tui.hardware import Gpu
from modelcar_tui.manifest import ModelCar
from modelcar_tui.memory import FIGURE_FIELDS, Estimate, estimate
from modelcar_tui.models import MeasuredStart, ModelFacts, model_fingerprint
from modelcar_tui.trial.environment import of_vllm
from modelcar_tui.trial.place import Spot
from modelcar_tui.vllm.arguments import EngineArgs, parse_arguments

UNKNOWN = "unknown"
"""The outcome of what has not ended yet."""


def unproven(facts: ModelFacts, engine: EngineArgs, args: tuple[str, ...], *, skips: bool) -> Iterator[str]:
    """What a good start says nothing about; one sentence each."""
    yield "nothing about the weights' files: whether they are whole, fit this config, and can be read"
    yield "nothing about how long pulling the model and loading its weights take"
    yield "nothing about the answers: dummy weights make noise"
    if skips:
        yield "nothing about the tokenizer and the chat template, which the try goes without"
    if any(one.name == "--lora-modules" for one in parse_arguments(args, None)):
        yield "nothing about the adapters' files"
    if engine.speculative:
        yield "nothing about how many drafts are accepted"
    if engine.kv_connectors:
        yield "nothing about what its KV connector exchanges with other pods"
    if _unties(facts):
        yield (
            "the config ties the output matrix to the embedding, and the weights have one of their own: "
            "for real it may take that much more memory"
        )


def _unties(facts: ModelFacts) -> bool:
    """vLLM unties them by looking at the checkpoint, which dummies have none of (config/vllm.py)."""
    tied = bool((facts.config or {}).get("tie_word_embeddings"))
    return tied and any(one.pattern.endswith("lm_head.weight") for one in facts.tensors or ())


def predicted(facts: ModelFacts, spot: Spot, engine: EngineArgs, release: str | None) -> Estimate:
    """What is computed of this start, whatever was measured before."""
    computed = msgspec.structs.replace(facts, measured=())
    return estimate(computed, spot.kind.gpu, engine, vllm=release, derive=False)


def figures_of(found: Estimate) -> dict[str, float]:
    """The estimate's figures by the names of a start's."""
    values = {name: getattr(found, field).value for name, field in FIGURE_FIELDS.items()}
    return {name: float(value) for name, value in values.items() if value is not None}


def basis_of(
    car: ModelCar,
    facts: ModelFacts,
    spot: Spot,
    *,
    image: str,
    release: str | None,
    environment: Iterable[tuple[str, str]],
    found: Estimate,
) -> MeasuredStart:
    """All that is known of the measurement before it is made.

    Args:
        car: with all arguments that its server gets.
        facts: of the model.
        spot: where it lands.
        image: the runtime's.
        release: of vLLM, where it is known.
        environment: what production's container has.
        found: the estimate.
    """
    digest = image.partition("@")[2]
    return MeasuredStart(
        id="",
        at=0.0,
        model=clean(car.name, limit=200),
        fingerprint=model_fingerprint(facts),
        gpu=_unit(spot.kind.gpu),
        memory_mib=spot.kind.pool.mem_mib or _mib(spot.kind.gpu),
        gpus=spot.shape.units,
        vllm=release or "",
        runtime_digest=digest if digest.startswith("sha256:") else "",
        args=car.serving.whole,
        implied_size=car.serving.implied_size,
        long_context=car.serving.long_context,
        environment=of_vllm(environment),
        outcome=UNKNOWN,
        predicted=found.outcome.value,
        predicted_figures=figures_of(found),
    )


def _unit(gpu: Gpu) -> str:
    """Card and slice; a card's label may have the slice already."""
    cut = gpu.profile and "-MIG-" not in gpu.product
    return f"{gpu.product}-MIG-{gpu.profile}" if cut else gpu.product


def _mib(gpu: Gpu) -> int | None:
    """As the table has it, where no label says it."""
    memory = gpu.memory_gib.value
    return None if memory is None else round(memory * 1024)
