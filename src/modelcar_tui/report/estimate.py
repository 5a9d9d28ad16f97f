"""`agent estimate` in words: the verdict, the figures with their bounds, and what would change them."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.core.counting import several
from modelcar_tui.core.facts import Fact
from modelcar_tui.hardware import Gpu
from modelcar_tui.memory import Estimate, Knob, Outcome
from modelcar_tui.vllm import release_standing_in, why_unread
from modelcar_tui.vllm.arguments import EngineArgs

_ROWS = (
    ("weights_gib", "weights", "GiB a GPU"),
    ("activation_gib", "activation peak", "GiB"),
    ("non_torch_gib", "outside PyTorch", "GiB"),
    ("cuda_graph_gib", "CUDA graphs", "GiB"),
    ("kv_available_gib", "left for the KV cache", "GiB"),
    ("kv_bytes_per_token", "KV cache of one token", "B"),
    ("state_bytes", "states of one request", "B"),
    ("kv_tokens", "KV cache", "tokens"),
    ("max_concurrency", "requests of the full context at once", ""),
    ("longest_context", "longest context that fits", "tokens"),
    ("headroom_gib", "left for the sampler's warm-up", "GiB"),
    ("required_gib", "smallest GPU that starts it", "GiB"),
)
_WHERE_ANY = ("state_bytes",)
"""Rows of what most models don't have."""
_THEN = {Outcome.STARTS: "starts", Outcome.UNKNOWN: "may start"}
_WIDTH = max(len(label) for _, label, _ in _ROWS) + 2


def estimate_lines(
    name: str,
    card: Gpu,
    args: EngineArgs,
    result: Estimate,
    *,
    smallest_tp: int | None,
    knobs: tuple[Knob, ...],
    explain: bool,
) -> Iterator[str]:
    """The whole answer, a line a figure; with `explain` the terms of each below it."""
    used = args.tp * args.pp * args.dp
    spread = f"{used} of {card.count}" if used < card.count else str(card.count)
    release = result.vllm.rstrip("?")
    assumed = " (assumed: the version is not known)" if result.vllm != release else ""
    if why := why_unread(release):
        assumed = f" ({why.removeprefix('is ')}, {release_standing_in(release)} stands in)"
    yield f"{name} on {spread} x {card.product} with vLLM {release}{assumed}"
    yield f"{result.outcome.told}: {result.why}"
    if result.error:
        yield f"vLLM would say: {result.error}"
    for field, label, unit in _ROWS:
        fact: Fact[float] = getattr(result, field)
        if field in _WHERE_ANY and not fact.known:
            continue
        yield f"  {label:<{_WIDTH}}{_value(fact, unit)}"
        if explain:
            yield from _explained(fact)
    yield f"  {'smallest tensor parallel size':<{_WIDTH}}{_smallest(smallest_tp, card)}"
    if knobs:
        yield "What one change would give:"
        width = max(len(knob.flag) for knob in knobs) + 2
        for knob in knobs:
            yield f"  {knob.flag:<{width}}{_knob(knob, result)}"
    yield from (f"note: {note}" for note in result.notes)


def _explained(fact: Fact[float]) -> Iterator[str]:
    """The terms of a figure, then what it is by itself."""
    for term in fact.terms:
        yield f"      {term.label}: {_exact(term.value)} {term.unit} [{term.source}] {term.note}".rstrip()
    if fact.known and fact.note:
        yield f"      ({fact.note})"


def _smallest(size: int | None, card: Gpu) -> str:
    if size is None:
        return f"none of at most {card.count} {card.product} is known to start it"
    return str(size)


def _knob(knob: Knob, now: Estimate) -> str:
    parts, about, bounds = [], "", ""
    if knob.kv_tokens_between is not None:
        about, bounds = "~", " ({:,.0f} to {:,.0f})".format(*knob.kv_tokens_between)
    if knob.outcome is not now.outcome:
        parts.append(_THEN.get(knob.outcome, f"then {knob.outcome.told}"))
    if knob.gained_gib:
        parts.append(f"{about}{knob.gained_gib:+.2f} GiB of KV cache")
    if knob.kv_tokens is not None:
        parts.append(f"{about}{several(knob.kv_tokens, 'token')}{bounds}")
    return ", ".join(parts) + (f"; costs {knob.cost}" if knob.cost else "")


def _value(fact: Fact[float], unit: str) -> str:
    if fact.value == 0 and fact.note.startswith("none: "):
        return fact.note
    if fact.value is None:
        return f"unknown ({fact.note})" if fact.note else "unknown"
    if fact.value < 0:
        return f"nothing: {-fact.value:,.2f} {unit} are missing"
    text = f"{_number(fact.value, unit)} {unit}".rstrip()
    if not fact.guess:
        return text
    bounds = [_number(bound, unit) for bound in (fact.low, fact.high) if bound is not None]
    if len(bounds) == 2 and bounds[0] != bounds[1]:
        return f"~{text} ({bounds[0]} to {bounds[1]})"
    return f"~{text} (guess)"


def _number(value: float, unit: str) -> str:
    return f"{value:,.0f}" if unit in ("tokens", "B") else f"{value:,.2f}"


def _exact(value: float) -> str:
    """A term as it enters the sum: whole where it is whole, four digits else."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"
