"""What a run comes to: the verdict, and QA's own result over it. A measurement beats an estimate."""

from __future__ import annotations

import msgspec

from modelcar_tui.qa.types import QaOutcome
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict.measured import qa_failed
from modelcar_tui.verdict.reports import DecisionReport, Verdict

QA_FAILED = "QA FAILED"


class RunOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The run in one line; every face tells it from here."""

    word: str
    """`GO`, `NO-GO`, `UNKNOWN`, or `QA FAILED`."""
    verdict: Verdict
    """The verdict that stands, QA's result included."""
    predicted: Verdict
    """What was decided before QA."""
    why: str = ""
    next: str = ""
    """What would make it GO, or what to do about a failed QA; empty where nothing is to be done, or known."""


def outcome_of(state: RunState) -> RunOutcome | None:
    """What the run has come to so far; None before there is a verdict."""
    report = state.decision
    if report is None:
        if state.finish is None:
            return None
        verdict = state.finish.verdict
        return RunOutcome(word=str(verdict), verdict=verdict, predicted=verdict, why=state.finish.summary)
    predicted = report.verdict if report.predicted is None else report.predicted.verdict
    word = QA_FAILED if qa_failed(state.qa.outcome) else str(report.verdict)
    step = _next(report, state.qa.outcome)
    return RunOutcome(word=word, verdict=report.verdict, predicted=predicted, why=report.why, next=step)


def _next(report: DecisionReport, outcome: QaOutcome | None) -> str:
    """The first of what helps those that decide the verdict, and how many more there are."""
    if report.verdict is Verdict.GO:
        return ""
    steps = [model.settle for model in report.models if model.verdict is report.verdict]
    told = list(dict.fromkeys(step for step in steps if step))
    if not told and outcome is not None and qa_failed(outcome):
        return outcome.fix
    return told[0] + (f" (and {len(told) - 1} more)" if len(told) > 1 else "") if told else ""
