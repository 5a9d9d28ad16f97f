"""Devices for which vLLM is other code than CUDA's and ROCm's: Gaudi, Intel GPUs, Spyre, TPU, Neuron, CPUs.

Nobody measured them here. Each has its plug-in's own rule for the cache, with bounds (`memory.platforms`); a
start is promised where it fits with the most of everything, and refused where it does not with the least.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from modelcar_tui.core.facts import GIB, Fact, Source, Term, unknown
from modelcar_tui.hardware import AMD, NVIDIA, Gpu, vendor_title
from modelcar_tui.memory.budget import Budget
from modelcar_tui.memory.outcome import NO_TOTAL, Verdict, text
from modelcar_tui.memory.platforms import Room, Rule, cache_factor, platform_of, room_for
from modelcar_tui.memory.start import Start
from modelcar_tui.memory.types import Estimate, Outcome

T = TypeVar("T", int, float)
_MODELLED = (NVIDIA, AMD)
_NO_SHARE = "its code asks for no share of the whole device"


def runs_other_code(gpu: Gpu) -> bool:
    """Whether its vLLM is not what the sums were measured with."""
    return gpu.vendor not in _MODELLED


def other_code(gpu: Gpu) -> str:
    """The sentence for it."""
    return f"{vendor_title(gpu.vendor)} devices run vLLM through other code: {platform_of(gpu.vendor).counts}"


def verdict_of(start: Start, budget: Budget) -> Verdict:
    """STARTS and refusals where both bounds have them, else UNKNOWN."""
    said = other_code(start.gpu)
    if platform_of(start.gpu.vendor).rule is Rule.GIVEN:
        return Outcome.UNKNOWN, said, ""
    if budget.total is None:
        return Outcome.UNKNOWN, f"{NO_TOTAL}; {said}", ""
    if budget.loading > budget.total:
        why = f"the weights need {text(budget.loading)} and the device has {text(budget.total)}"
        return Outcome.OOM_LOAD, why, ""
    room = room_for(start, budget, budget.total)
    (least, most), (few, many) = room.left, room.needed
    if most <= 0:
        why = f"even the least of it, {text(room.beside[0])}, leaves nothing for the KV cache; {said}"
        return Outcome.REFUSED_NO_KV, why, ""
    if few > most and not start.limits.auto_context:
        why = f"one request needs {text(few)} of KV cache, and at most {text(most)} are left; {said}"
        return Outcome.REFUSED_KV, why, ""
    if many <= least and room.spare >= 0:
        why = f"even the most of it, {text(room.beside[1])} and {text(many)} of KV cache, fits; {said}"
        return Outcome.STARTS, why, ""
    return Outcome.UNKNOWN, f"{said}; {_between(room)}", ""


def _between(room: Room) -> str:
    (least, most), (few, many) = room.left, room.needed
    wants = text(few) if few == many else f"{text(few)} to {text(many)}"
    tight = " and what runs after it was cut may not find room" if room.spare < 0 else ""
    return f"{text(max(0.0, least))} to {text(most)} are left for the cache, {wants} are needed{tight}"


def loosened(made: Estimate, start: Start, budget: Budget) -> Estimate:
    """The figures by the platform's own rule, with its bounds; those of the weights are the model's own."""
    available, total = budget.available, budget.total
    if available is None or total is None:
        return made
    room, platform = room_for(start, budget, total), platform_of(start.gpu.vendor)
    least, most = (max(0.0, each) for each in room.left)
    middle, dense = (least + most) / 2, cache_factor(start)
    scale = 1 / available if available > 0 else 0.0
    fewer, usual, more = least * scale / dense[1], middle * scale / dense[0], most * scale / dense[0]
    own = tuple(each * GIB for each in platform.own)
    peak = tuple(budget.peak.total * each for each in platform.peak)
    share = min(max(start.limits.utilization, 0.01), 1.0)
    return msgspec.structs.replace(
        made,
        activation_gib=_spread(made.activation_gib, *peak),
        non_torch_gib=_spread(made.non_torch_gib, *own),
        cuda_graph_gib=_spread(made.cuda_graph_gib, 0.0, budget.graphs),
        requested_gib=made.requested_gib if platform.rule is Rule.ASKED else unknown(_NO_SHARE, unit="GiB"),
        kv_available_gib=_left(room, budget, platform.counts),
        kv_tokens=_scaled(made.kv_tokens, fewer, usual, more),
        max_concurrency=_scaled(made.max_concurrency, fewer, usual, more),
        required_gib=_spread(
            made.required_gib,
            budget.weights_bytes + room.needed[0],
            (room.beside[1] + room.needed[1]) / share,
        ),
        headroom_gib=_spread(made.headroom_gib, room.spare, total - room.beside[0] - least),
    )


def _left(room: Room, budget: Budget, counts: str) -> Fact[float]:
    """The middle of what is left, with the terms that lead to it."""
    least, most = (max(0.0, each) / GIB for each in room.left)
    middle, total = (least + most) / 2, (budget.total or 0.0) / GIB
    weights = budget.weights_bytes / GIB
    terms = (
        Term("the device", total, "GiB", Source.COMPUTED),
        Term("weights", -weights, "GiB", Source.COMPUTED),
        Term("what else is not left", middle - total + weights, "GiB", Source.COMPUTED, counts),
    )
    return Fact(
        value=middle, source=Source.COMPUTED, unit="GiB", note=counts, low=least, high=most, terms=terms
    )


def _spread(fact: Fact[float], low: float, high: float) -> Fact[float]:
    """A term of CUDA's sums with the bounds of other code, bytes."""
    if fact.value is None:
        return fact
    least, most = min(low / GIB, fact.value), max(high / GIB, fact.value)
    return msgspec.structs.replace(fact, low=least, high=most)


def _scaled(fact: Fact[T], fewer: float, usual: float, more: float) -> Fact[T]:
    if fact.value is None:
        return fact
    value = type(fact.value)(fact.value * usual)
    return msgspec.structs.replace(fact, value=value, low=fact.value * fewer, high=fact.value * more)
