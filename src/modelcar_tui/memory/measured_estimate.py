"""The estimate under what was measured: the start's own figures, or what follows from its parts."""

from __future__ import annotations

import math
import time
from typing import Any

import msgspec

from modelcar_tui.core.facts import GIB, Fact, Source, Term, unknown
from modelcar_tui.hardware import Gpu
from modelcar_tui.memory.budget import Budget, budget_for
from modelcar_tui.memory.computed import computed, prepared
from modelcar_tui.memory.measured import (
    Asked,
    Fit,
    asked,
    differences,
    fit,
    measured_args,
    of_it,
    others_held,
    outcome_of,
)
from modelcar_tui.memory.other_code import runs_other_code
from modelcar_tui.memory.outcome import headroom_of
from modelcar_tui.memory.own_head import with_own_head
from modelcar_tui.memory.parts import Parts
from modelcar_tui.memory.start import Start
from modelcar_tui.memory.types import FIGURE_FIELDS, Estimate, Outcome
from modelcar_tui.models import MeasuredStart, ModelFacts
from modelcar_tui.vllm.arguments import EngineArgs

_PARTS = ("weights_gib", "activation_gib", "non_torch_gib", "graphs_gib")
_ROUNDED = 0.01
"""What vLLM rounds of a figure in GiB, and what our cut of the cache may miss."""
_REFUSED = (Outcome.REFUSED_KV, Outcome.REFUSED_NO_KV)
_WORDS = 300
DUMMY = (
    "its weights were dummies: a fault of the checkpoint's own files would not have shown, nor how long they "
    "take to load"
)


def measured_estimate(
    made: Estimate, facts: ModelFacts, gpu: Gpu, args: EngineArgs, *, vllm: str | None, derive: bool
) -> Estimate:
    """`made`, which is computed, under the measured starts of `facts`."""
    starts = of_it(facts, gpu, vllm)
    if not starts or vllm is None:
        return made
    of = asked(facts, gpu, args, vllm)
    fits = [(start, fit(start, of)) for start in starts]
    exact = [start for start, how in fits if how is Fit.EXACT]
    if exact:
        return _exact(made, exact, of, derive)
    for start in (start for start, how in fits if how is Fit.NEAR):
        found = _near(made, start, of, derive)
        if found is not None:
            return found
    why = next(((start, told) for start in starts if (told := _not_counted(start, of))), None)
    if why is None:
        return made
    note = f"not counted: a start {_where(why[0])}, {why[1]}"
    return msgspec.structs.replace(made, notes=(*made.notes, note))


def _not_counted(start: MeasuredStart, of: Asked) -> str:
    """What keeps a start from being this one that its arguments do not tell; empty for nothing."""
    variables = measured_args(start).variables
    if variables != of.args.variables:
        told = ", ".join(f"{name}={value}" for name, value in variables) or "none"
        return f"whose variables were others ({told})"
    held = others_held(start, of.gpu)
    return f"when others held {held:.1f} GiB of the card" if held else ""


def _where(start: MeasuredStart) -> str:
    """`measured on L40S with vLLM 0.13.0 on 2026-11-28`."""
    day = time.strftime("%Y-%m-%d", time.gmtime(min(max(start.at, 0.0), 1e11)))
    if start.at <= 0:
        day = "a day that is not known"
    return f"measured on {start.gpu} with vLLM {start.vllm} on {day}"


def _exact(made: Estimate, starts: list[MeasuredStart], of: Asked, derive: bool) -> Estimate:
    """The newest of the very same starts."""
    start = starts[0]
    outcome = outcome_of(start) or Outcome.UNKNOWN
    base = made
    parts = parts_of(start, of)
    if parts is not None:
        base = _marked(_fed(of, start, parts, derive), start, parts)
    facts = {name: _figure(start, told, getattr(made, name)) for told, name in FIGURE_FIELDS.items()}
    found = msgspec.structs.replace(
        base,
        outcome=outcome,
        why=_why(start, outcome, made.outcome),
        error=start.error if outcome is not Outcome.STARTS else "",
        notes=(*base.notes, *_told_beside(start, starts[1:])),
        measured=start,
        exact=True,
        predicted=made.outcome,
        **{name: fact for name, fact in facts.items() if fact is not None},
    )
    return with_own_head(_agreed(found, of, outcome, derive=derive), start, of.facts, of.args)


def _told_beside(start: MeasuredStart, older: list[MeasuredStart]) -> tuple[str, ...]:
    """What is to be known of a measurement besides."""
    other = next((one for one in older if one.outcome != start.outcome), None)
    notes = [DUMMY] if start.dummy else []
    if other is not None:
        told = outcome_of(other)
        notes.append(f"an older start, {_where(other)}, ended otherwise: {told.told if told else '?'}")
    return tuple(notes)


def _why(start: MeasuredStart, outcome: Outcome, predicted: Outcome) -> str:
    told = outcome.told
    tokens = _value(start, "kv_tokens")
    if outcome is Outcome.STARTS and tokens and tokens >= 1:
        told += f", KV cache {tokens:,.0f} tokens"
    elif outcome is not Outcome.STARTS and start.error:
        told += f": {start.error if len(start.error) <= _WORDS else start.error[: _WORDS - 1] + '…'}"
    beside = "" if predicted is outcome else f" (predicted: {predicted.told})"
    return f"{_where(start)}: {told}{beside}"


