"""What a decision would do, before it is made: the diff, the verdict, and what speaks against it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.manifest.plan import Decision, Plan
from modelcar_tui.supervisor.reports import ApplyPreview
from modelcar_tui.supervisor.state import RunState


def preview(run: RunState, decision: Decision, *, vllm: str | None = None) -> ApplyPreview:
    """The effect of exactly this decision on the manifest and on the verdict. Writes nothing."""
    from modelcar_tui.manifest.diff import text_hunks
    from modelcar_tui.supervisor.deciding import decide_accepted

    report = run.decision
    if report is None:
        return ApplyPreview(problems=(Problem(what="there is no plan yet"),))
    try:
        base = Path(report.plan.base).read_bytes()
    except OSError as error:
        return ApplyPreview(problems=(Problem(where=report.plan.base, what=f"can't be read: {error.strerror}"),))
    if hashlib.sha256(base).hexdigest() != report.plan.base_sha256:
        changed = Problem(
            where=report.plan.base, what="the base manifest was changed meanwhile", fix="start the run again"
        )
        return ApplyPreview(problems=(changed,))
    problems = _halves(report.plan, decision)
    try:
        hunks = text_hunks(base, report.plan, decision)
    except UserError as error:
        return ApplyPreview(problems=(*problems, *error.problems))
    if run.cluster is None:
        return ApplyPreview(hunks=hunks, problems=problems)
    accepted = decide_accepted(run.models, run.cluster, report, decision, vllm=vllm)
    return ApplyPreview(
        hunks=hunks, problems=problems, verdict=accepted.verdict, why=accepted.why, models=accepted.models
    )


def _halves(plan: Plan, decision: Decision) -> tuple[Problem, ...]:
    """Accepted changes without those that they make sense with."""
    flags = {change.id: f"{change.model}: {change.flag}" for change in plan.changes}
    return tuple(
        Problem(
            where=flags[change.id],
            what=f"makes no valid command line without {flags.get(other, other)}",
            fix="accept both, or neither",
        )
        for change in plan.changes
        if change.id in decision.accepted
        for other in change.together_with
        if other not in decision.accepted
    )
