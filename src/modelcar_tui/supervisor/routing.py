"""Which steps may run next: a pure table, so that no model and no accident can reach `write` or `qa`."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from modelcar_tui.manifest import Decision
from modelcar_tui.supervisor.specialist import Specialist
from modelcar_tui.verdict import Verdict

APPROVAL = "approval"
WRITE = "write"
SUMMARY = "summary"
QA = "qa"
DECISION = "decision"
ACCELERATOR = "accelerator"


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
    verdict: str = ""
    blind: bool = False
    """The accelerators could not be looked at."""
    asked_again: frozenset[str] = frozenset()
    """Specialists that ran a second time; there is no third."""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One sensible way to go on."""

    name: str
    """`go-on` as the rules say, `skip-qa`, `look-again`."""
    steps: tuple[str, ...]
    again: tuple[str, ...] = ()
    """Specialists that run once more, and those that build on them."""
    skipped: tuple[str, ...] = ()


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


def ways(progress: Progress, members: Iterable[Specialist]) -> tuple[Way, ...]:
    """What a language model may choose from; the first is what the rules do without one.

    No way leads to `write` or past an approval: what differs is only whether QA, which runs on GO alone, is
    asked to say so itself, and whether an unreachable cluster is looked at once more before the operator is
    asked.
    """
    members = tuple(members)
    steps = allowed_next(progress, members)
    found = [Way(name="go-on", steps=steps)]
    if steps == (QA,) and progress.verdict == Verdict.NO_GO:
        after = msgspec.structs.replace(progress, finished=progress.finished | {QA})
        found.append(Way(name="skip-qa", steps=allowed_next(after, members), skipped=(QA,)))
    early = DECISION in progress.finished and progress.answer is None and QA not in progress.finished
    known = {member.name for member in members}
    if early and progress.blind and ACCELERATOR in known - progress.asked_again:
        found.append(Way(name="look-again", steps=(ACCELERATOR,), again=(ACCELERATOR, DECISION)))
    return tuple(found)


def _after_qa(members: tuple[Specialist, ...]) -> frozenset[str]:
    """QA itself and whoever needs it, directly or through others."""
    late = {QA}
    for _ in members:
        late |= {member.name for member in members if late & set(member.needs)}
    return frozenset(late)