def _value(start: MeasuredStart, what: str) -> float | None:
    value = start.figures.get(what)
    return value if value is not None and math.isfinite(value) and abs(value) < 1e15 else None


def _figure(start: MeasuredStart, what: str, before: Fact[Any]) -> Fact[Any] | None:
    """One figure of the log, with the computed one beside it; None where the log does not tell it."""
    value = _value(start, what)
    if value is None or (value < 0 and what != "kv_cache_gib"):
        return None
    kept: float | int = int(value) if what == "kv_tokens" else value
    return Fact(
        value=kept,
        source=Source.MEASURED,
        at=start.at,
        unit=before.unit or ("GiB" if what.endswith("_gib") else ""),
        note=f"as vLLM logged it{_beside(before)}",
    )


def _beside(before: Fact[Any]) -> str:
    if before.value is None:
        return ""
    shown = f"{before.value:,}" if isinstance(before.value, int) else f"{before.value:.2f}"
    return f"; computed: {shown}{' ' if before.unit else ''}{before.unit}"


def _agreed(found: Estimate, of: Asked, outcome: Outcome, *, derive: bool) -> Estimate:
    """The derived figures, where what happened does not contradict them."""
    total = of.gpu.visible_gib.value or of.gpu.memory_gib.value
    context = None if of.start is None else of.start.limits.context
    starts, auto = outcome is Outcome.STARTS, of.resolved.max_model_len == -1
    changes: dict[str, Any] = (
        {} if starts else {"headroom_gib": unknown("it did not come so far", unit="GiB")}
    )
    if not derive:
        return msgspec.structs.replace(found, **changes)
    if total is not None and _contradicts(found.required_gib.value, total, starts=starts):
        changes["required_gib"] = _CARD if not starts else msgspec.structs.replace(_ENOUGH, value=total)
    longest = found.longest_context.value
    if context is not None and not auto and _contradicts(context, longest or 0, starts=starts):
        changes["longest_context"] = (
            _LENGTH if not starts else msgspec.structs.replace(_SERVES, value=context)
        )
    return msgspec.structs.replace(found, **changes)


_CARD: Fact[float] = unknown("by arithmetic this card is enough, and it is not", unit="GiB")
_LENGTH: Fact[int] = unknown("by arithmetic this context fits, and it does not")
_ENOUGH: Fact[float] = Fact(
    source=Source.MEASURED, unit="GiB", note="it starts on this card; whether a smaller one is enough is open"
)
_SERVES: Fact[int] = Fact(
    source=Source.MEASURED, note="it starts with that; whether it does with a longer one is open"
)


def _contradicts(needed: float | None, there: float, *, starts: bool) -> bool:
    """Whether what happened is not what a need and what is there would make of it; of a need that is not
    known, a start says at least that much."""
    if needed is None:
        return starts
    return needed > there if starts else needed <= there


def _near(made: Estimate, start: MeasuredStart, of: Asked, derive: bool) -> Estimate | None:
    """What follows from the parts of a start that differs in what they do not hang on; None where it
    does not follow."""
    parts = parts_of(start, of)
    was = prepared(of.facts, of.gpu, measured_args(start), vllm=of.vllm)
    if parts is None or was is None or of.start is None or not _parts_alike(was, of.start):
        return None
    found = _marked(_fed(of, start, parts, derive), start, parts)
    if found.kv_available_gib.value is None:
        return None
    then = _then(start, was, of)
    found = msgspec.structs.replace(
        found,
        why=f"{found.why}; from parts {_where(start)}{f', then {then}' if then else ''}",
        notes=(*found.notes, *_told_beside(start, [])),
        measured=start,
        exact=False,
        predicted=made.outcome,
    )
    return with_own_head(found, start, of.facts, of.args)


def _then(start: MeasuredStart, was: Start, of: Asked) -> str:
    """What differed in that start, in its own words: `--gpu-memory-utilization 0.9`."""
    named = differences(measured_args(start), of.args)
    told = [
        (f"--max-model-len {was.limits.context}", "max_model_len"),
        (f"--gpu-memory-utilization {was.limits.utilization:g}", "gpu_memory_utilization"),
        ("another --kv-cache-memory-bytes", "kv_cache_memory_bytes"),
        ("another --num-gpu-blocks-override", "num_gpu_blocks_override"),
        ("other arguments beside memory", "beside"),
    ]
    return ", ".join(words for words, name in told if name in named)


def _parts_alike(one: Start, other: Start) -> bool:
    """Whether every part that is no KV cache is computed to be the same of both."""
    first, second = budget_for(one), budget_for(other)
    return all(
        abs(mine - theirs) < 1
        for mine, theirs in (
            (first.weights_bytes, second.weights_bytes),
            (first.peak.total, second.peak.total),
            (first.peak.warmup, second.peak.warmup),
            (first.non_torch, second.non_torch),
            (first.graphs, second.graphs),
            (first.graphs_deducted, second.graphs_deducted),
        )
    )


