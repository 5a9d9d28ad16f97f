"""Values in words: numbers, facts and ages, the same on the screens and in every form of a report."""

from __future__ import annotations

from typing import Any

from modelcar_tui.core.facts import GIB, Fact


def number(value: float) -> str:
    """A number with as many digits as are worth reading."""
    if isinstance(value, int) or (float(value).is_integer() and abs(value) >= 100):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}"


def bytes_text(size: int) -> str:
    """Bytes as GiB."""
    return f"{size / GIB:.1f} GiB"


def fact_text(fact: Fact[Any], *, to: str = " to ") -> str:
    """A fact's value with its unit and bounds; `unknown` where it has none.

    Args:
        fact: Any.
        to: What stands between the bounds.
    """
    if fact.value is None:
        return "unknown"
    if fact.unit == "B" and isinstance(fact.value, int):
        return bytes_text(fact.value)
    text = _plain(fact.value)
    if fact.low is not None and fact.high is not None:
        text = f"{text} ({number(fact.low)}{to}{number(fact.high)})"
    return f"{text} {fact.unit}".rstrip()


def span_text(seconds: float) -> str:
    """A span of time by its largest unit: `42 s`, `5 min`, `3 h`, `2 d`."""
    whole = max(0, int(seconds))
    for least, size, word in ((172_800, 86_400, "d"), (5400, 3600, "h"), (90, 60, "min")):
        if whole >= least:
            return f"{whole // size} {word}"
    return f"{whole} s"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, tuple | list):
        return ", ".join(map(_plain, value)) or "none"
    return str(value) or "none"
