"""The decision model by model: what one of them raises makes that one UNKNOWN, and the others are judged."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from modelcar_tui.advice import Finding
from modelcar_tui.advice.lint import findings_told, lint_model, of_problem
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.core.contain import STOPPED, Contained
from modelcar_tui.core.decode import convert
from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest import Change, Hunk, Manifest, ModelCar, Plan
from modelcar_tui.models import ModelFacts
from modelcar_tui.verdict.candidate import Candidate
from modelcar_tui.verdict.deciding import decide_model
from modelcar_tui.verdict.proposing import Proposal, propose_for
from modelcar_tui.verdict.reports import ModelRequirements, ModelVerdict, Optimized, Verdict
from modelcar_tui.verdict.runtime import release_of, runtime_arguments, runtime_environment, with_before

NOT_JUDGED = "not known, because the time limit was hit before its turn"
Faults = dict[str, Problem]
"""Why a model is not known, by its name."""


def undecided(model: ModelRequirements, problem: Problem) -> ModelVerdict:
    """The verdict on a model that could not be judged, and why."""
    need = model.required_vram_gib
    left = "model unknown" if need.value is None else f"model {math.ceil(need.value)} GiB"
    return ModelVerdict(
        model=model.car.name,
        verdict=Verdict.UNKNOWN,
        comparison=f"{left}, not compared",
        why=problem.what,
        settle=problem.fix,
        needed_gib=need,
        gpus=model.car.serving.gpu_count,
    )


def lowered(verdict: ModelVerdict, problem: Problem | None) -> ModelVerdict:
    """The verdict where something about the model is not known: no GO, and no change to its arguments."""
    if problem is None:
        return verdict
    if verdict.verdict is Verdict.NO_GO:
        return msgspec.structs.replace(verdict, warnings=(*verdict.warnings, problem.what))
    return msgspec.structs.replace(
        verdict, verdict=Verdict.UNKNOWN, why=problem.what, settle=problem.fix, conditions=(), runs_on=()
    )


def decided(
    models: Sequence[ModelRequirements],
    cluster: AcceleratorReport,
    kinds: tuple[Candidate, ...],
    vllm: str | None,
    *,
    each_kind: bool = False,
    until: float = math.inf,
) -> tuple[ModelVerdict, ...]:
    """A verdict a model. After `until`, by the monotonic clock, the models that are left are not judged."""
    verdicts = []
    for model in models:
        name = model.car.name
        with Contained(name) as caught:
            if time.monotonic() > until:
                caught.problem = Problem(where=name, what=NOT_JUDGED, fix="run again", code=STOPPED)
            else:
                verdicts.append(decide_model(model, cluster, kinds, vllm, each_kind=each_kind))
        if caught.problem is not None:
            verdicts.append(undecided(model, caught.problem))
    return tuple(verdicts)


def remarks(
    manifest: Manifest,
    models: Sequence[ModelRequirements],
    cluster: AcceleratorReport,
    *,
    vllm: str | None,
) -> tuple[tuple[Finding, ...], Faults]:
    """The lint's findings on a manifest, and the models whose arguments it could not judge."""
    facts = {model.car.name: model.image.model for model in models}
    pairs = [(car, facts.get(car.name)) for car in manifest.models]
    found, faults = linted(pairs, cluster, vllm=vllm)
    findings = [*map(of_problem, manifest.findings), *found]
    return findings_told(findings, manifest.models, manifest.ignores).findings, faults


def linted(
    pairs: Iterable[tuple[ModelCar, ModelFacts | None]], cluster: AcceleratorReport, *, vllm: str | None
) -> tuple[list[Finding], Faults]:
    """Every remark on each model's arguments, none folded and none left out; of a model whose arguments
    nobody understands there are none, but its fault."""
    found: list[Finding] = []
    faults: Faults = {}
    for car, facts in pairs:
        with Contained(car.name) as caught:
            found += lint_at_runtime(car, facts, cluster, vllm)
        if caught.problem is not None:
            faults[car.name] = caught.problem
    return found, faults


def lint_at_runtime(
    car: ModelCar, facts: ModelFacts | None, cluster: AcceleratorReport, vllm: str | None
) -> list[Finding]:
    """The lint's remarks on one model with what its serving runtime brings along."""
    return lint_model(
        with_before(car, cluster),
        vllm=release_of(car, cluster, vllm),
        runtime_args=runtime_arguments(car, cluster),
        environment=runtime_environment(car, cluster),
        facts=facts,
    )


def proposals(
    models: Sequence[ModelRequirements],
    verdicts: Sequence[ModelVerdict],
    kinds: tuple[Candidate, ...],
    faults: Faults,
    *,
    cluster: AcceleratorReport,
    vllm: str | None,
    objective: str,
    until: float = math.inf,
) -> tuple[Proposal, ...]:
    """What to change, a proposal a model: none for those that are not known, which `faults` tells of."""
    found = []
    for model, verdict in zip(models, verdicts, strict=True):
        name, proposal = model.car.name, Proposal()
        if time.monotonic() > until:
            faults.setdefault(name, Problem(where=name, what=NOT_JUDGED, fix="run again", code=STOPPED))
        if name not in faults:
            with Contained(name) as caught:
                proposal = propose_for(model, verdict, kinds, cluster, vllm=vllm, objective=objective)
            if caught.problem is not None:
                faults[name] = caught.problem
        found.append(proposal)
    return tuple(found)


def drawn(plan: Plan, faults: Faults) -> tuple[Plan, tuple[Hunk, ...]]:
    """The plan with the changes that can be shown in the base's text, and their hunks.

    A model whose changes can't be shown is added to `faults`; nobody is asked to accept them.
    """
    if not plan.changes:
        return plan, ()
    base = b""
    hunks: tuple[Hunk, ...] = ()
    with Contained(plan.base) as caught:
        base = Path(plan.base).read_bytes()
        hunks = _hunks(base, plan)
    if caught.problem is None:
        return plan, hunks
    fewer = _showable(base, plan, faults) if base else msgspec.structs.replace(plan, changes=())
    with Contained(plan.base) as together:
        hunks = _hunks(base, fewer)
    if fewer.changes and together.problem is None:
        return fewer, hunks
    for change in fewer.changes or plan.changes:
        faults.setdefault(change.model, together.problem or caught.problem)
    return msgspec.structs.replace(plan, changes=()), ()


def _showable(base: bytes, plan: Plan, faults: Faults) -> Plan:
    """The plan with the changes of each model of which they can be shown alone."""
    good: tuple[Change, ...] = ()
    for name in dict.fromkeys(change.model for change in plan.changes):
        own = tuple(change for change in plan.changes if change.model == name)
        with Contained(name) as alone:
            _hunks(base, msgspec.structs.replace(plan, changes=own))
            good += own
        if alone.problem is not None:
            faults[name] = alone.problem
    return msgspec.structs.replace(plan, changes=good)


def optimized(models: Sequence[ModelRequirements], plan: Plan, faults: Faults) -> tuple[Optimized, ...]:
    """Each changed model's serving arguments after all of its changes."""
    from modelcar_tui.advice.repairs import optimized_json

    found = []
    for model in models:
        changes = [change for change in plan.changes if change.model == model.car.name]
        with Contained(model.car.name) as caught:
            found += [convert(optimized_json(model.car, changes), Optimized)] if changes else []
        if caught.problem is not None:
            faults.setdefault(model.car.name, caught.problem)
    return tuple(found)


def _hunks(base: bytes, plan: Plan) -> tuple[Hunk, ...]:
    from modelcar_tui.manifest import text_hunks

    return text_hunks(base, plan) if plan.changes else ()
