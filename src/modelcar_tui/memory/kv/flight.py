"""Tokens that are computed and not yet done with, whose blocks a window keeps meanwhile."""

from __future__ import annotations

from modelcar_tui.memory.start import Start

_BATCHES_COUNT = (0, 26)
"""From here on windows keep the tokens of all batches that may be in flight; before, of one."""


def in_flight(start: Start) -> int:
    """Tokens that may be scheduled and not yet be done with (vllm config/vllm.py `max_in_flight_tokens`).

    A pipeline's batches and, under async scheduling, one more; where nobody knows, the more.
    """
    batch = start.limits.batch
    if start.profile.release < _BATCHES_COUNT:
        return batch
    ahead = 0 if start.switches.async_scheduling.on is False else 1
    return batch * (start.args.pp + ahead)
