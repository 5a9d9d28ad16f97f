"""How long QA may take: a budget per model and for the whole, from what must be pulled and loaded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

GB = 1_000_000_000
# A published benchmark of model-car start-up on one cluster: (image GB, seconds cold).
_COLD = ((0.0, 20.0), (2.0, 59.6), (14.0, 363.3), (140.0, 4603.0))
SUITE_READY_S = 1800.0
"""The suite's own limit for one model to become ready."""
AROUND_S = 240.0 + 240.0 + 60.0
"""Tear-down of two objects at the suite's limit, and the requests."""
SESSION_S = 300.0
"""Sanity check, fetching `oc`."""
SLACK = 1.5
QUICK_S = 5.0
"""Requests and tear-down of a model that is well, as real logs of the suite show them."""


class SlowPull(msgspec.Struct, frozen=True, kw_only=True):
    """A model whose cold image takes longer than the suite waits for it."""

    model: str
    seconds: float


class TimeBudgets(msgspec.Struct, frozen=True, kw_only=True):
    """Limits for one run, in seconds."""

    per_model: float
    whole: float
    likely: float | None = None
    """With images that are not on the nodes yet; None where the size of one is unknown."""
    slow: tuple[SlowPull, ...] = ()


def cold_start_s(image_bytes: int) -> float:
    """Predicted seconds from the first pull to ready, between and beyond the measured points (linear)."""
    size = image_bytes / GB
    for (left, low), (right, high) in pairwise(_COLD):
        if size <= right or right == _COLD[-1][0]:
            return low + (high - low) * (size - left) / (right - left)
    return _COLD[-1][1]


def time_budgets(models: Sequence[tuple[str, int | None]], *, tests: int = 1) -> TimeBudgets:
    """Budgets for models given as (name, image bytes or None where unknown).

    The suite tests one model after the other, so the whole is the sum. No budget is shorter than the suite's
    own.

    Args:
        tests: How often the suite tests each model.
    """
    each = [(max(cold_start_s(size or 0) * SLACK, SUITE_READY_S) + AROUND_S) * tests for _, size in models]
    cold = [cold_start_s(size) for _, size in models if size]
    # A model that does not become ready is given up at the suite's limit, and the next one begins.
    likely = sum(min(seconds, SUITE_READY_S) + QUICK_S for seconds in cold) * tests + QUICK_S
    slow = tuple(
        SlowPull(model=name, seconds=cold_start_s(size))
        for name, size in models
        if size and cold_start_s(size) > SUITE_READY_S
    )
    return TimeBudgets(
        per_model=max(each, default=SUITE_READY_S),
        whole=sum(each) + SESSION_S,
        likely=likely if len(cold) == len(models) else None,
        slow=slow,
    )
