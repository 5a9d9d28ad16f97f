"""The memory that one copy of a model takes before any GPU is chosen: weights and a tenth for the rest.

It is the predecessor's figure, kept for its JSON and for ordering; the verdict rests on `estimate`, which
knows the GPU, the arguments and the KV cache.
"""

from __future__ import annotations

import msgspec

from modelcar_tui.core.facts import GIB, Fact, Source, Term, unknown
from modelcar_tui.models import ModelFacts

WEIGHTS = "weights"
RESERVE = 0.10
"""Share of the weights that the predecessor adds for everything else."""

_LOW, _HIGH = 0.95, 1.35
"""Weights alone, and weights with everything vLLM adds for a short context, as shares of parameters x
bits."""
_FLOOR_GIB, _CEILING_GIB = 0.4, 6.0
"""Context, sampler and graphs of the smallest and of an ordinary large model."""
_ABSURD_GIB = 2**25
_SAME = 0.02
"""How far bytes may be from parameters x bits and still be these."""


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
    if model.weight_bytes.value is None:
        return _of_parameters(model)
    fact, size = model.weight_bytes, model.weight_bytes.value / GIB
    return Fact(
        value=size,
        source=fact.source,
        unit="GiB",
        at=fact.at,
        low=_gib(fact.low),
        high=_gib(fact.high),
        terms=(Term(WEIGHTS, size, "GiB", fact.source, _counted(model) or fact.note),),
    )


def _of_parameters(model: ModelFacts) -> Fact[float]:
    parameters, bits = model.parameters, model.bits
    if parameters.value is None:
        return Fact()
    width = bits.value or 16
    size = parameters.value * width / 8 / GIB
    guess = parameters.guess or bits.guess or bits.value is None
    low = (parameters.low or parameters.value) * (bits.low or (width if bits.known else 4)) / 8 / GIB
    high = (parameters.high or parameters.value) * (bits.high or width) / 8 / GIB
    note = f"{parameters.value:,} parameters x {width} bits" + ("" if bits.known else " (bits unknown)")
    return Fact(
        value=size,
        source=parameters.source if guess else Source.COMPUTED,
        unit="GiB",
        at=parameters.at,
        low=low if guess else None,
        high=high if guess else None,
        terms=(Term(WEIGHTS, size, "GiB", parameters.source, note),),
    )


def _counted(model: ModelFacts) -> str:
    """The parameters and bits that come to the bytes which are known; empty where they do not."""
    count, bits, size = model.parameters.value, model.bits.value, model.weight_bytes.value
    if not count or not bits or not size or abs(count * bits / 8 / size - 1) > _SAME:
        return ""
    return f"{count:,} parameters x {bits} bits"


def _gib(value: float | None) -> float | None:
    return None if value is None else value / GIB


def guessed_need(model: ModelFacts) -> Fact[float]:
    """`required_vram` with the bounds of a start: `low` is what none can do without, `high` what an ordinary
    one with a context of a few thousand tokens does not exceed.

    Bits that are not known are taken between 4 and 16.
    """
    need = required_vram(model)
    weights = next((term.value for term in need.terms if term.label == WEIGHTS), 0.0)
    if need.value is None or not 0 < weights < _ABSURD_GIB:
        note = model.parameters.note or "the number of parameters is not known"
        return unknown(note, unit="GiB")
    least = 1.0 if model.weight_bytes.known or model.bits.known else 4 / 16
    return msgspec.structs.replace(
        need,
        note=f"a guess from its size: {need.note}",
        low=weights * least * _LOW + _FLOOR_GIB,
        high=weights * _HIGH + _CEILING_GIB,
    )
