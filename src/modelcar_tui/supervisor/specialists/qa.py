"""QA: runs the opendatahub-tests container over the manifest, or says why it did not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from modelcar_tui.advice import Stops
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.core.contain import Contained, being_cancelled, not_known
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.pull_secret import VARIABLE
from modelcar_tui.core.secrets import Secret
from modelcar_tui.hardware import NVIDIA
from modelcar_tui.kube import Access, Rung
from modelcar_tui.manifest import MODEL_CAR, ModelCar, read_manifest
from modelcar_tui.qa import (
    Effect,
    LeftOut,
    QaEvent,
    QaOutcome,
    QaRequest,
    QaSecrets,
    QaStarted,
    Runner,
    SuiteImage,
    TimeBudgets,
    Warned,
    WentSilent,
    clean_up_commands,
    cluster_effects,
    could_not_start,
    effect_rows,
    failed_lines,
    fails,
    for_suite,
    job_engine_effects,
    measured_line,
    named,
    nothing_to_test,
    other_manifest_effects,
    output_type_of,
    pull_effects,
    qa_skipped,
    suite_image,
    suite_namespaces,
    tells,
    time_budgets,
    time_effect,
)
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.events import Status, StepPlan
from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.supervisor.specialist import Context
from modelcar_tui.supervisor.way_back import named_at
from modelcar_tui.verdict import ConfigurationReport, DecisionReport, compare

T = TypeVar("T")
KUBERNETES = "kubernetes"
_PHASES = {"call": "inference", "start": "its start"}
"""What the phases of a test are called in words, where the suite's log has another word."""


