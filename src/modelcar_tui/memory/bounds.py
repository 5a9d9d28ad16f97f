"""One estimate out of two, for a vLLM release that is not known."""

from __future__ import annotations

from typing import Any

import msgspec

from modelcar_tui.core.facts import Fact
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.vllm.readings import stands_in, unread

_BOUNDED = (
    "activation_gib",
    "non_torch_gib",
    "cuda_graph_gib",
    "kv_available_gib",
    "kv_tokens",
    "max_concurrency",
    "longest_context",
    "required_gib",
    "requested_gib",
    "headroom_gib",
)


def between(assumed: Estimate, other: Estimate, newer: str) -> Estimate:
    """`assumed` with the bounds that `other` sets; UNKNOWN where their verdicts differ.

    Args:
        assumed: with the habits of the newest release that was read.
        other: with those of 0.16, which leaves least for the KV cache.
        newer: the release that will serve, where it is told and does not count as read.
    """
    changes: dict[str, Any] = {
        name: _bounded(getattr(assumed, name), getattr(other, name)) for name in _BOUNDED
    }
    if assumed.outcome is not other.outcome and Outcome.UNKNOWN not in (assumed.outcome, other.outcome):
        changes["outcome"] = Outcome.UNKNOWN
        depends = "it depends on the vLLM version, which is not known"
        newest = "the newest"
        if newer:
            depends, newest = f"vLLM {newer} {unread(newer)}", stands_in(newer)
        changes["why"] = (
            f"{depends}: {assumed.outcome} with the habits of {newest} ({assumed.why}), {other.outcome} "
            f"with those of 0.16 ({other.why})"
        )
        changes["error"] = ""
    return msgspec.structs.replace(assumed, **changes)


def within(assumed: Estimate, most: Estimate, question: str) -> Estimate:
    """`assumed` with the bounds that the hungrier `most` sets; UNKNOWN where `question` decides the
    verdict."""
    changes: dict[str, Any] = {
        name: _bounded(getattr(assumed, name), getattr(most, name)) for name in (*_BOUNDED, "weights_gib")
    }
    if assumed.outcome is not most.outcome and Outcome.UNKNOWN not in (assumed.outcome, most.outcome):
        changes["outcome"] = Outcome.UNKNOWN
        changes["why"] = (
            f"it depends on {question}: {assumed.outcome} ({assumed.why}), or {most.outcome} ({most.why})"
        )
        changes["error"] = ""
    return msgspec.structs.replace(assumed, **changes)


def _bounded(assumed: Fact[Any], other: Fact[Any]) -> Fact[Any]:
    if assumed.value is None or other.value is None or assumed.value == other.value:
        return assumed
    low = min(x for x in (assumed.value, other.value, assumed.low) if x is not None)
    high = max(x for x in (assumed.value, other.value, assumed.high) if x is not None)
    return msgspec.structs.replace(assumed, low=float(low), high=float(high))
