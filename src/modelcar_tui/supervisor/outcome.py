"""What a run comes to, of its state: see `verdict.outcome`."""

from __future__ import annotations

from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import Known, RunOutcome, run_outcome


def outcome_of(state: RunState) -> RunOutcome | None:
    """What the run has come to so far; None before there is a verdict."""
    return run_outcome(known(state))


def known(state: RunState) -> Known:
    """What the outcome hangs on."""
    answer = state.answer
    access = state.cluster.access if state.cluster is not None else None
    return Known(
        decision=state.decision,
        qa=state.qa.outcome,
        votes=state.votes,
        answer=None if answer is not None and answer.who == Approve.SHOW else answer,
        written=state.written is not None,
        kept=state.kept,
        blind=access is not None and access.problem is not None,
        ended=state.finish.verdict if state.finish is not None else None,
        summary=state.finish.summary if state.finish is not None else "",
    )
