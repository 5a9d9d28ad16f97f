"""The memory that one copy of a model takes before any GPU is chosen: weights and a tenth for the rest.

It is the predecessor's figure, kept for its JSON and for ordering; the verdict rests on `estimate`, which
knows the GPU, the arguments and the KV cache.
"""

from __future__ import annotations

from modelcar_tui.core.facts import GIB, Fact, Source, Term, unknown
from modelcar_tui.models.facts import ModelFacts

RESERVE = 0.10
"""Share of the weights that the predecessor adds for everything else."""

_LOW, _HIGH = 0.95, 1.35
"""Weights alone, and weights with everything vLLM adds for a short context, as shares of parameters x
bits."""
_FLOOR_GIB, _CEILING_GIB = 0.4, 6.0
"""Context, sampler and graphs of the smallest and of an ordinary large model."""


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


def name_based_required_gib(parameters: Fact[int], bits: Fact[int]) -> Fact[float]:
    """GPU memory (all GPUs together) that a model needs, guessed from its size and its bits per weight.

    The value is `parameters x bits / 8 x 1.1`; `low` is what no start can do without, `high` what an ordinary
    start with a context of a few thousand tokens does not exceed. Unknown when the size is; unknown bits are
    taken between 4 and 16.
    """
    if parameters.value is None or not 0 < parameters.value <= 10**14:
        return unknown(parameters.note or "the number of parameters is not known", unit="GiB")
    known = bits.value is not None and 0 < bits.value <= 64
    width = float(bits.value or 16) if known else 16.0
    least = width if known else 4.0
    middle = parameters.value * width / 8 / GIB
    worst = Source.NAME if Source.NAME in (parameters.source, bits.source) else parameters.source
    return Fact(
        value=middle * 1.1,
        source=worst,
        unit="GiB",
        note="a guess from the name: weights and a tenth for the rest",
        low=parameters.value * least / 8 / GIB * _LOW + _FLOOR_GIB,
        high=middle * _HIGH + _CEILING_GIB,
        terms=(
            Term("parameters", float(parameters.value), "", parameters.source),
            Term(
                "bits per weight",
                width,
                "",
                bits.source if known else Source.NONE,
                "" if known else "16 assumed",
            ),
            Term("for everything else", middle * 0.1, "GiB", Source.COMPUTED, "one tenth"),
        ),
    )
