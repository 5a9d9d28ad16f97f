"""Decision: needs against GPUs, quantization against hardware, and the arguments that would be better."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from modelcar_tui.cluster.types import AcceleratorReport, Check, State
from modelcar_tui.core.contain import Contained, stopped
from modelcar_tui.core.errors import Problem
from modelcar_tui.image import ImageFacts
from modelcar_tui.manifest import Change, Plan
from modelcar_tui.manifest import Decision as Answer
from modelcar_tui.supervisor.events import (
    DecisionMade,
    Noticed,
    SpecialistFinished,
    Status,
    StepChanged,
    StepPlan,
)
from modelcar_tui.supervisor.limits import ARGUMENTS_S, COMPARE_S
from modelcar_tui.supervisor.specialist import Context
from modelcar_tui.verdict import (
    ConfigurationReport,
    DecisionReport,
    ModelRequirements,
    ModelVerdict,
    Verdict,
    settled,
)

if TYPE_CHECKING:
    from modelcar_tui.verdict import Candidate


class Decision:
    """Says GO, NO-GO or UNKNOWN, with the comparison spelled out."""

    name = "decision"
    title = "Decision"
    steps = (
        StepPlan("gather", "Gather requirements and GPUs"),
        StepPlan("compare", "Compare needs with GPU memory"),
        StepPlan("quantization", "Check quantization against the hardware"),
        StepPlan("arguments", "Review the serving arguments"),
        StepPlan("verdict", "Issue the verdict"),
    )
    needs = ("configuration", "accelerator")

    async def run(self, context: Context) -> DecisionReport:
        """See `Specialist.run`."""
        context.step("gather", Status.RUNNING)
        if why := context.lacking(*self.needs):
            context.step("gather", Status.FAILED, why)
            return self._told(context, _without_reports(context, why))
        configuration = context.report("configuration", ConfigurationReport)
        cluster = context.report("accelerator", AcceleratorReport)
        context.step("gather", Status.DONE, f"{len(configuration.models)} models")
        report = await asyncio.to_thread(self._decide, context, configuration, cluster)
        if context.suggest is not None:
            with Contained("the model's suggestions") as caught:
                if more := await context.suggest(report):
                    report = await asyncio.to_thread(
                        self._joined, context, report, configuration, cluster, more
                    )
            if caught.problem is not None:
                context.emit(Noticed(text=str(caught.problem)))
        return self._told(context, settled(report))

    def _told(self, context: Context, report: DecisionReport) -> DecisionReport:
        context.emit(DecisionMade(report=report))
        remarks = [f"{model.model}: {text}" for model in report.models for text in model.warnings]
        remarks += [
            check_text(check) for check in report.checks if check.state in (State.WARNING, State.BLOCKED)
        ]
        for text in dict.fromkeys(remarks):
            context.emit(Noticed(text=text))
        for event in told(report):
            context.emit(event)
        return report

    def _decide(
        self, context: Context, configuration: ConfigurationReport, cluster: AcceleratorReport
    ) -> DecisionReport:
        from modelcar_tui.verdict import NOT_JUDGED, candidates, decided, runtime_version, undecided

        settings = context.settings
        vllm = settings.vllm_version or runtime_version(cluster)
        kinds: tuple[Candidate, ...] = ()
        with Contained("the kinds of GPU") as caught:
            kinds = candidates(cluster)
        context.step("compare", Status.RUNNING, f"{len(kinds)} kinds of GPU")
        if caught.problem is not None:
            models = tuple(undecided(model, caught.problem) for model in configuration.models)
        else:
            until = time.monotonic() + COMPARE_S
            models = decided(configuration.models, cluster, kinds, vllm, each_kind=True, until=until)
        stopped_at = any(model.why == NOT_JUDGED for model in models)
        detail = models[0].comparison if len(models) == 1 else f"{len(models)} compared"
        if stopped_at:
            detail = stopped("comparing", COMPARE_S).what
        context.step("compare", Status.WARNING if stopped_at else Status.DONE, detail)
        self._tell_quantization(context, models)
        report = self._review(context, configuration, cluster, models, kinds, vllm)
        return self._outlook(report, configuration, cluster, vllm)

    def _review(
        self,
        context: Context,
        configuration: ConfigurationReport,
        cluster: AcceleratorReport,
        models: tuple[ModelVerdict, ...],
        kinds: tuple[Candidate, ...],
        vllm: str | None,
    ) -> DecisionReport:
        """Findings, proposed changes and the plan."""
        from modelcar_tui.manifest import target_path
        from modelcar_tui.verdict import (
            drawn,
            lowered,
            optimized,
            overall,
            proposals,
            remarks,
            runtime_arguments,
            runtime_environment,
        )

        context.step("arguments", Status.RUNNING)
        manifest = configuration.manifest
        args, environment = runtime_arguments(cluster), runtime_environment(cluster)
        findings, faults = remarks(
            manifest, configuration.models, vllm=vllm, runtime_args=args, environment=environment
        )
        found = proposals(
            configuration.models,
            models,
            kinds,
            faults,
            vllm=vllm,
            runtime_args=args,
            objective=context.settings.objective,
            until=time.monotonic() + ARGUMENTS_S,
        )
        whole = Plan(
            base=manifest.path,
            base_sha256=manifest.sha256,
            target=str(target_path(Path(manifest.path))),
            changes=tuple(change for proposal in found for change in proposal.changes),
        )
        plan, hunks = drawn(whole, faults)
        shown = optimized(configuration.models, plan, faults)
        for name, problem in faults.items():
            context.emit(Noticed(text=f"{name}: its arguments are not judged: {problem.what}"))
        detail = f"{len(plan.changes)} changes proposed, {len(findings)} findings"
        context.step("arguments", Status.WARNING if faults else Status.DONE, detail)
        models = tuple(
            lowered(
                structs.replace(
                    model, settle=model.settle if proposal.hope in ("", model.why) else proposal.hope
                ),
                faults.get(model.model),
            )
            for model, proposal in zip(models, found, strict=True)
        )
        checks = _checked(configuration, cluster)
        verdict, why = overall(models, checks)
        return DecisionReport(
            verdict=verdict,
            why=why,
            models=models,
            findings=findings,
            checks=checks,
            plan=plan,
            hunks=hunks,
            optimized=shown,
        )

    def _joined(
        self,
        context: Context,
        report: DecisionReport,
        configuration: ConfigurationReport,
        cluster: AcceleratorReport,
        more: tuple[Change, ...],
    ) -> DecisionReport:
        """The plan with changes that a language model suggested and the validators let through."""
        from modelcar_tui.manifest import text_hunks
        from modelcar_tui.verdict import runtime_version

        plan = structs.replace(report.plan, changes=(*report.plan.changes, *more))
        context.step(
            "arguments", Status.DONE, f"{len(plan.changes)} changes proposed, {len(more)} by the model"
        )
        hunks = text_hunks(Path(plan.base).read_bytes(), plan)
        vllm = context.settings.vllm_version or runtime_version(cluster)
        return self._outlook(structs.replace(report, plan=plan, hunks=hunks), configuration, cluster, vllm)

    def _outlook(
        self,
        report: DecisionReport,
        configuration: ConfigurationReport,
        cluster: AcceleratorReport,
        vllm: str | None,
    ) -> DecisionReport:
        """The verdict with all changes accepted, and whether all models run at once; not known is left
        out."""
        with Contained("the outlook"):
            return self._seen_ahead(report, configuration, cluster, vllm)
        return report

    def _seen_ahead(
        self,
        report: DecisionReport,
        configuration: ConfigurationReport,
        cluster: AcceleratorReport,
        vllm: str | None,
    ) -> DecisionReport:
        from modelcar_tui.verdict import accepted_model, candidates, decide_accepted, together, together_line

        everything = Answer(
            plan_digest=report.plan.digest, accepted=tuple(change.id for change in report.plan.changes)
        )
        after = decide_accepted(configuration.models, cluster, report, everything, vllm=vllm)
        models = tuple(accepted_model(model, report.plan, everything) for model in configuration.models)
        placement = together(models, after.models, candidates(cluster), cluster, vllm=vllm)
        return structs.replace(
            report,
            with_changes=settled(after).verdict if report.plan.changes else None,
            why_with_changes=after.why,
            together=together_line(placement, bool(report.plan.changes)),
            placed=placement.placed if placement else (),
            missing=placement.missing if placement else (),
        )

    def _tell_quantization(self, context: Context, models: tuple[ModelVerdict, ...]) -> None:
        doubtful = [item for model in models for item in model.compatibility if item.support != "native"]
        detail = (
            doubtful[0].why if doubtful else f"{sum(len(m.compatibility) for m in models)} checks, all native"
        )
        context.step("quantization", Status.WARNING if doubtful else Status.DONE, detail)


def _checked(configuration: ConfigurationReport, cluster: AcceleratorReport) -> tuple[Check, ...]:
    """The checks of serving; where the nodes can't be compared with the images, the cluster's own."""
    from modelcar_tui.verdict import preflight

    with Contained("the images and the nodes") as caught:
        return preflight(configuration.models, cluster)
    assert caught.problem is not None  # noqa: S101 - else it has returned
    return (*cluster.checks, Check(code="unanswered", state=State.UNKNOWN, what=str(caught.problem)))


def _without_reports(context: Context, why: str) -> DecisionReport:
    """UNKNOWN, with the models that are known, where somebody has no report."""
    from modelcar_tui.manifest import target_path
    from modelcar_tui.verdict import undecided

    problem = Problem(what=f"not known, because {why}", fix="run again; the run's crash.txt says more")
    manifest, known = context.manifest, {model.car.name: model for model in context.models}
    cars = manifest.models if manifest is not None else ()
    models = tuple(
        undecided(
            known.get(car.name) or ModelRequirements(car=car, image=ImageFacts(reference=car.image)), problem
        )
        for car in cars
    )
    base = context.settings.manifest if manifest is None else manifest.path
    plan = Plan(
        base=base,
        base_sha256="" if manifest is None else manifest.sha256,
        target=str(target_path(Path(base))),
    )
    return DecisionReport(verdict=Verdict.UNKNOWN, why=problem.what, models=models, plan=plan)


def check_text(check: Check) -> str:
    """`warning: what; fix`."""
    return f"{check.state}: {check.what}" + (f"; {check.fix}" if check.fix else "")


def told(report: DecisionReport) -> tuple[StepChanged, SpecialistFinished]:
    """The verdict as a step, and the pane's result; told again when an answer, or QA, has changed it."""
    text = f"{report.verdict}: {report.why}"
    step = StepChanged(specialist=Decision.name, step="verdict", status=Status.DONE, detail=text)
    return step, finished(report)


