"""The decision for exactly the changes that the operator accepts."""

from __future__ import annotations

import msgspec

from modelcar_tui.advice import Finding
from modelcar_tui.advice.lint import findings_told
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.core.contain import Contained
from modelcar_tui.manifest import Decision, Ignore, Plan, accepted_changes, effective
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import overall
from modelcar_tui.verdict.one_by_one import decided, linted, lowered
from modelcar_tui.verdict.outcome import settled
from modelcar_tui.verdict.reports import DecisionReport, ModelRequirements, ModelVerdict, Verdict
from modelcar_tui.verdict.stopping import changes_in_words
from modelcar_tui.verdict.votes import worst


def decide_accepted(
    models: tuple[ModelRequirements, ...],
    cluster: AcceleratorReport,
    report: DecisionReport,
    decision: Decision,
    *,
    vllm: str | None = None,
    each_kind: bool = False,
) -> DecisionReport:
    """The decision for exactly the accepted changes; `each_kind` tells how each model fares on each kind of
    GPU, which takes longer.

    Raises:
        UserError: an edited value that can't be written.
    """
    after = tuple(accepted_model(model, report.plan, decision) for model in models)
    kinds = candidates(cluster)
    verdicts = tuple(
        _with_the_rest(verdict, report, decision)
        for verdict in decided(after, cluster, kinds, vllm, each_kind=each_kind)
    )
    verdict, why = overall(verdicts, report.checks, which="generated manifest")
    return msgspec.structs.replace(report, verdict=verdict, why=why, models=verdicts)


def _with_the_rest(verdict: ModelVerdict, report: DecisionReport, decision: Decision) -> ModelVerdict:
    """Where nothing else is said to help: what the plan holds ready, and was not taken as it is."""
    if verdict.verdict is Verdict.GO or verdict.settle:
        return verdict
    mine = [change for change in report.plan.changes if change.model == verdict.model]
    left = [c for c in mine if c.severity == "required" and c.id not in decision.accepted]
    edited = [c for c in mine if c.id in decision.edited]
    parts = [f"accept as well: {changes_in_words(left)}"] if left else []
    parts += [f"take as proposed: {changes_in_words(edited)}"] if edited else []
    return msgspec.structs.replace(verdict, settle="; ".join(parts))


def decide_written(
    models: tuple[ModelRequirements, ...],
    cluster: AcceleratorReport | None,
    report: DecisionReport,
    decision: Decision,
    *,
    vllm: str | None = None,
    ignores: tuple[Ignore, ...] = (),
) -> DecisionReport:
    """The decision on the manifest that was written; UNKNOWN where it can't be judged.

    Args:
        report: The decision before, or one that this has made: a write that was killed is done again.
        ignores: The base's comments that switch findings off.
    """
    before = report.without_changes or report.verdict
    after = report
    with Contained(report.plan.target) as caught:
        if cluster is not None:
            after = decide_accepted(models, cluster, report, decision, vllm=vllm, each_kind=True)
            after = settled(with_findings(models, cluster, after, decision, vllm=vllm, ignores=ignores))
    if caught.problem is not None:
        problem = caught.problem
        after = msgspec.structs.replace(
            report,
            verdict=worst(report.verdict, Verdict.UNKNOWN),
            why=f"the generated manifest's verdict: {problem.what}",
            models=tuple(lowered(model, problem) for model in report.models),
        )
    elif cluster is None:
        return report
    return msgspec.structs.replace(after, with_changes=None, without_changes=before)


def with_findings(
    models: tuple[ModelRequirements, ...],
    cluster: AcceleratorReport,
    report: DecisionReport,
    decision: Decision,
    *,
    vllm: str | None = None,
    ignores: tuple[Ignore, ...] = (),
) -> DecisionReport:
    """The decision with the findings that are left once the accepted changes are made.

    What is left keeps its place in the base manifest, whose comments are `ignores`; what an edit brought in
    stands at its model.
    """
    before = _raw(models, cluster, vllm) + [
        each for known in report.findings for each in (known.parts or (known,))
    ]
    places = {(known.model, known.code, known.what): known.at for known in before}
    after = tuple(accepted_model(model, report.plan, decision) for model in models)
    placed = [
        msgspec.structs.replace(one, at=places.get((one.model, one.code, one.what), one.at))
        for one in _raw(after, cluster, vllm)
    ]
    readers = [one for one in report.findings if not (one.model or one.release)]
    left = findings_told([*readers, *placed], [model.car for model in after], ignores)
    return msgspec.structs.replace(report, findings=left.findings)


def _raw(
    models: tuple[ModelRequirements, ...], cluster: AcceleratorReport, vllm: str | None
) -> list[Finding]:
    """`linted`; a model whose arguments nobody understands is UNKNOWN by its verdict."""
    pairs = [(model.car, model.image.model) for model in models]
    return linted(pairs, cluster, vllm=vllm)[0]


def accepted_model(model: ModelRequirements, plan: Plan, decision: Decision) -> ModelRequirements:
    """The model with its serving arguments as they are after the accepted changes."""
    changes = [change for change in accepted_changes(plan, decision) if change.model == model.car.name]
    serving = effective(model.car.serving, changes)
    return msgspec.structs.replace(model, car=msgspec.structs.replace(model.car, serving=serving))
