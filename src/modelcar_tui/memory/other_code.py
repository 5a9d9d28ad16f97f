"""Devices for which vLLM is other code than CUDA's and ROCm's: Gaudi, Intel GPUs, Spyre, TPU, Neuron.

Nobody measured them here. CUDA's sums are kept, with bounds; a start is promised only where it fits with all
of the slack used up, and refused only where the weights alone are more than the device has.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from modelcar_tui.core.facts import GIB, Fact
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.hardware.vendors import vendor_title
from modelcar_tui.memory.budget import Budget
from modelcar_tui.memory.outcome import text
from modelcar_tui.memory.types import Estimate, Outcome

T = TypeVar("T", int, float)
_MODELLED = ("nvidia", "amd")
_MORE_FIXED, _MORE_CACHE, _LESS_MEMORY = 1.2, 1.5, 0.9
"""How far other devices' code may stray from CUDA's before a start is in doubt."""


def runs_other_code(gpu: Gpu) -> bool:
    """Whether its vLLM is not what the sums were measured with."""
    return gpu.vendor not in _MODELLED


def other_code(gpu: Gpu) -> str:
    """The sentence for it."""
    return f"{vendor_title(gpu.vendor)} devices run vLLM through other code, which is not modelled"


def ample(budget: Budget) -> bool:
    """Whether it fits even if everything takes a good deal more than CUDA's sums say."""
    if budget.requested is None:
        return False
    return _most(budget) <= budget.requested * _LESS_MEMORY


def even_the_most(gpu: Gpu, budget: Budget) -> str:
    """Why it starts, as far as that can be said."""
    left = (budget.requested or 0.0) * _LESS_MEMORY
    return f"{other_code(gpu)}; even the most of it, {text(_most(budget))}, fits into {text(left)}"


def in_doubt(outcome: Outcome, budget: Budget) -> bool:
    """Whether an outcome of CUDA's sums says nothing of other code: all but a start and too large weights."""
    return outcome is not Outcome.STARTS and not (
        budget.total is not None and budget.weights_bytes > budget.total
    )


def loosened(made: Estimate, budget: Budget, utilization: float) -> Estimate:
    """The figures with the bounds that other code may set; those of the weights are the model's own."""
    requested, available = budget.requested, budget.available
    if requested is None or available is None:
        return made
    least = max(0.0, requested * _LESS_MEMORY - budget.fixed * _MORE_FIXED)
    most = max(0.0, requested - budget.weights_bytes)
    share = min(max(utilization, 0.01), 1.0)
    slack = (_MORE_FIXED - 1) * budget.fixed
    fewer, more = (bound / available if available > 0 else 0.0 for bound in (least, most))
    fewer /= _MORE_CACHE
    return msgspec.structs.replace(
        made,
        activation_gib=_part(made.activation_gib, slack),
        non_torch_gib=_part(made.non_torch_gib, slack),
        cuda_graph_gib=_part(made.cuda_graph_gib, slack),
        kv_available_gib=_bounded(made.kv_available_gib, least / GIB, most / GIB),
        kv_tokens=_scaled(made.kv_tokens, fewer, more),
        longest_context=_scaled(made.longest_context, min(fewer, 1.0), 1.0),
        max_concurrency=_scaled(made.max_concurrency, fewer, more),
        required_gib=_bounded(
            made.required_gib,
            (budget.weights_bytes + budget.needed) / GIB,
            _most(budget) / _LESS_MEMORY / share / GIB,
        ),
        headroom_gib=_part(made.headroom_gib, slack, below=slack + requested * (1 - _LESS_MEMORY)),
    )


def _most(budget: Budget) -> float:
    return budget.fixed * _MORE_FIXED + budget.needed * _MORE_CACHE


def _part(fact: Fact[float], slack: float, *, below: float | None = None) -> Fact[float]:
    """A term of the sum: other code may do without it, or take all of the slack for it."""
    if fact.value is None:
        return fact
    low = 0.0 if below is None else fact.value - below / GIB
    return _bounded(fact, low, fact.value + slack / GIB)


def _scaled(fact: Fact[T], fewer: float, more: float) -> Fact[T]:
    return fact if fact.value is None else _bounded(fact, fact.value * fewer, fact.value * more)


def _bounded(fact: Fact[T], low: float, high: float) -> Fact[T]:
    if fact.value is None:
        return fact
    return msgspec.structs.replace(fact, low=min(low, fact.value), high=max(high, fact.value))
