"""The decision under what QA measured: it beats the estimate, and the prediction is kept beside it."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.counting import several
from modelcar_tui.qa import FAILED_STATUSES, QaModelResult, QaOutcome, cut_model_name
from modelcar_tui.verdict.reports import DecisionReport, ModelVerdict, Predicted, Verdict

PASSED = "passed"
_READ = "read its first failure in the log"
_SHOWN = 3


def qa_failed(outcome: QaOutcome | None) -> bool:
    """Whether QA was run, or should have been, and did not pass."""
    return outcome is not None and not outcome.ok and not outcome.skipped


def measured(report: DecisionReport, outcome: QaOutcome | None) -> DecisionReport:
    """The decision with what QA found out; the prediction is kept beside it.

    A model whose test failed is NO-GO; one that the suite did not come to is UNKNOWN, and so is the whole
    where no model failed. Without an outcome, and with a good one, the prediction stands.
    """
    report = _before(report)
    if outcome is None or not qa_failed(outcome):
        return report
    kept = Predicted(**{name: getattr(report, name) for name in Predicted.__struct_fields__})
    models = tuple(_measured(model, report, outcome) for model in report.models)
    failed = [model for model in models if model.predicted is not None and model.verdict is Verdict.NO_GO]
    verdict = Verdict.UNKNOWN if report.verdict is Verdict.GO else report.verdict
    if failed:
        verdict = Verdict.NO_GO
    standing = {model.model for model in models if model.verdict is Verdict.GO}
    return msgspec.structs.replace(
        report,
        verdict=verdict,
        why=_why(failed, outcome, len(models)),
        models=models,
        predicted=kept,
        together="",
        missing=(),
        placed=tuple(one for one in report.placed if one.model in standing),
    )


def _before(report: DecisionReport) -> DecisionReport:
    """The decision as it was before any QA."""
    kept = report.predicted
    if kept is None:
        return report
    return msgspec.structs.replace(report, **msgspec.structs.asdict(kept), predicted=None)


def _measured(model: ModelVerdict, report: DecisionReport, outcome: QaOutcome) -> ModelVerdict:
    """One model under its own result; what happened to another one or to the whole suite is not told as
    its."""
    if model.verdict is not Verdict.GO:
        return model
    results = [one for one in outcome.models if _is_of(one.model, model.model, report)]
    result = next((one for one in results if one.status in FAILED_STATUSES), None)
    if result is not None and _shared(result.model, model.model, report):
        said = f"the suite says of {result.model}, which is not this model alone, that it failed"
        return _lowered(model, Verdict.UNKNOWN, said, _READ)
    if result is not None:
        return _lowered(model, Verdict.NO_GO, _failed(result), result.fix or _READ)
    if any(one.status == "PASSED" for one in results):
        return model
    return _cut_short(model, results, outcome)


def _cut_short(model: ModelVerdict, results: list[QaModelResult], outcome: QaOutcome) -> ModelVerdict:
    """A model whose test has no end, or has not begun."""
    begun = next((one for one in results if not one.status), None)
    line, fix = (begun.line, begun.fix) if begun is not None else ("", "")
    told = f"{outcome.message}; {line}" if line else outcome.message
    if begun is not None and outcome.code.endswith(":MODEL_TIMEOUT"):
        return _lowered(model, Verdict.NO_GO, f"its QA used up its budget: {told}", fix or outcome.fix)
    return _lowered(model, Verdict.UNKNOWN, f"QA ended before it was tested: {told}", fix or outcome.fix)


def told_of(model: ModelVerdict, report: DecisionReport, outcome: QaOutcome | None) -> str:
    """What QA says of a model whose verdict it did not change: `passed`, how it failed, or nothing."""
    if outcome is None:
        return ""
    of_it = [one for one in outcome.models if _is_of(one.model, model.model, report)]
    results = [one for one in of_it if not _shared(one.model, model.model, report)]
    failed = next((one for one in results if one.status in FAILED_STATUSES), None)
    if failed is not None:
        return _failed(failed)
    return PASSED if any(one.status == "PASSED" for one in results) else ""


def _failed(result: QaModelResult) -> str:
    """`its QA failed: CUDA_OOM: torch.OutOfMemoryError ...`."""
    return (
        f"its QA failed: {': '.join(part for part in (result.cause, result.line or _reason(result)) if part)}"
    )


def _lowered(model: ModelVerdict, verdict: Verdict, said: str, fix: str) -> ModelVerdict:
    return msgspec.structs.replace(
        model,
        verdict=verdict,
        why=f"predicted {model.verdict}, but {said}",
        settle=fix,
        predicted=model.verdict,
        runs_on=(),
    )


def _is_of(said: str, name: str, report: DecisionReport) -> bool:
    """Whether the suite's name is this model's: whole, or as it cuts it."""
    whole = {model.model for model in report.models}
    return said == name or (said not in whole and said == cut_model_name(name))


def _shared(said: str, name: str, report: DecisionReport) -> bool:
    """Whether a cut name fits another model as well."""
    return said != name and sum(cut_model_name(model.model) == said for model in report.models) > 1


def _reason(result: QaModelResult) -> str:
    return result.means or f"its test failed ({result.phase or 'call'})"


def _why(failed: list[ModelVerdict], outcome: QaOutcome, count: int) -> str:
    """The models that failed, each by its own cause; else what ended the suite."""
    results = {one.model: one for one in outcome.models if one.status in FAILED_STATUSES}

    def result(model: ModelVerdict) -> QaModelResult | None:
        return results.get(model.model) or results.get(cut_model_name(model.model))

    if not failed:
        return outcome.message
    if len(failed) == 1:
        found = result(failed[0])
        if found is None:
            return f"{failed[0].model}: {outcome.message}"
        # The suite's own end is another matter where its code names something else.
        more = "" if outcome.code.endswith((f":{found.cause}", ":TESTS_FAILED")) else f"; {outcome.message}"
        return f"{failed[0].model}: {_reason(found)}{more}"
    shown = ", ".join(
        f"{model.model} ({found.cause})"
        if (found := result(model)) is not None and found.cause
        else model.model
        for model in failed[:_SHOWN]
    )
    more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
    return f"{len(failed)} of {several(count, 'model')} failed: {shown}{more}"
