"""Tries of a run as every report tells them: whose, how it came out, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from modelcar_tui.core.text import reveal
from modelcar_tui.memory import Outcome
from modelcar_tui.report.trials import trial_lines, trial_word
from modelcar_tui.supervisor import RunState, Trial

TITLE = "Tries on real GPUs"


class Tried(NamedTuple):
    """One try."""

    model: str
    word: str
    """Where it stands or how it ended, in a few words."""
    good: bool | None
    """Whether vLLM started; None where nothing was measured, or nobody can say."""
    lines: tuple[str, ...]
    """What it was to be, how it went, its figures beside the predicted ones; a sentence each."""


def tries(state: RunState) -> Iterator[Tried]:
    """Each try of the run, in the order in which they were asked for."""
    for trial in state.trials:
        lines = tuple(trial_lines(trial))
        yield Tried(reveal(trial.model), trial_word(trial), _came_out(trial), lines)


def _came_out(trial: Trial) -> bool | None:
    start = trial.measured
    if start is None or start.outcome in ("", Outcome.UNKNOWN):
        return None
    return start.outcome == Outcome.STARTS