class Qa:
    """The last word: the upstream suite on the cluster itself."""

    name = "qa"
    title = "QA"
    steps = (
        StepPlan("ready", "Check what QA needs"),
        StepPlan("stage", "Stage manifest, kubeconfig and pull secret"),
        StepPlan("run", "Run opendatahub-tests"),
        StepPlan("outcome", "Read the outcome"),
    )
    needs = ("configuration", "accelerator", "decision")

    async def run(self, context: Context) -> QaOutcome:
        """See `Specialist.run`. Run again after a crash, it goes on with the container that is there."""
        context.step("ready", Status.RUNNING)
        from modelcar_tui.qa.engines import sweep_stale_secrets

        outcome = await self._go_on(context) if context.resumed else None
        if outcome is not None:
            context.step("ready", Status.DONE)
            context.step("stage", Status.DONE)
            return self._finished(context, outcome)
        skip = await self._skip(context)
        if skip is not None:
            return self._skipped(context, skip)
        if not await context.consent(_effects(context)):
            return self._skipped(
                context, qa_skipped("REFUSED", "the operator did not let QA change the cluster")
            )
        context.step("ready", Status.DONE)
        with Contained("secrets that killed runs have left"):
            await sweep_stale_secrets(context.folder.parent)
        runner, request = self._runner(context), self._request(context)
        context.step("stage", Status.RUNNING, Path(request.manifest_path).name)
        run = runner.run(request, QaSecrets(_pull_secret()), lambda event: _tell(context, event))
        return self._finished(context, await _to_its_end(context, runner, run))

    async def _go_on(self, context: Context) -> QaOutcome | None:
        """What a suite that was already started comes to, whatever is missing by now; None without one."""
        if context.lacking(*self.needs):
            return None
        runner, request = self._runner(context), self._request(context)
        attach = runner.attach(request, QaSecrets(_pull_secret()), lambda event: _tell(context, event))
        return await _to_its_end(context, runner, attach)

    async def _skip(self, context: Context) -> QaOutcome | None:
        from modelcar_tui.qa import skip_reason

        settings, answer = context.settings, context.answer
        if answer is not None and not answer.write and answer.who != Approve.SHOW:
            return qa_skipped("REJECTED", "the operator rejected the proposed changes")
        if context.kept:
            return qa_skipped("NOT_WRITTEN", "the generated manifest could not be written")
        if why := context.lacking(*self.needs):
            return qa_skipped("NO_VERDICT", f"there is no verdict to test: {why}", "run again")
        access = context.report("accelerator", AcceleratorReport).access
        if settings.qa and access.rung is Rung.WHAT_IF:
            return qa_skipped(
                "NO_CLUSTER",
                "the GPUs are a what-if: there is no cluster to test on",
                "run it without --gpu and --inventory",
            )
        if not settings.qa:
            return qa_skipped("NOT_WANTED", "QA was switched off", "leave out --no-qa")
        tested, left = _to_test(context)
        if not tested:
            return nothing_to_test(left)
        return skip_reason(
            access_problem="" if access.healthy else str(access.problem or access.rung),
            access_code=_no_access(access),
            kubeconfig=settings.kubeconfig,
            recorded=settings.qa_recording is not None,
            verdict=context.report("decision", DecisionReport).verdict,
            pull_secret=_pull_secret(),
            podman=None if settings.qa_engine == KUBERNETES else "podman",
            image=_image(context).image,
        )

    def _runner(self, context: Context) -> Runner:
        if context.settings.qa_recording:
            from modelcar_tui.qa.engines import RecordedRunner

            return RecordedRunner(Path(context.settings.qa_recording), redact=context.redact)
        if context.settings.qa_engine == KUBERNETES:
            return _job_runner(context)
        from modelcar_tui.qa.engines import PodmanRunner

        return PodmanRunner(redact=context.redact)

    def _request(self, context: Context) -> QaRequest:
        settings = context.settings
        cluster = context.report("accelerator", AcceleratorReport)
        plan = context.report("decision", DecisionReport).plan
        limits = _budgets(context)
        written = context.answer is not None and context.answer.write
        runtime = os.environ.get("VLLM_RUNTIME_IMAGE") or (cluster.runtime.image if cluster.runtime else None)
        return QaRequest(
            run_id=context.folder.name,
            image=_image(context).image,
            manifest_path=plan.target if written else plan.base,
            kubeconfig_path=settings.kubeconfig,
            kube_context=settings.kube_context,
            runtime_image=runtime,
            accelerator=cluster.vendor or NVIDIA,
            timeout_s=settings.qa_timeout_s or limits.whole,
            model_timeout_s=None if settings.qa_timeout_s else limits.per_model,
            folder=str(context.folder),
            network=settings.qa_network,
            memory=settings.qa_memory,
            pull=settings.qa_pull,
            output_types=_output_types(context),
            told=suite_namespaces(_image(context).facts),
        )

    def _skipped(self, context: Context, outcome: QaOutcome) -> QaOutcome:
        context.step("ready", Status.WARNING, outcome.message)
        for step in self.steps[1:]:
            context.step(step.id, Status.SKIPPED)
        context.emit(e.QaFinished(outcome=outcome))
        from modelcar_tui.qa import for_older_scripts

        before, fix = for_older_scripts(outcome.code), f"to run it: {outcome.fix}" if outcome.fix else ""
        lines = tuple(line for line in (outcome.code, before, fix) if line)
        context.finish(f"skipped: {outcome.message}", lines, status=Status.SKIPPED)
        return outcome

    def _finished(self, context: Context, outcome: QaOutcome) -> QaOutcome:
        outcome = msgspec.structs.replace(outcome, cause=context.redact(outcome.cause))
        outcome = compare(outcome, context.report("decision", DecisionReport))
        ok = Status.DONE if outcome.ok else Status.FAILED
        context.step("run", ok, ended(outcome))
        context.step("outcome", ok, f"{outcome.code}: {outcome.message}")
        context.emit(e.QaFinished(outcome=outcome))
        lines = [f"{outcome.code}: {outcome.message}"]
        lines += [f"cause: {outcome.cause}"] if outcome.cause else []
        lines += [f"next: {outcome.fix}"] if outcome.fix else []
        lines += failed_lines(outcome.models)
        lines += [
            f"our estimate for {model.model}: {model.predicted}"
            for model in outcome.models
            if model.predicted
        ]
        lines += [measured_line(one) for one in outcome.measured]
        if outcome.leftovers:
            lines += [
                f"left on the cluster: {', '.join(outcome.leftovers)}",
                f"to look and remove: agent cleanup {named_at(context.folder.name, context.folder)}",
                *(f"or: {command}" for command in clean_up_commands(outcome)),
            ]
        context.finish(f"{outcome.code}: {outcome.message}", tuple(lines), status=ok)
        return outcome


def ended(outcome: QaOutcome) -> str:
    """How the suite ended, as a step tells it: `finished`, or where it failed: `in inference`."""
    phase = _PHASES.get(outcome.phase, outcome.phase)
    if outcome.ok or not phase:
        return phase
    return f"{'while' if phase.endswith(('pods', 'image')) else 'in'} {phase}"


