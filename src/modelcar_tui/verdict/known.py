"""What is known of a run, as far as its outcome hangs on it."""

from __future__ import annotations

import msgspec

from modelcar_tui.manifest import Decision
from modelcar_tui.qa import QaOutcome
from modelcar_tui.verdict.reports import DecisionReport, Verdict, Vote


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a run: first what the verdict hangs on, then where the run stands."""

    decision: DecisionReport | None = None
    qa: QaOutcome | None = None
    votes: tuple[Vote, ...] = ()
    answer: Decision | None = None
    """The operator's; None before it, and where the plan was only to be shown."""
    written: bool = False
    """The accepted changes stand in the generated manifest."""
    kept: str = ""
    """Why nothing could be written."""
    blind: bool = False
    """The cluster was needed and could not be looked at."""
    ended: Verdict | None = None
    """The verdict that the run's own end told."""
    summary: str = ""
    """The sentence that it ended with."""
    asked: bool = False
    """The plan waits for the operator's answer."""
    marks: str = ""
    """`2 of 8 accepted, not written`; empty where no change is marked, or all that is was written."""
    marked: tuple[str, ...] = ()
    """Ids of the changes that are accepted or rejected, not written."""
    consent: bool = False
    """QA waits for the operator's word."""
    testing: bool = False
    """QA runs."""
    hopeless: bool = False
    """A model under test waits for what will not come."""
    finished: bool = False
    """The run has ended."""
    resumable: str = ""
    """What the run is named by behind `--resume`, where it was only interrupted."""
    recorded: bool = False
    """It is looked at again: it takes no answers."""
