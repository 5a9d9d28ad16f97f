"""What was proposed, what was answered, what was written; the diff; remarks and checks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from modelcar_tui.cluster.types import State
from modelcar_tui.core.counting import several
from modelcar_tui.manifest import Change
from modelcar_tui.report.html.head import written
from modelcar_tui.report.html.told import change_words
from modelcar_tui.report.text import answer_text, effect_text
from modelcar_tui.supervisor import RunState

_SEVERITIES = ("required", "warning")
_GRAVE = ("blocked", "error", "warning", "unknown")


class Changed(NamedTuple):
    """One proposed change."""

    model: str
    words: str
    severity: str
    reason: str
    origin: str
    """Who proposed it, where that is not a rule."""
    answer: str
    tone: str


class Line(NamedTuple):
    """One line of the diff."""

    tone: str
    text: str


class Piece(NamedTuple):
    """A hunk of the diff, with the changes that cause it."""

    header: str
    lines: tuple[Line, ...]
    causes: tuple[Changed, ...]


class Changes(NamedTuple):
    """All of it."""

    tally: str
    rows: tuple[Changed, ...]
    pieces: tuple[Piece, ...]
    files: str
    written: str
    replaced: tuple[str, ...]
    then: str
    """What they make of the verdict."""


class Remark(NamedTuple):
    """A check of the cluster that is not in order, or a finding on the manifest."""

    severity: str
    tone: str
    about: str
    what: str
    fix: str


def changes(state: RunState) -> Changes | None:
    """The plan with its answers; None where there is no decision, and so no plan."""
    report = state.decision
    if report is None:
        return None
    plan = report.plan
    rows = {change.id: _changed(change, state) for change in sorted(plan.changes, key=_need)}
    pieces = tuple(
        Piece(
            hunk.header,
            tuple(Line({"+": "add", "-": "del"}.get(line[:1], ""), line) for line in hunk.lines),
            tuple(rows[one] for one in hunk.changes if one in rows),
        )
        for hunk in report.hunks
    )
    replaced = tuple(f"{each.path} {each}" for each in state.written.replaced) if state.written else ()
    return Changes(
        tally=several(len(plan.changes), "proposed change"),
        rows=tuple(rows.values()),
        pieces=pieces,
        files=f"{Path(plan.base).name} → {Path(plan.target).name}",
        written=written(state),
        replaced=replaced,
        then=effect_text(report, state),
    )


def _need(change: Change) -> int:
    """What is required comes first, as in the review."""
    return _SEVERITIES.index(change.severity) if change.severity in _SEVERITIES else len(_SEVERITIES)


def _changed(change: Change, state: RunState) -> Changed:
    answer = answer_text(change, state)
    tone = "go" if answer.startswith("accepted") else "no" if answer == "rejected" else "dk"
    origin = "" if change.origin == "rules" else "proposed by the language model, checked by the rules"
    return Changed(change.model, change_words(change), change.severity, change.reason, origin, answer, tone)


def remarks(state: RunState) -> list[Remark]:
    """Checks that are not in order, then findings; the worst first."""
    return sorted(
        _remarks(state), key=lambda one: _GRAVE.index(one.severity) if one.severity in _GRAVE else 9
    )


def _remarks(state: RunState) -> Iterator[Remark]:
    report = state.decision
    if report is None:
        return
    for check in report.checks:
        if check.state is not State.OK:
            tone = "no" if check.state is State.BLOCKED else "dk"
            yield Remark(check.state.value, tone, f"cluster: {check.code}", check.what, check.fix)
    file = Path(report.plan.base).name
    for finding in report.findings:
        place = f"{file}:{finding.at.line}:{finding.at.column}" if finding.at else file
        about = f"{place}: {finding.model}" if finding.model else place
        tone = "no" if finding.severity.value == "error" else "dk"
        yield Remark(finding.severity.value, tone, about, f"{finding.code}: {finding.what}", finding.fix)
    for line in report.missing:
        yield Remark("missing", "dk", "all models together", line, "")
