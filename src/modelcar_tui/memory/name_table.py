"""Sizing from a name alone, with bounds wide enough to be true."""

from __future__ import annotations

from modelcar_tui.core.facts import GIB, Fact, Source, Term, unknown

_LOW, _HIGH = 0.95, 1.35
"""Weights alone, and weights with everything vLLM adds for a short context, as shares of parameters x
bits."""
_FLOOR_GIB, _CEILING_GIB = 0.4, 6.0
"""Context, sampler and graphs of the smallest and of an ordinary large model."""


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
