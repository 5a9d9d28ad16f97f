"""What a decision would do, before it is made: the diff, the verdict, and what speaks against it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import reveal
from modelcar_tui.manifest import Decision, Plan
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import ApplyPreview

if TYPE_CHECKING:
    from modelcar_tui.manifest import Output


def preview(
    run: RunState, decision: Decision, *, vllm: str | None = None, patch: bool = False
) -> ApplyPreview:
    """The effect of exactly this decision on the manifest and on the verdict. Writes nothing."""
    from modelcar_tui.manifest import outputs, text_hunks
    from modelcar_tui.supervisor.runs import run_keeping
    from modelcar_tui.verdict import Known, decide_accepted, run_outcome

    report = run.decision
    if report is None:
        return ApplyPreview(problems=(Problem(what="there is no plan yet"),))
    try:
        base = Path(report.plan.base).read_bytes()
    except OSError as error:
        return ApplyPreview(
            problems=(Problem(where=report.plan.base, what=f"can't be read: {error.strerror}"),)
        )
    if hashlib.sha256(base).hexdigest() != report.plan.base_sha256:
        changed = Problem(
            where=report.plan.base, what="the base manifest was changed meanwhile", fix="start the run again"
        )
        return ApplyPreview(problems=(changed,))
    problems = _halves(report.plan, decision)
    try:
        hunks = text_hunks(base, report.plan, decision)
        files = outputs(
            base,
            report.plan,
            decision,
            patch=patch,
            keeping=run_keeping(Path(run.folder)) if run.folder else None,
        )
    except UserError as error:
        return ApplyPreview(problems=(*problems, *error.problems))
    problems += _in_the_way(files)
    replaces = tuple(output.standing for output in files if output.standing.asks)
    problems += _new_errors(run, report.plan, decision, vllm)
    if run.cluster is None:
        return ApplyPreview(hunks=hunks, problems=problems, replaces=replaces)
    accepted = decide_accepted(run.models, run.cluster, report, decision, vllm=vllm)
    told = run_outcome(Known(decision=accepted))
    return ApplyPreview(
        hunks=hunks,
        problems=problems,
        replaces=replaces,
        verdict=accepted.verdict if told is None else told.verdict,
        heads=() if told is None else told.heads,
        why=accepted.why if told is None or told.verdict is accepted.verdict else told.why,
        models=accepted.models,
    )


def _in_the_way(files: tuple[Output, ...]) -> tuple[Problem, ...]:
    """Folders, pipes and the like where a file would be written: no word of the operator replaces them."""
    found = [
        (reveal(output.path.name), output.standing.obstacle) for output in files if output.standing.obstacle
    ]
    return tuple(
        Problem(where=name, what=what, fix="move it away", code="in-the-way") for name, what in found
    )


def _new_errors(run: RunState, plan: Plan, decision: Decision, vllm: str | None) -> tuple[Problem, ...]:
    """What vLLM would refuse of the accepted set and did not refuse of the base: edits, bad combinations."""
    from modelcar_tui.advice import Severity
    from modelcar_tui.advice.lint import lint_model
    from modelcar_tui.verdict import accepted_model, release_of

    touched = {change.model for change in plan.changes if change.id in decision.accepted}
    problems = []
    for model in run.models:
        if model.car.name not in touched:
            continue
        release = release_of(model.car, run.cluster, vllm) if run.cluster else vllm
        before = {(f.code, f.what) for f in lint_model(model.car, vllm=release, facts=model.image.model)}
        after = lint_model(accepted_model(model, plan, decision).car, vllm=release, facts=model.image.model)
        problems += [
            Problem(where=model.car.name, what=finding.what, fix=finding.fix, code=finding.code)
            for finding in after
            if finding.severity is Severity.ERROR and (finding.code, finding.what) not in before
        ]
    return tuple(problems)


def _halves(plan: Plan, decision: Decision) -> tuple[Problem, ...]:
    """Accepted changes without those that they make sense with."""
    flags = {change.id: change.flag for change in plan.changes}
    return tuple(
        Problem(
            where=change.flag,
            what=f"needs {flags.get(other, other)} beside it ({change.model})",
            fix="accept both, or neither",
        )
        for change in plan.changes
        if change.id in decision.accepted
        for other in change.together_with
        if other not in decision.accepted
    )
