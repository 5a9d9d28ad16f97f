"""The decision anew, once a model's start was measured: verdicts and outlook, never the plan.

The plan, its digest, its diff and the findings stay as they are: an answer that waits for the operator's key
is about them.
"""

from __future__ import annotations

from collections.abc import Set

import msgspec

from modelcar_tui.manifest import Decision
from modelcar_tui.verdict.accepting import decide_accepted
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import overall
from modelcar_tui.verdict.decision import Case, outlook
from modelcar_tui.verdict.one_by_one import decided, linted, lowered
from modelcar_tui.verdict.outcome import settled, standing_decision
from modelcar_tui.verdict.reports import DecisionReport, ModelRequirements, ModelVerdict, Verdict

_AGAIN = "run again: what is proposed then rests on what was measured"


def decided_again(
    case: Case, report: DecisionReport, measured: Set[str], *, written: Decision | None = None
) -> DecisionReport:
    """The decision with what was measured; what QA found out and others vote is to be laid over it again.

    Args:
        case: What was decided on; the models with what was measured.
        report: The decision so far, as it stands.
        measured: The models that are judged anew; the others' verdicts stay.
        written: The answer whose changes stand in the generated manifest; None judges the base.
    """
    before = standing_decision(report, None)
    if written is not None:
        after = decide_accepted(
            case.configuration.models, case.cluster, before, written, vllm=case.vllm, each_kind=True
        )
        return settled(msgspec.structs.replace(after, models=_beside(before.models, after.models)))
    needs = {model.car.name: model for model in case.configuration.models}
    models = tuple(
        _again(case, needs[model.model]) if model.model in measured and model.model in needs else model
        for model in before.models
    )
    models = _beside(before.models, models)
    verdict, why = overall(models, before.checks)
    return settled(outlook(case, msgspec.structs.replace(before, verdict=verdict, why=why, models=models)))


def _again(case: Case, need: ModelRequirements) -> ModelVerdict:
    kinds = candidates(case.cluster)
    (verdict,) = decided((need,), case.cluster, kinds, case.vllm, each_kind=True)
    faults = linted([(need.car, need.image.model)], case.cluster, vllm=case.vllm)[1]
    return lowered(verdict, faults.get(need.car.name))


def _beside(before: tuple[ModelVerdict, ...], after: tuple[ModelVerdict, ...]) -> tuple[ModelVerdict, ...]:
    """Where a measurement changes a verdict, the reason says what was predicted."""
    known = {model.model: model for model in before}
    return tuple(_told(known.get(model.model), model) for model in after)


def _told(before: ModelVerdict | None, after: ModelVerdict) -> ModelVerdict:
    if before is None or after.verdict is before.verdict or not _is_measured(after):
        return after
    why = after.why
    if not _is_measured(before) and "predicted" not in why:
        why = f"predicted {before.verdict}, {why}"
    settle = after.settle or ("" if after.verdict is Verdict.GO else _AGAIN)
    return msgspec.structs.replace(after, why=why, settle=settle)


def _is_measured(model: ModelVerdict) -> bool:
    return model.estimate is not None and model.estimate.measured is not None
