"""Which steps may run next: a pure table that asks nobody, so that no accident can reach `write` or `qa`."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from modelcar_tui.manifest import Decision
from modelcar_tui.supervisor.events import How
from modelcar_tui.supervisor.registry import is_ours
from modelcar_tui.supervisor.specialist import Specialist
from modelcar_tui.supervisor.state import RunState

APPROVAL = "approval"
WRITE = "write"
SUMMARY = "summary"
QA = "qa"
DECISION = "decision"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What the routing needs to know of a run."""

    finished: frozenset[str]
    """Specialists and steps that have run, well or not."""
    fatal: bool = False
    """The manifest could not be read: nothing else makes sense."""
    has_changes: bool = False
    """The plan proposes something."""
    answer: Decision | None = None
    """The operator's decision, None before it."""


def ended(run: RunState, members: Iterable[Specialist]) -> dict[str, How]:
    """Specialists and steps that have ended, and how, by the run's own events.

    A specialist of another package that was stopped before it gave the report that others need has not ended,
    and neither has one of ours whose report stood in lines of the journal that can't be read.
    """
    members = tuple(members)
    needed = {need for member in members for need in member.needs}
    unreported = {m.name for m in members if m.name in needed and not is_ours(m)} - set(run.reports)
    unreported |= {m.name for m in members if is_ours(m) and _lost(run, m.name)}
    known = {name: how for name, how in run.ended.items() if how != "done" or name not in unreported}
    if answer_to_plan(run) is not None:
        known[APPROVAL] = "done"
    if run.finish is not None:
        known[SUMMARY] = "done"
    return known


def _lost(run: RunState, name: str) -> bool:
    """Whether something of what one of ours has told is not known any more."""
    pane = run.pane(name)
    if run.report_of(name) is None or pane is None or pane.started is None:
        return True
    models = {model.car.name for model in run.models}
    manifest = run.manifest if name == "configuration" else None
    return manifest is not None and any(car.name not in models for car in manifest.models)


def refused(run: RunState) -> str:
    """The specialist that can't read the input; empty where there is none."""
    return next((name for name, how in run.ended.items() if how == "refused"), "")


def answer_to_plan(run: RunState) -> Decision | None:
    """The operator's answer, where it is one to the plan that stands."""
    if run.decision is None or run.answer is None or not run.decision.plan.changes:
        return None
    return run.answer if run.answer.plan_digest == run.decision.plan.digest else None


def progress(run: RunState, members: Iterable[Specialist]) -> Progress:
    """What the routing needs to know of this run."""
    finished = ended(run, members)
    decision = run.decision if finished.get(DECISION) == "done" else None
    return Progress(
        finished=frozenset(finished),
        fatal=bool(refused(run)),
        has_changes=decision is not None and bool(decision.plan.changes),
        answer=answer_to_plan(run),
    )


def allowed_next(progress: Progress, members: Iterable[Specialist]) -> tuple[str, ...]:
    """The steps that may start now, all side by side; empty when the run is over.

    Analysis comes first (whoever has what it needs), then the approval of a plan that changes something,
    the write that was approved, QA, whoever waits for QA, and the summary.
    """
    done = progress.finished
    if SUMMARY in done:
        return ()
    if progress.fatal:
        return (SUMMARY,)
    members = tuple(members)
    late = _after_qa(members)
    ready = tuple(m.name for m in members if m.name not in done and set(m.needs) <= done)
    early = tuple(name for name in ready if name not in late)
    if early:
        return early
    step = _after_the_decision(progress) if DECISION in done else ""
    return (step,) if step else ready or (SUMMARY,)


def _after_the_decision(progress: Progress) -> str:
    """What comes of the plan; empty behind QA, which may have ended before a lost decision was made anew."""
    if progress.answer is not None and progress.answer.write and WRITE not in progress.finished:
        return WRITE
    if QA in progress.finished:
        return ""
    return APPROVAL if progress.has_changes and progress.answer is None else QA


def _after_qa(members: tuple[Specialist, ...]) -> frozenset[str]:
    """QA itself and whoever needs it, directly or through others."""
    late = {QA}
    for _ in members:
        late |= {member.name for member in members if late & set(member.needs)}
    return frozenset(late)
