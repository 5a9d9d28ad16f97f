"""Decision: needs against GPUs, quantization against hardware, and the arguments that would be better."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.manifest.plan import Change, Plan
from modelcar_tui.supervisor.events import DecisionMade, Noticed, Status, StepPlan
from modelcar_tui.supervisor.reports import (
    ConfigurationReport,
    DecisionReport,
    ModelRequirements,
    ModelVerdict,
    Verdict,
)
from modelcar_tui.supervisor.specialist import Context

if TYPE_CHECKING:
    from modelcar_tui.supervisor.deciding import Candidate


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
        context.emit(DecisionMade(report=report))
        for text in dict.fromkeys(f"{model.model}: {text}" for model in report.models for text in model.warnings):
            context.emit(Noticed(text=text))
        context.step("verdict", Status.DONE, f"{report.verdict}: {report.why}")
        context.finish(
            f"{report.verdict}: {report.why}", tuple(line for model in report.models for line in lines(model)),
            status=Status.DONE if report.verdict is Verdict.GO else Status.WARNING,
            metadata={"verdict": str(report.verdict), "changes": len(report.plan.changes)},
        )  # fmt: skip
        return report

    def _decide(
        self, context: Context, configuration: ConfigurationReport, cluster: AcceleratorReport
    ) -> DecisionReport:
        from modelcar_tui.compatibility.lint import lint
        from modelcar_tui.compatibility.proposals import optimized_json
        from modelcar_tui.manifest.diff import text_hunks
        from modelcar_tui.supervisor import deciding

        vllm = context.settings.vllm_version or (cluster.runtime.version if cluster.runtime else None)
        runtime_args = cluster.runtime.args if cluster.runtime else ()
        kinds = deciding.candidates(cluster)
        context.step("compare", Status.RUNNING, f"{len(kinds)} kinds of GPU")
        models = tuple(deciding.decide_model(m, cluster, kinds, vllm) for m in configuration.models)
        context.step(
            "compare", Status.DONE, models[0].comparison if len(models) == 1 else f"{len(models)} compared"
        )
        self._tell_quantization(context, models)
        changes = tuple(
            change
            for model, verdict in zip(configuration.models, models, strict=True)
            for change in _proposals(model, verdict, kinds, vllm, runtime_args)
        )
        manifest = configuration.manifest
        facts = {model.car.name: model.image.model for model in configuration.models}
        findings = lint(manifest, vllm=vllm, runtime_args=runtime_args, facts=facts)
        base = Path(manifest.path)
        plan = Plan(base=manifest.path, base_sha256=manifest.sha256, target=_target(base), changes=changes)
        context.step("arguments", Status.DONE, f"{len(changes)} changes proposed, {len(findings)} findings")
        verdict, why = deciding.overall(models)
        return DecisionReport(
            verdict=verdict, why=why, models=models, findings=findings, plan=plan,
            hunks=text_hunks(base.read_bytes(), plan) if changes else (),
            optimized=tuple(
                optimized_json(model.car, tuple(c for c in changes if c.model == model.car.name))
                for model in configuration.models
                if any(c.model == model.car.name for c in changes)
            ),
        )  # fmt: skip

    def _tell_quantization(self, context: Context, models: tuple[ModelVerdict, ...]) -> None:
        doubtful = [item for model in models for item in model.compatibility if item.support != "native"]
        detail = doubtful[0].why if doubtful else f"{sum(len(m.compatibility) for m in models)} checks, all native"
        context.step("quantization", Status.WARNING if doubtful else Status.DONE, detail)


def _proposals(
    model: ModelRequirements,
    verdict: ModelVerdict,
    kinds: tuple[Candidate, ...],
    vllm: str | None,
    runtime_args: tuple[str, ...],
) -> tuple[Change, ...]:
    from modelcar_tui.compatibility.proposals import propose

    gpu = next((kind.gpu for kind in kinds if kind.gpu.product == verdict.product), None)
    return propose(
        model.car, model.image.model, gpu, estimate=verdict.estimate, vllm=vllm, runtime_args=runtime_args
    )


def _target(base: Path) -> str:
    from modelcar_tui.manifest.write import target_path

    return str(target_path(base))


def lines(model: ModelVerdict) -> tuple[str, ...]:
    """The pane's lines for one model."""
    first = f"{model.verdict} {model.model}: {model.comparison}"
    more = [f"  {model.why}"]
    if model.settle:
        more.append(f"  to settle it: {model.settle}")
    more += [f"  note: {warning}" for warning in model.warnings]
    return (first, *more)
