"""What a run comes to: the verdict, and QA's own result over it. A measurement beats an estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from modelcar_tui.qa.types import QaModelResult, QaOutcome
from modelcar_tui.supervisor.reports import DecisionReport, ModelVerdict, Verdict

if TYPE_CHECKING:
    from modelcar_tui.supervisor.state import RunState

QA_FAILED = "QA FAILED"
_STATUS = ("FAILED", "ERROR")
_SHOWN = 3


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
    predicted = report.verdict if report.predicted is None else report.predicted
    word = QA_FAILED if qa_failed(state.qa.outcome) else str(report.verdict)
    step = _next(report, state.qa.outcome)
    return RunOutcome(word=word, verdict=report.verdict, predicted=predicted, why=report.why, next=step)


def _next(report: DecisionReport, outcome: QaOutcome | None) -> str:
    if outcome is not None and qa_failed(outcome):
        return outcome.fix
    if report.verdict is Verdict.GO:
        return ""
    steps = [model.settle for model in report.models if model.verdict is report.verdict]
    told = list(dict.fromkeys(step for step in steps if step))
    return told[0] + (f" (and {len(told) - 1} more)" if len(told) > 1 else "") if told else ""


def qa_failed(outcome: QaOutcome | None) -> bool:
    """Whether QA was run, or should have been, and did not pass."""
    return outcome is not None and not outcome.ok and not outcome.skipped


def measured(report: DecisionReport, outcome: QaOutcome | None) -> DecisionReport:
    """The decision with what QA found out; the prediction is kept beside it.

    A model whose test failed is NO-GO. Where the suite ended without naming one, what it should have shown is
    UNKNOWN. Without an outcome, and with a good one, the prediction stands.
    """
    report = _predicted(report)
    if outcome is None or not qa_failed(outcome):
        return report
    models = tuple(_measured_model(model, report, outcome) for model in report.models)
    failed = [model.model for model in models if model.predicted is not None]
    verdict = Verdict.NO_GO if failed else report.verdict if report.verdict is not Verdict.GO else Verdict.UNKNOWN
    return msgspec.structs.replace(
        report, verdict=verdict, predicted=report.verdict, models=models, why_predicted=report.why,
        why=_why(failed, [_result(name, report, outcome) for name in failed], outcome, len(models)),
    )  # fmt: skip


def _predicted(report: DecisionReport) -> DecisionReport:
    """The decision as it was before any QA."""
    if report.predicted is None:
        return report
    models = tuple(
        model
        if model.predicted is None
        else msgspec.structs.replace(
            model, verdict=model.predicted, why=model.why_predicted, settle="", predicted=None, why_predicted=""
        )
        for model in report.models
    )
    return msgspec.structs.replace(
        report, verdict=report.predicted, predicted=None, why=report.why_predicted, why_predicted="", models=models
    )


def _measured_model(model: ModelVerdict, report: DecisionReport, outcome: QaOutcome) -> ModelVerdict:
    result = _result(model.model, report, outcome)
    if result is None:
        return model
    said = ": ".join(part for part in (result.cause, result.line or outcome.message) if part)
    return msgspec.structs.replace(
        model, verdict=Verdict.NO_GO, why=f"predicted {model.verdict}, but its QA failed: {said}",
        settle=outcome.fix, predicted=model.verdict, why_predicted=model.why,
    )  # fmt: skip


def _result(name: str, report: DecisionReport, outcome: QaOutcome) -> QaModelResult | None:
    """The failed test of a model; the suite cuts names to 20 characters, which two models may share."""
    failed = [one for one in outcome.models if one.status in _STATUS or _ran_out(one, outcome)]
    whole = {model.model for model in report.models}
    return next(
        (one for one in failed if one.model == name or (one.model not in whole and one.model == name[:20])), None
    )


def _ran_out(result: QaModelResult, outcome: QaOutcome) -> bool:
    """Whether it is the model whose budget ended the suite: it never came to report."""
    return not result.status and outcome.code.endswith(":MODEL_TIMEOUT")


def _why(failed: list[str], results: list[QaModelResult | None], outcome: QaOutcome, count: int) -> str:
    if not failed:
        return outcome.message
    if len(failed) == 1:
        return f"{failed[0]}: {outcome.message}"
    shown = ", ".join(
        f"{name} ({result.cause})" if result is not None and result.cause else name
        for name, result in zip(failed[:_SHOWN], results, strict=False)
    )
    more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
    return f"{len(failed)} of {count} models failed: {shown}{more}"
