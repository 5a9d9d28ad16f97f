"""How a report begins: the word of a run with its reason and next step, or that it has not ended."""

from __future__ import annotations

import time
from typing import NamedTuple

from modelcar_tui.supervisor import RunState, outcome_of
from modelcar_tui.verdict import RunOutcome

NOT_FINISHED = "NOT FINISHED"
NOT_TESTED = "not tested"
"""What stands for a measurement that QA did not make."""
ALONE = "alone"
"""The id of what is no run that was kept: one specialist alone."""


class Ending(NamedTuple):
    """What stands first in a report."""

    word: str
    """The headline of a run that has ended, else `NOT FINISHED`: such a run has no verdict."""
    why: str
    next: str
    told: RunOutcome | None
    """What it comes to so far; None before there is a verdict."""


def ending(state: RunState) -> Ending:
    """The word, reason and next step of a run, whether it has ended or not."""
    told = outcome_of(state)
    if state.finish is not None and told is not None:
        return Ending(told.headline, told.why, told.next, told)
    why = "this run has not ended"
    if told is not None:
        why = f"{why}; so far it comes to {told.line}"
    kept = state.run_id if state.run_id != ALONE else ""
    return Ending(NOT_FINISHED, why, f"modelcar-tui --resume {kept}" if kept else "", told)


def at(seconds: float | None) -> str:
    """A time in UTC as ISO 8601, of seconds since 1970; empty where it is not known."""
    if not seconds:
        return ""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
