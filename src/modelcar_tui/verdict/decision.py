"""The whole decision on a manifest: needs against GPUs, findings, proposed changes, what they lead to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from msgspec import Struct, structs

from modelcar_tui.cluster.types import AcceleratorReport, Check, State
from modelcar_tui.core.contain import Contained, stopped
from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import Problem
from modelcar_tui.image import ImageFacts
from modelcar_tui.manifest import Change, Decision, Manifest, ModelCar, Plan, target_path, text_hunks
from modelcar_tui.verdict.accepting import accepted_model, decide_accepted
from modelcar_tui.verdict.candidate import Candidate, candidates
from modelcar_tui.verdict.deciding import overall, preflight
from modelcar_tui.verdict.one_by_one import (
    NOT_JUDGED,
    decided,
    drawn,
    lowered,
    optimized,
    proposals,
    remarks,
    undecided,
)
from modelcar_tui.verdict.outcome import settled
from modelcar_tui.verdict.proposing import together, together_line
from modelcar_tui.verdict.reports import (
    ConfigurationReport,
    DecisionReport,
    ModelRequirements,
    ModelVerdict,
    Verdict,
)
from modelcar_tui.verdict.stopping import left_open


class Case(Struct, frozen=True, kw_only=True):
    """What is decided on."""

    configuration: ConfigurationReport
    cluster: AcceleratorReport
    vllm: str | None
    """The release that the operator states; None takes each model's own."""
    objective: str
    """What the proposals are for: see the settings."""


class Listener(Protocol):
    """Hears how far the decision has come."""

    def step(self, step: str, status: str, detail: str = "") -> None:
        """`compare`, `quantization` or `arguments` is `running`, `done`, or done with a `warning`."""
        ...

    def note(self, text: str) -> None:
        """Something that the operator should see."""
        ...


def decide(case: Case, listener: Listener, *, compare_s: float, arguments_s: float) -> DecisionReport:
    """The decision; what can't be judged, or is not reached within a limit (seconds), is not known."""
    kinds, models = _compared(case, listener, compare_s)
    _tell_quantization(listener, models)
    return settled(outlook(case, _reviewed(case, listener, models, kinds, arguments_s)))


def decide_with(
    case: Case, report: DecisionReport, more: tuple[Change, ...], listener: Listener
) -> DecisionReport:
    """The decision with changes that a language model suggested and the validators let through.

    Raises:
        OSError: the base can't be read any more.
        UserError: the changes can't be shown in it.
    """
    plan = structs.replace(report.plan, changes=(*report.plan.changes, *more))
    listener.step(
        "arguments",
        "done",
        f"{several(len(plan.changes), 'change')} proposed, {len(more)} by the language model",
    )
    hunks = text_hunks(Path(plan.base).read_bytes(), plan)
    return settled(outlook(case, structs.replace(report, plan=plan, hunks=hunks)))


def not_decided(
    manifest: Manifest | None, known: tuple[ModelRequirements, ...], base: str, why: str
) -> DecisionReport:
    """UNKNOWN, with the models that are known, where somebody has no report."""
    problem = Problem(what=f"not known, because {why}", fix="run again; the run's crash.txt says more")
    needs = {model.car.name: model for model in known}
    cars = manifest.models if manifest is not None else ()
    models = tuple(
        undecided(
            needs.get(car.name) or ModelRequirements(car=car, image=ImageFacts(reference=car.image)), problem
        )
        for car in cars
    )
    base = base if manifest is None else manifest.path
    sha256 = "" if manifest is None else manifest.sha256
    plan = Plan(base=base, base_sha256=sha256, target=str(target_path(Path(base))))
    return DecisionReport(verdict=Verdict.UNKNOWN, why=problem.what, models=models, plan=plan)


def _compared(
    case: Case, listener: Listener, limit_s: float
) -> tuple[tuple[Candidate, ...], tuple[ModelVerdict, ...]]:
    """The kinds of GPU, and each model's verdict on them."""
    needs = case.configuration.models
    kinds: tuple[Candidate, ...] = ()
    with Contained("the kinds of GPU") as caught:
        kinds = candidates(case.cluster)
    listener.step("compare", "running", f"{several(len(kinds), 'kind')} of GPU")
    if caught.problem is not None:
        models = tuple(undecided(model, caught.problem) for model in needs)
    else:
        until = time.monotonic() + limit_s
        models = decided(needs, case.cluster, kinds, case.vllm, each_kind=True, until=until)
    if any(model.why == NOT_JUDGED for model in models):
        listener.step("compare", "warning", stopped("comparing", limit_s).what)
    else:
        listener.step(
            "compare", "done", models[0].comparison if len(models) == 1 else f"{len(models)} compared"
        )
    return kinds, models


