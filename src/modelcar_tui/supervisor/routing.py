"""Which steps may run next: a pure table that asks nobody, so that no accident can reach `write` or `qa`."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from modelcar_tui.manifest import Decision
from modelcar_tui.supervisor.specialist import Specialist

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
    if DECISION in done and QA not in done:
        return (_after_the_decision(progress),)
    return ready or (SUMMARY,)


def _after_the_decision(progress: Progress) -> str:
    if progress.has_changes and progress.answer is None:
        return APPROVAL
    if progress.answer is not None and progress.answer.write and WRITE not in progress.finished:
        return WRITE
    return QA


def _after_qa(members: tuple[Specialist, ...]) -> frozenset[str]:
    """QA itself and whoever needs it, directly or through others."""
    late = {QA}
    for _ in members:
        late |= {member.name for member in members if late & set(member.needs)}
    return frozenset(late)
