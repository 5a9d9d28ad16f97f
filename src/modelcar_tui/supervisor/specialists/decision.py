"""Decision: needs against GPUs, quantization against hardware, and the arguments that would be better."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from msgspec import structs

from modelcar_tui.cluster.types import AcceleratorReport, Check, State
from modelcar_tui.manifest.plan import Change, Plan
from modelcar_tui.manifest.plan import Decision as Answer
from modelcar_tui.supervisor.events import (
    DecisionMade,
    Noticed,
    SpecialistFinished,
    Status,
    StepChanged,
    StepPlan,
)
from modelcar_tui.supervisor.specialist import Context
from modelcar_tui.verdict.outcome import settled
from modelcar_tui.verdict.reports import ConfigurationReport, DecisionReport, ModelVerdict, Verdict


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
        configuration = context.report("configuration", ConfigurationReport)
        cluster = context.report("accelerator", AcceleratorReport)
        context.step("gather", Status.DONE, f"{len(configuration.models)} models")
        report = await asyncio.to_thread(self._decide, context, configuration, cluster)
        if context.suggest is not None and (more := await context.suggest(report)):
            report = await asyncio.to_thread(self._joined, context, report, configuration, cluster, more)
        report = settled(report)
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
        from modelcar_tui.verdict import deciding
        from modelcar_tui.verdict.candidates import candidates

        settings = context.settings
        vllm = settings.vllm_version or deciding.runtime_version(cluster)
        kinds = candidates(cluster)
        context.step("compare", Status.RUNNING, f"{len(kinds)} kinds of GPU")
        models = tuple(
            deciding.decide_model(m, cluster, kinds, vllm, each_kind=True) for m in configuration.models
        )
        detail = models[0].comparison if len(models) == 1 else f"{len(models)} compared"
        context.step("compare", Status.DONE, detail)
        self._tell_quantization(context, models)
        report = self._review(context, configuration, cluster, models, vllm)
        return self._outlook(report, configuration, cluster, vllm)

    def _review(
        self,
        context: Context,
        configuration: ConfigurationReport,
        cluster: AcceleratorReport,
        models: tuple[ModelVerdict, ...],
        vllm: str | None,
    ) -> DecisionReport:
        """Findings, proposed changes and the plan."""
        from modelcar_tui.advice.lint.lint import lint
        from modelcar_tui.advice.repairs.proposals import optimized_json
        from modelcar_tui.manifest.diff import text_hunks
        from modelcar_tui.manifest.write import target_path
        from modelcar_tui.verdict.candidates import candidates
        from modelcar_tui.verdict.deciding import overall, preflight, runtime_arguments, runtime_environment
        from modelcar_tui.verdict.proposing import propose_for

        context.step("arguments", Status.RUNNING)
        manifest = configuration.manifest
        runtime_args = runtime_arguments(cluster)
        facts = {model.car.name: model.image.model for model in configuration.models}
        environment = runtime_environment(cluster)
        findings = lint(manifest, vllm=vllm, runtime_args=runtime_args, environment=environment, facts=facts)
        kinds = candidates(cluster)
        proposals = [
            propose_for(
                model,
                verdict,
                kinds,
                vllm=vllm,
                runtime_args=runtime_args,
                objective=context.settings.objective,
            )
            for model, verdict in zip(configuration.models, models, strict=True)
        ]
        changes = tuple(change for proposal in proposals for change in proposal.changes)
        base = Path(manifest.path)
        plan = Plan(
            base=manifest.path, base_sha256=manifest.sha256, target=str(target_path(base)), changes=changes
        )
        context.step("arguments", Status.DONE, f"{len(changes)} changes proposed, {len(findings)} findings")
        models = tuple(
            structs.replace(model, settle=model.settle if proposal.hope in ("", model.why) else proposal.hope)
            for model, proposal in zip(models, proposals, strict=True)
        )
        checks = preflight(configuration.models, cluster)
        verdict, why = overall(models, checks)
        return DecisionReport(
            verdict=verdict,
            why=why,
            models=models,
            findings=findings,
            checks=checks,
            plan=plan,
            hunks=text_hunks(base.read_bytes(), plan) if changes else (),
            optimized=tuple(
                optimized_json(model.car, proposal.changes)
                for model, proposal in zip(configuration.models, proposals, strict=True)
                if proposal.changes
            ),
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
        from modelcar_tui.manifest.diff import text_hunks
        from modelcar_tui.verdict.deciding import runtime_version

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
        """The verdict with all changes accepted, and whether all models run at once."""
        from modelcar_tui.verdict.candidates import candidates
        from modelcar_tui.verdict.deciding import accepted_model, decide_accepted
        from modelcar_tui.verdict.proposing import together, together_line

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
