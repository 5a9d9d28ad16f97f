"""Pieces of sentences: amounts with their units, guesses with their bounds."""

from __future__ import annotations

from modelcar_tui.supervisor.answers.fact import RunFact, Scalar


def amount(fact: RunFact) -> str:
    """`24.17 GiB`, `1 GPU`, `131,072 tokens`; a guess says so."""
    return quantity(fact.value, fact.unit) + guess(fact)


def guess(fact: RunFact) -> str:
    """` (a guess, 63 to 116 GiB)`; empty of what is none."""
    low, high = fact.more.get("low"), fact.more.get("high")
    if not fact.guess or not isinstance(low, int | float) or not isinstance(high, int | float):
        return " (a guess)" * fact.guess
    return f" (a guess, {low:,.10g} to {quantity(high, fact.unit)})"


def quantity(value: Scalar, unit: str) -> str:
    """`24.17 GiB`, `1 GPU`, `set`; `unknown` of None."""
    if isinstance(value, bool) or value is None:
        return {True: "set", False: "not set", None: "unknown"}[value]
    told = f"{value:,}" if isinstance(value, int) else f"{value:,.10g}" if isinstance(value, float) else value
    one = unit.removesuffix("s") if value == 1 and unit != "GiB" else unit
    return f"{told} {one}".strip()


def on_each(fact: RunFact) -> str:
    """` on each of 2 GPUs`."""
    count = fact.more.get("gpus")
    return f" on each of {count} GPUs" if isinstance(count, int) and count > 1 else " on one GPU"


def stopped(text: str) -> str:
    """The text as a sentence's end."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def count_of(value: Scalar) -> int:
    """A count; 0 of what is none."""
    return value if isinstance(value, int) else 0
