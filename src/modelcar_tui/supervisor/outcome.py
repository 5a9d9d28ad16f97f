"""What a run comes to, of its state: see `verdict.outcome`."""

from __future__ import annotations

from modelcar_tui.qa import hopeless_models
from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import Known, RunOutcome, run_outcome


def outcome_of(state: RunState, *, recorded: bool = False) -> RunOutcome | None:
    """What the run has come to so far; None before there is a verdict.

    Args:
        state: the run.
        recorded: whether it is only looked at again, and takes no answers.
    """
    return run_outcome(known(state, recorded=recorded))


def known(state: RunState, *, recorded: bool = False) -> Known:
    """What the outcome hangs on, and where the run stands."""
    finish = state.finish
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
        ended=finish.verdict if finish is not None else None,
        summary=finish.summary if finish is not None else "",
        asked=state.waiting_for_approval,
        marks=state.marks_told,
        marked=_marked(state),
        consent=state.waiting_for_consent,
        testing=finish is None and bool(state.qa.started.container) and state.qa.outcome is None,
        hopeless=bool(hopeless_models(state.qa.seen)),
        finished=finish is not None,
        resumable=_name(state) if finish is not None and finish.resumable and state.folder else "",
        recorded=recorded,
    )


def _name(state: RunState) -> str:
    from modelcar_tui.supervisor.way_back import named  # the first frame is of no run that has ended

    return named(state)


def _marked(state: RunState) -> tuple[str, ...]:
    if not state.marks_told or state.approval is None:
        return ()
    now = state.marks.of(state.approval.plan_digest).now
    return (*now.accepted, *now.rejected)