async def _to_its_end(context: Context, runner: Runner, work: Coroutine[Any, Any, T]) -> T | QaOutcome:
    """Wait for the runner; a cancellation stops the suite, or leaves it where the operator will come back.
    What nobody foresaw is the outcome of QA, not the end of the run."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not being_cancelled():
            return _not_known(asyncio.CancelledError())
        runner.detach = context.detached()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
    except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
        return _not_known(error)


def _not_known(error: BaseException) -> QaOutcome:
    problem = not_known(error)
    return could_not_start("NOT_KNOWN", problem.what, problem.fix)


def _effects(context: Context) -> tuple[Effect, ...]:
    """What the suite will do to the cluster and meet there, what fails first; before its image is asked, it
    is taken for what its tag is known to hold."""
    cars, left = _to_test(context)
    names = {car.name for car in cars}
    access = context.report("accelerator", AcceleratorReport).access
    decision, settings = context.report("decision", DecisionReport), context.settings
    image, budgets = _image(context), _budgets(context)
    slow = pull_effects(
        budgets.slow,
        {car.name: car.image.partition("://")[2] or car.image for car in cars},
        {one.model: one.nodes[0] for one in decision.models if one.nodes and one.model in names},
    )
    done = cluster_effects(
        image.facts,
        models=[car.name for car in cars],
        server=access.server,
        user=access.user,
        audio="audio" in (*(car.model_output_type for car in cars), *dict(_output_types(context)).values()),
        gpus=[one.gpus for one in decision.models if one.model in names],
    )
    if settings.qa_engine == KUBERNETES:
        done += job_engine_effects(settings.qa_namespace or "", settings.qa_parallel, image.facts)
    played = (tells("demo", "a recording is played and no cluster is touched"),) * bool(settings.qa_recording)
    lasts = time_effect(budgets.likely, settings.qa_timeout_s or budgets.whole)
    rows = (*slow, *_suite_findings(decision), *other_manifest_effects(cars, left), *played, *done)
    return effect_rows((*rows, tells("image", f"{_tag(image.image)}: {image.why}"), lasts))


def _to_test(context: Context) -> tuple[tuple[ModelCar, ...], tuple[LeftOut, ...]]:
    """The models of the file that is tested, as far as the suite can test them, and the others."""
    models = context.report("configuration", ConfigurationReport).manifest.models
    written = context.answer is not None and context.answer.write
    if written and any(car.kind != MODEL_CAR for car in models):
        target = context.report("decision", DecisionReport).plan.target
        with suppress(UserError):  # staging tells what is wrong with it
            models = read_manifest(Path(target)).models
    return for_suite(models)


def _output_types(context: Context) -> tuple[tuple[str, str], ...]:
    """What the models of a manifest make that does not say it itself."""
    models = context.report("configuration", ConfigurationReport).models
    told = ((one.car, output_type_of(one.image.model.config)) for one in models)
    return tuple((car.name, kind) for car, kind in told if car.kind != MODEL_CAR and kind != "text")


def _suite_findings(decision: DecisionReport) -> tuple[Effect, ...]:
    """What the lint found about the suite alone: the server starts with it, QA stumbles over it. One row for
    all models of which the same is said."""
    models: dict[tuple[str, str], list[str]] = {}
    for told in decision.findings:
        for finding in told.parts or (told,):
            if finding.stops is Stops.SUITE:
                models.setdefault((finding.what, finding.fix), []).append(finding.model)
    return tuple(fails(f"{named(names)}: {what}", fix) for (what, fix), names in models.items())


def _tag(image: str) -> str:
    """The image without its registry and organisation."""
    return image.rpartition("/")[2]


def _image(context: Context) -> SuiteImage:
    release = context.report("accelerator", AcceleratorReport).versions.ai
    return suite_image(release, context.settings.qa_image)


def _budgets(context: Context) -> TimeBudgets:
    names = {car.name for car in _to_test(context)[0]}
    told = context.report("configuration", ConfigurationReport).models
    models = [model for model in told if model.car.name in names]
    facts = _image(context).facts
    tests = len(facts.modes) if facts is not None and facts.modes else 1
    return time_budgets([(model.car.name, model.image.size_bytes.value) for model in models], tests=tests)


def _tell(context: Context, event: QaEvent) -> None:
    match event:
        case WentSilent():
            context.emit(
                e.Noticed(text=f"QA has been silent for {event.seconds:.0f} s (phase: {event.phase})")
            )
        case Warned():
            context.emit(e.Noticed(text=context.redact(event.text)))
        case _:
            if isinstance(event, QaStarted):
                context.step("stage", Status.DONE)
                played = "played from " * (context.settings.qa_recording is not None)
                context.step("run", Status.RUNNING, f"{played}{event.container}")
            context.emit(event)


def _job_runner(context: Context) -> Runner:
    from modelcar_tui.qa.engines import JobOptions, KubeJobRunner

    settings = context.settings
    if not settings.qa_namespace:
        raise UserError(
            Problem(
                where="--qa-engine kubernetes",
                what="the Job needs a namespace",
                fix="name it: --qa-namespace NS",
            )
        )
    options = JobOptions(
        namespace=settings.qa_namespace,
        service_account=settings.qa_service_account,
        run_as=settings.qa_run_as,
        pull_secrets=settings.qa_image_pull_secrets,
        arch=settings.qa_arch,
        tolerations=settings.qa_tolerations,
        queue=settings.qa_queue,
        parallel=settings.qa_parallel,
    )
    return KubeJobRunner(options, redact=context.redact)


def _no_access(access: Access) -> str:
    """The short name of what keeps us from the cluster."""
    if access.rung is Rung.NO_KUBECONFIG:
        missing = access.problem is None or access.problem.code == "no-kubeconfig"
        return "KUBECONFIG_MISSING" if missing else "KUBECONFIG_INVALID"
    return "CLUSTER_UNREACHABLE" if access.rung is Rung.UNREACHABLE else "CLUSTER_UNHEALTHY"


def _pull_secret() -> Secret | None:
    value = os.environ.get(VARIABLE, "")
    return Secret(value) if value else None