def _tell_quantization(listener: Listener, models: tuple[ModelVerdict, ...]) -> None:
    judged = [item for model in models for item in model.compatibility]
    doubtful = [item for item in judged if item.support != "native"]
    detail = doubtful[0].why if doubtful else _all_native(len(judged))
    listener.step("quantization", "warning" if doubtful else "done", detail)


def _all_native(count: int) -> str:
    """Nothing was checked of images that were not read."""
    if not count:
        return "nothing to check: no model is known to be quantized"
    return f"the hardware runs every quantization natively ({several(count, 'check')})"


def _reviewed(
    case: Case,
    listener: Listener,
    models: tuple[ModelVerdict, ...],
    kinds: tuple[Candidate, ...],
    limit_s: float,
) -> DecisionReport:
    """With findings, proposed changes and the plan."""
    listener.step("arguments", "running")
    manifest, needs = case.configuration.manifest, case.configuration.models
    findings, faults = remarks(manifest, needs, case.cluster, vllm=case.vllm)
    found = proposals(
        needs,
        models,
        kinds,
        faults,
        cluster=case.cluster,
        vllm=case.vllm,
        objective=case.objective,
        until=time.monotonic() + limit_s,
    )
    whole = Plan(
        base=manifest.path,
        base_sha256=manifest.sha256,
        target=str(target_path(Path(manifest.path))),
        changes=tuple(change for proposal in found for change in proposal.changes),
    )
    plan, hunks = drawn(whole, faults)
    shown = optimized(needs, plan, faults)
    for name, problem in faults.items():
        listener.note(f"{name}: its arguments are not judged: {problem.what}")
    detail = f"{several(len(plan.changes), 'change')} proposed, {several(len(findings), 'finding')}"
    listener.step("arguments", "warning" if faults else "done", detail)
    models = tuple(
        lowered(
            structs.replace(model, settle=_settled(model, need.car, one.hope, case)),
            faults.get(model.model),
        )
        for model, need, one in zip(models, needs, found, strict=True)
    )
    checks = _checks(case)
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


def _settled(model: ModelVerdict, car: ModelCar, hope: str, case: Case) -> str:
    """What would make it GO: the hope of its proposals, unless it says no more, or the manifest is not
    clear."""
    own = hope in ("", model.why) or left_open(model, car, case.cluster, case.vllm)
    return model.settle if own else hope


def _checks(case: Case) -> tuple[Check, ...]:
    """The checks of serving; where the nodes can't be compared with the images, the cluster's own."""
    with Contained("the images and the nodes") as caught:
        return preflight(case.configuration.models, case.cluster)
    assert caught.problem is not None  # noqa: S101 - else it has returned
    unanswered = Check(code="unanswered", state=State.UNKNOWN, what=str(caught.problem))
    return (*case.cluster.checks, unanswered)


def outlook(case: Case, report: DecisionReport) -> DecisionReport:
    """With the verdict for all changes accepted, and whether all models run at once, where that is known."""
    with Contained("the outlook"):
        return _seen_ahead(case, report)
    return report


def _seen_ahead(case: Case, report: DecisionReport) -> DecisionReport:
    needs, cluster = case.configuration.models, case.cluster
    changes = report.plan.changes
    everything = Decision(plan_digest=report.plan.digest, accepted=tuple(change.id for change in changes))
    after = decide_accepted(needs, cluster, report, everything, vllm=case.vllm)
    models = tuple(accepted_model(model, report.plan, everything) for model in needs)
    placement = together(models, after.models, candidates(cluster), cluster, vllm=case.vllm)
    return structs.replace(
        report,
        with_changes=settled(after).verdict if changes else None,
        why_with_changes=after.why,
        together=together_line(placement, bool(changes)),
        placed=placement.placed if placement else (),
        missing=placement.missing if placement else (),
    )
