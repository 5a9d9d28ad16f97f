"""How a report begins: the word of a run with its reason and next step, or that it has not ended."""

from __future__ import annotations

import time
from typing import NamedTuple

from modelcar_tui.supervisor import RunState, damage_of, named, outcome_of
from modelcar_tui.verdict import RunOutcome

NOT_FINISHED = "NOT FINISHED"
NOT_TESTED = "not tested"
"""What stands for a measurement that QA did not make."""
NONE_ASKED = "No language model was asked."
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
    kept = kept_id(state)
    resume = f"modelcar-tui --resume {kept}" if kept else ""
    if state.finish is not None and told is not None:
        return Ending(told.headline, told.why, resume if state.finish.resumable else told.next, told)
    if damage := damage_of(state):
        why, resume = f"how this run ended is not known: {damage}", ""
    else:
        why = _stands(state)
    if told is not None:
        why = f"{why}; so far it comes to {told.line}"
    return Ending(NOT_FINISHED, why, resume, told)


def kept_id(state: RunState) -> str:
    """What a run is named by where it is to be found again; empty of one that is not kept here."""
    return named(state) if state.folder and state.run_id != ALONE else ""


def _stands(state: RunState) -> str:
    """Where a run stands that has not ended."""
    if state.started is None:
        return "this run has not begun"
    for true, what in (
        (state.waiting_for_consent, ": it asks whether QA may change the cluster"),
        (state.waiting_for_approval, ": it waits for an answer to the proposed changes"),
        (state.qa.started.container and state.qa.outcome is None, ": QA is running"),
    ):
        if true:
            return f"this run has not ended{what}"
    return "this run has not ended"


def at(seconds: float | None) -> str:
    """A time in UTC as ISO 8601, of seconds since 1970; empty where it is not known."""
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds else ""
    except (OverflowError, ValueError, OSError):
        return ""
