"""The memory that one copy of a model takes before any GPU is chosen: weights and a tenth for the rest.

It is the predecessor's figure, kept for its JSON and for ordering; the verdict rests on `estimate`, which
knows the GPU, the arguments and the KV cache.
"""

from __future__ import annotations

from modelcar_tui.core.facts import GIB, Fact, Source, Term, unknown
from modelcar_tui.models.facts import ModelFacts

RESERVE = 0.10
"""Share of the weights that the predecessor adds for everything else."""


def required_vram(model: ModelFacts) -> Fact[float]:
    """GiB for one copy over all its GPUs together; unknown where neither bytes nor parameters are."""
    weights = _weights(model)
    if weights.value is None:
        return unknown("neither the image nor the name says how large the model is", unit="GiB")
    reserve = weights.value * RESERVE
    grow = 1 + RESERVE
    return Fact(
        value=weights.value * grow,
        source=weights.source,
        unit="GiB",
        at=weights.at,
        note="weights and a tenth for the rest",
        low=None if weights.low is None else weights.low * grow,
        high=None if weights.high is None else weights.high * grow,
        terms=(
            *weights.terms,
            Term("for the rest", reserve, "GiB", Source.COMPUTED, f"{RESERVE:.0%} of the weights"),
        ),
    )


def _weights(model: ModelFacts) -> Fact[float]:
    if model.weight_bytes.value is not None:
        fact = model.weight_bytes
        size = (model.weight_bytes.value or 0) / GIB
        return Fact(
            value=size,
            source=fact.source,
            unit="GiB",
            at=fact.at,
            low=_gib(fact.low),
            high=_gib(fact.high),
            terms=(Term("weights", size, "GiB", fact.source, fact.note),),
        )
    parameters, bits = model.parameters, model.bits
    if parameters.value is None:
        return Fact()
    width = bits.value or 16
    size = parameters.value * width / 8 / GIB
    guess = parameters.guess or bits.guess or bits.value is None
    low = (parameters.low or parameters.value) * (bits.low or (width if bits.known else 4)) / 8 / GIB
    high = (parameters.high or parameters.value) * (bits.high or width) / 8 / GIB
    note = f"{parameters.value / 1e9:.3g}B parameters x {width} bits" + (
        "" if bits.known else " (bits unknown)"
    )
    return Fact(
        value=size,
        source=parameters.source if guess else Source.COMPUTED,
        unit="GiB",
        at=parameters.at,
        low=low if guess else None,
        high=high if guess else None,
        terms=(Term("weights", size, "GiB", parameters.source, note),),
    )


def _gib(value: float | None) -> float | None:
    return None if value is None else value / GIB
