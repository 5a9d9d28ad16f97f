"""Values in the page's words; and the one gate that every text passes on its way into the page."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, NamedTuple

from markupsafe import Markup

from modelcar_tui.core.facts import Fact
from modelcar_tui.core.text import reveal
from modelcar_tui.manifest import Change, Operation
from modelcar_tui.report.shown import shown as _shown
from modelcar_tui.report.values import span_text
from modelcar_tui.verdict import Verdict

TONES = {Verdict.GO: "go", Verdict.NO_GO: "no", Verdict.UNKNOWN: "dk"}
"""Classes of the style sheet, by verdict."""
_PRECISE = 100
"""From here on a tenth of a GiB is not worth a digit."""


class Pair(NamedTuple):
    """A label and what stands beside it."""

    label: str
    text: str
    code: bool = False
    """Whether it is a name, a path or a digest, to be read letter by letter."""


def shown(value: Any) -> Any:
    """What an expression of a template becomes before it is escaped: nothing that is invisible stays so, and
    nothing that has the shape of a secret. What is markup of our own templates stays as it is."""
    if isinstance(value, Markup):
        return value
    return _shown(value)


def gib(value: float, *, up: bool = False) -> str:
    """`17.9`, `143`: GiB without the unit; what is needed is rounded up, what is there down."""
    scale = 1 if abs(value) >= _PRECISE else 10
    turn = math.ceil if up else math.floor
    return f"{turn(round(value * scale, 6)) / scale:,.{0 if scale == 1 else 1}f}"


def needed(need: Fact[float], gpus: int = 1) -> str:
    """`17.9 GiB`, `2 × 74.9 GiB`, `about 29.7 GiB (25.2 to 35.7)` of a guess, `unknown`."""
    many = f"{gpus} × " if gpus > 1 else ""
    if need.value is None:
        return f"{many}unknown"
    about = "about " if need.guess else ""
    span = ""
    if need.low is not None and need.high is not None:
        span = f" ({gib(need.low)} to {gib(need.high, up=True)})"
    return f"{about}{many}{gib(need.value, up=True)} GiB{span}"


def when(at: float | None) -> str:
    """`2026-11-29 22:05:08 UTC`; `unknown` where no time is known."""
    if not at:
        return "unknown"
    try:
        return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return "unknown"


def age(at: float, now: float) -> str:
    """How old a fact is at the newest event of the run; a dash for what has no age."""
    if not at:
        return "–"
    return span_text(now - at)


def lasted(seconds: float) -> str:
    """`42 s`, `3 min 7 s`, `1 h 2 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def change_words(change: Change) -> str:
    """`--max-model-len=8192 → --max-model-len=4096`, `add --x=1`, `remove --y`, `gpu_count 1 → 2`."""
    if change.operation is Operation.REMOVE:
        return f"remove {change.old or change.flag}"
    if change.operation is Operation.ADD:
        return f"add {change.new or change.flag}"
    return f"{change.count_name}{change.old or '(nothing)'} → {change.new or '(nothing)'}"


def cropped(text: str, most: int) -> str:
    """A text for a place that does not wrap: both ends, and an ellipsis between them."""
    text = reveal(text)
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"
