"""One number and one bar a model: what it must have on each GPU at its arguments, against the card."""

from __future__ import annotations

import math

from modelcar_tui.core.facts import Fact
from modelcar_tui.tui.faces.memory import ASCII_PARTS, MEASURED, PARTS
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import Span
from modelcar_tui.verdict import ModelVerdict


def amount(need: Fact[float], gpus: int = 1, unit: str = " GiB", *, measured: bool = False) -> Span:
    """`18 GiB`, `2 x 78 GiB`, `~125-226 GiB` of a guess, `=18 GiB` of a measured start; GiB on each GPU,
    rounded up; with the role."""
    many = f"{gpus} x " if gpus > 1 else ""
    if need.value is None:
        return f"{many}unknown", "warn"
    low, high = need.low, need.high
    if low is not None and high is not None and math.ceil(low) != math.ceil(high):
        text = f"{math.floor(low)}-{math.ceil(high)}"
    else:
        text = f"{math.ceil(need.value)}"
    mark = "~" if need.guess else MEASURED * measured
    return f"{many}{mark}{text}{unit}", "badge" if need.guess else "strong"


def bar_spans(model: ModelVerdict, cells: int, glyphs: Glyphs) -> list[Span]:
    """Weights, activation, graphs and KV cache as parts of one card, in exactly `cells` cells.

    What the card lacks stands behind a full bar as `+70` (GiB). Without parts the need alone is drawn; where
    need or card are unknown the bar says so.
    """
    whole, need = model.gpu_gib.value, model.needed_gib.value
    if cells <= 0:
        return []
    if not whole or need is None:
        return [(glyphs.bar_unknown * cells, "faint")]
    over = f"+{math.ceil(need - whole)}" if need > whole else ""
    room = max(1, cells - len(over))
    spans = _parts(model, whole, room, glyphs) or [(glyphs.bar_full * _share(need, whole, room), "used")]
    used = sum(len(text) for text, _ in spans)
    return [*spans, (glyphs.bar_empty * (room - used), "faint"), (over, "bad")]


def _parts(model: ModelVerdict, whole: float, room: int, glyphs: Glyphs) -> list[Span]:
    if model.estimate is None:
        return []
    spans: list[Span] = []
    end = used = 0.0
    for _, field, role, sign in PARTS:
        size = getattr(model.estimate, field).value
        if size is None or size <= 0:
            continue
        end += size
        until = min(room, max(round(end / whole * room), int(used) + 1))
        spans.append(((ASCII_PARTS[sign] if glyphs.ascii else sign) * (until - int(used)), role))
        used = until
    return spans


def _share(need: float, whole: float, room: int) -> int:
    return min(room, max(1, round(need / whole * room)))