def finished(report: DecisionReport) -> SpecialistFinished:
    """The pane's result."""
    return SpecialistFinished(
        specialist=Decision.name,
        status=Status.DONE if report.verdict is Verdict.GO else Status.WARNING,
        summary=f"{report.verdict}: {report.why}",
        lines=tuple(report_lines(report)),
        metadata={
            "verdict": str(report.verdict),
            "changes": len(report.plan.changes),
            **({"predicted": str(report.predicted.verdict)} if report.predicted is not None else {}),
        },
    )


def report_lines(report: DecisionReport) -> Iterator[str]:
    """The pane's lines: the models, then what the changes and the whole manifest would do."""
    for model in report.models:
        yield from lines(model)
    for check in report.checks:
        if check.state is not State.OK:
            yield check_text(check)
    if report.predicted is not None:
        return
    if report.with_changes is not None and report.with_changes is not report.verdict:
        yield f"with all {len(report.plan.changes)} proposed changes: {report.with_changes}"
    if report.together:
        yield report.together
    for line in report.missing:
        yield f"  missing for all at once: {line}"


def lines(model: ModelVerdict) -> tuple[str, ...]:
    """The pane's lines for one model."""
    first = f"{model.verdict} {model.model}: {model.comparison}"
    more = [f"  {model.why}"]
    if model.settle:
        more.append(f"  what would help: {model.settle}")
    more += [f"  note: {warning}" for warning in model.warnings]
    return (first, *more)
