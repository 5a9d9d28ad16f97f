"""Decision: GO, NO-GO or UNKNOWN with its evidence, and the arguments that would be better (`verdict`)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from modelcar_tui.cluster.types import AcceleratorReport, Check, State
from modelcar_tui.core.contain import Contained
from modelcar_tui.core.counting import several
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
from modelcar_tui.verdict import ConfigurationReport, DecisionReport, ModelVerdict, Verdict


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
        from modelcar_tui.verdict import not_decided

        context.step("gather", Status.RUNNING)
        if why := context.lacking(*self.needs):
            context.step("gather", Status.FAILED, why)
            report = not_decided(context.manifest, context.models, context.settings.manifest, why)
        else:
            report = await self._decided(context)
        return self._told(context, report)

    async def _decided(self, context: Context) -> DecisionReport:
        from modelcar_tui.verdict import Case, decide, decide_with

        cluster, settings = context.report("accelerator", AcceleratorReport), context.settings
        case = Case(
            configuration=context.report("configuration", ConfigurationReport),
            cluster=cluster,
            vllm=settings.vllm_version,
            objective=settings.objective,
        )
        context.step("gather", Status.DONE, several(len(case.configuration.models), "model"))
        voice, limits = _Voice(context), {"compare_s": COMPARE_S, "arguments_s": ARGUMENTS_S}
        report = await asyncio.to_thread(decide, case, voice, **limits)
        if context.suggest is not None:
            with Contained("the model's suggestions") as caught:
                if more := await context.suggest(report):
                    report = await asyncio.to_thread(decide_with, case, report, more, voice)
            if caught.problem is not None:
                context.emit(Noticed(text=str(caught.problem)))
        return report

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


class _Voice:
    """What the decision says of itself, as steps and notices of the pane."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def step(self, step: str, status: str, detail: str = "") -> None:
        self._context.step(step, Status(status), detail)

    def note(self, text: str) -> None:
        self._context.emit(Noticed(text=text))


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
        ended="done",
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
        count = len(report.plan.changes)
        every = "the proposed change" if count == 1 else f"all {count} proposed changes"
        yield f"with {every}: {report.with_changes}"
    if report.together:
        yield report.together
    for line in report.missing:
        yield f"  missing to run them together: {line}"


def lines(model: ModelVerdict) -> tuple[str, ...]:
    """The pane's lines for one model."""
    first = f"{model.verdict} {model.model}: {model.comparison}"
    more = [f"  {model.why}"]
    if model.settle:
        more.append(f"  what would help: {model.settle}")
    more += [f"  note: {warning}" for warning in model.warnings]
    return (first, *more)