def _fed(of: Asked, start: MeasuredStart, parts: Parts, derive: bool) -> Estimate:
    """The arithmetic with the start's parts."""
    card = _card(of.gpu, start)
    return computed(of.facts, card, of.args, vllm=of.vllm, derive=derive, parts=parts)


def _card(gpu: Gpu, start: MeasuredStart) -> Gpu:
    """The card with what vLLM saw of it, where the log says so and means this card."""
    total, told = _value(start, "total_gib"), gpu.visible_gib.value
    if total is None or told is None or abs(total - told) > 2 * _ROUNDED * told:
        return gpu
    seen: Fact[float] = Fact(value=total, source=Source.MEASURED, at=start.at, unit="GiB")
    return msgspec.structs.replace(gpu, visible_gib=seen)


def parts_of(start: MeasuredStart, of: Asked) -> Parts | None:
    """What a start's log says of its parts; None where it does not tell the sum, or where our arithmetic does
    not find that start's own end and tokens again with them.

    Args:
        start: one whose arguments are `of`'s, or differ in what the parts do not hang on.
    """
    kv, outcome = _value(start, "kv_cache_gib"), outcome_of(start)
    args, card = measured_args(start), _card(of.gpu, start)
    if kv is None or args.pp > 1 or args.speculative or args.kv_connector_module or runs_other_code(card):
        return None
    was = prepared(of.facts, card, args, vllm=of.vllm)
    if was is None or not was.profile.known or outcome not in (Outcome.STARTS, *_REFUSED):
        return None
    parts = _parts(start, was, kv, settled=outcome is Outcome.STARTS and args.beside == of.args.beside)
    again = computed(of.facts, card, args.mended(), vllm=of.vllm, derive=False, parts=parts)
    return parts if _found_again(again, start, outcome) else None


def _found_again(again: Estimate, start: MeasuredStart, outcome: Outcome) -> bool:
    if again.outcome is not outcome and {again.outcome, outcome} != set(_REFUSED):
        return False
    tokens, kv = _value(start, "kv_tokens"), _value(start, "kv_cache_gib") or 0.0
    if tokens is None:
        return outcome is not Outcome.STARTS or again.kv_tokens.value is None
    if again.kv_tokens.value is None or tokens <= 0:
        return False
    return abs(again.kv_tokens.value / tokens - 1) <= _ROUNDED + _ROUNDED / max(kv, _ROUNDED)


def _parts(start: MeasuredStart, was: Start, kv: float, *, settled: bool) -> Parts:
    budget = budget_for(was)
    computed_of = {
        "weights": ("weights_gib", budget.weights_bytes),
        "activation": ("activation_gib", budget.peak.total),
        "non_torch": ("non_torch_gib", budget.non_torch),
        "graphs": ("graphs_gib", budget.graphs),
        "deducted": ("graphs_estimated_gib", budget.graphs_deducted),
    }
    more: dict[str, float] = {}
    for name, (what, size) in computed_of.items():
        value = _value(start, what)
        if value is not None and value >= 0 and (name != "deducted" or budget.graphs_deducted):
            more[name] = value * GIB - size
    parts = Parts(**more, used=_used(start, was, budget), settled=settled)
    fed = budget_for(msgspec.structs.replace(was, parts=parts))
    if fed.requested is None or was.args.kv_cache_memory_bytes:
        return parts  # nothing was profiled, so that the sum is not told
    requested = _value(start, "requested_gib")
    sum_of_all = (fed.requested if requested is None else requested * GIB) - kv * GIB
    parts = msgspec.structs.replace(parts, unexplained=sum_of_all - fed.fixed)
    if not settled:
        return parts
    left = headroom_of(budget_for(msgspec.structs.replace(was, parts=parts)))
    return msgspec.structs.replace(parts, proven=max(0.0, -(left or 0.0)))


def _used(start: MeasuredStart, was: Start, budget: Budget) -> float:
    total, free = _value(start, "total_gib"), _value(start, "free_gib")
    told = total is not None and free is not None and total >= free
    if not told or was.gpu.free_gib.known or was.profile.counts_the_whole_card:
        return 0.0
    return ((total or 0.0) - (free or 0.0)) * GIB - budget.start


def _marked(found: Estimate, start: MeasuredStart, parts: Parts) -> Estimate:
    """The measured parts named as such, with terms that add up to them."""
    changes = {}
    for what in _PARTS:
        name = FIGURE_FIELDS[what]
        fact: Fact[float] = getattr(found, name)
        if fact.value is None or getattr(parts, what.removesuffix("_gib"), None) is None:
            continue
        rest = fact.value - sum(term.value for term in fact.terms)
        terms = fact.terms
        if terms and abs(rest) > 1e-6:
            terms = (*terms, Term("measured beside these", rest, "GiB", Source.MEASURED))
        changes[name] = msgspec.structs.replace(
            fact, source=Source.MEASURED, at=start.at, terms=terms, low=None, high=None
        )
    return msgspec.structs.replace(found, **changes)
