"""One estimate out of two, for a vLLM release that is not known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from modelcar_tui.core.facts import Fact, Source, Term
from modelcar_tui.memory.derived import alike
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.vllm import release_standing_in, why_unread

_BOUNDED = (
    "activation_gib",
    "non_torch_gib",
    "cuda_graph_gib",
    "kv_available_gib",
    "kv_tokens",
    "max_concurrency",
    "requested_gib",
    "headroom_gib",
)

_GAP = 0.01
"""Where one release's class of cards begins, a smaller card may start what the class does not: by less than
this share (`derived`)."""
OnCard = Callable[[float], tuple[Estimate, Estimate]]
"""Both estimates for a card of another size, in GiB."""


def between(assumed: Estimate, other: Estimate, newer: str, on_card: OnCard) -> Estimate:
    """`assumed` with the bounds that `other` sets; UNKNOWN where their verdicts differ.

    Args:
        assumed: with the habits of the newest release that was read.
        other: with those of 0.16, which leaves least for the KV cache.
        newer: the release that will serve, where it is told and does not count as read.
        on_card: both for other cards.
    """
    changes: dict[str, Any] = {
        name: _bounded(getattr(assumed, name), getattr(other, name)) for name in _BOUNDED
    }
    if _disagree(assumed, other):
        changes["outcome"] = Outcome.UNKNOWN
        depends = "it depends on the vLLM version, which is not known"
        newest = "the newest"
        if newer:
            depends, newest = f"vLLM {newer} {why_unread(newer)}", release_standing_in(newer)
        changes["why"] = (
            f"{depends}: {assumed.outcome.told} with the habits of {newest} ({assumed.why}), "
            f"{other.outcome.told} with those of 0.16 ({other.why})"
        )
        changes["error"] = ""
    else:
        changes["why"] = _wider(assumed, other).why
    return msgspec.structs.replace(assumed, **changes, **_surest(assumed, other, on_card))


def within(assumed: Estimate, most: Estimate, question: str, on_card: OnCard) -> Estimate:
    """`assumed` with the bounds that the hungrier `most` sets; UNKNOWN where `question` decides the
    verdict."""
    changes: dict[str, Any] = {
        name: _bounded(getattr(assumed, name), getattr(most, name)) for name in (*_BOUNDED, "weights_gib")
    }
    if _disagree(assumed, most):
        changes["outcome"] = Outcome.UNKNOWN
        changes["why"] = (
            f"it depends on {question}: {assumed.outcome.told} ({assumed.why}), "
            f"or {most.outcome.told} ({most.why})"
        )
        changes["error"] = ""
    else:
        changes["why"] = _wider(assumed, most).why
    return msgspec.structs.replace(assumed, **changes, **_surest(assumed, most, on_card))


def _wider(assumed: Estimate, other: Estimate) -> Estimate:
    """Of two guesses that end alike, the one with the larger need: its reason tells the range that both
    leave."""
    need, others = assumed.required_gib, other.required_gib
    guesses = assumed.outcome is other.outcome is not Outcome.UNKNOWN and need.source.is_guess
    return other if guesses and (others.high or 0.0) > (need.high or 0.0) else assumed


def _disagree(assumed: Estimate, other: Estimate) -> bool:
    """Whether the other bound ends otherwise; one that can't be sized says nothing, one that is sized and
    stays open does."""
    if assumed.outcome in (other.outcome, Outcome.UNKNOWN):
        return False
    if Outcome.STARTS not in (assumed.outcome, other.outcome) and other.outcome is not Outcome.UNKNOWN:
        return False  # refused at either end, by one check or the next
    return other.outcome is not Outcome.UNKNOWN or other.headroom_gib.known


def _surest(one: Estimate, other: Estimate, on_card: OnCard) -> dict[str, Fact[Any]]:
    """The derived figures of which both verdicts are `starts`: the larger card, the shorter context.

    Where the other verdict stays open here, its figures are no bounds.
    """
    return {
        "required_gib": _required(one, other, on_card),
        "longest_context": _outer(one.longest_context, other.longest_context, min, other.outcome),
    }


def _required(one: Estimate, other: Estimate, on_card: OnCard) -> Fact[float]:
    """The larger of both cards; where vLLM gives it more sequences than the smaller, a still larger one that
    starts both of them.
    """
    found = _outer(one.required_gib, other.required_gib, max, other.outcome)
    told = Outcome.UNKNOWN not in (one.outcome, other.outcome)
    while found.value is not None and not alike(one.required_gib.value, other.required_gib.value):
        one, other = on_card(found.value)
        larger = _outer(one.required_gib, other.required_gib, max, other.outcome)
        if larger.value is not None and larger.value <= found.value:
            starts = one.outcome is other.outcome is Outcome.STARTS
            return found if starts or not told else _past_a_gap(found, found.value)
        found = larger
    return found


def _past_a_gap(found: Fact[float], value: float) -> Fact[float]:
    beyond = Term("to the next class of cards", value * _GAP, "GiB", Source.COMPUTED, "larger batches there")
    return msgspec.structs.replace(found, value=value * (1 + _GAP), terms=(*found.terms, beyond))


def _outer(one: Fact[Any], other: Fact[Any], which: Callable[..., Any], outcome: Outcome) -> Fact[Any]:
    if one.value is None or other.value is None:
        return one if one.value is None or outcome is Outcome.UNKNOWN else _of_the_bound(other)
    first, second = one, other
    if which(one.value, other.value) != one.value:
        first, second = _of_the_bound(other), one
    return first if outcome is Outcome.UNKNOWN else _bounded(first, second)


def _of_the_bound(fact: Fact[Any]) -> Fact[Any]:
    """Its terms are not those that are shown beside it."""
    terms = tuple(
        msgspec.structs.replace(term, label=f"{term.label} at the other bound") for term in fact.terms
    )
    return msgspec.structs.replace(fact, terms=terms)


def _bounded(assumed: Fact[Any], other: Fact[Any]) -> Fact[Any]:
    if assumed.value is None or other.value is None:
        return assumed
    low = min(x for x in (assumed.value, other.value, assumed.low, other.low) if x is not None)
    high = max(x for x in (assumed.value, other.value, assumed.high, other.high) if x is not None)
    if low == high:
        return assumed
    return msgspec.structs.replace(assumed, low=float(low), high=float(high))
