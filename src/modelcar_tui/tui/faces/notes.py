"""What else is to be known of a run: failed checks, findings, notes; the same of several models once."""

from __future__ import annotations

from modelcar_tui.advice import Severity
from modelcar_tui.cluster.types import State
from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor import RunState
from modelcar_tui.supervisor.events import Status
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import Row, labelled

_INDENT = 9
_NOTICES = 5


def notes_rows(state: RunState, cells: int, glyphs: Glyphs) -> list[Row]:
    """The worst first: checks of the cluster, findings on arguments, what was noticed, notes on models."""
    rows: list[Row] = []
    for word, what, role in _told(state):
        rows += labelled(word, what, cells, indent=_INDENT, tone=role)
    return rows


def _told(state: RunState) -> list[tuple[str, str, str]]:
    report = state.decision
    if report is None:
        return []
    told = [
        (check.state.value, _with(check.what, check.fix), "bad" if check.state is State.BLOCKED else "warn")
        for check in report.checks
        if check.state is not State.OK
    ]
    order = list(Severity)
    models = len(report.models)
    grouped: dict[tuple[str, str], list[str]] = {}
    for finding in sorted(report.findings, key=lambda one: order.index(one.severity)):
        text = _with(finding.what, finding.fix)
        grouped.setdefault((finding.severity.value, text), []).append(finding.model)
    for (severity, text), names in grouped.items():
        role = {"error": "bad", "warning": "warn"}.get(severity, "muted")
        told.append((severity, f"{_whose(names, models)}{text}", role))
    if report.together:
        fit = report.together.replace(", together ", " ").removeprefix("together ")  # the label says it
        told.append(("together", fit, "muted"))
    told += [("missing", line, "warn") for line in report.missing]
    notes: dict[str, list[str]] = {}
    for model in report.models:
        for note in model.warnings:
            notes.setdefault(note, []).append(model.model)
    told += [("note", f"{_whose(names, models)}{note}", "muted") for note, names in notes.items()]
    return [*_noticed(state, [what for _, what, _ in told]), *told]


def _noticed(state: RunState, told: list[str]) -> list[tuple[str, str, str]]:
    """What came up by the way, the newest first, and is told nowhere else."""
    bad = [one for one in state.notices if one.status in (Status.WARNING, Status.FAILED)]
    texts = {
        reveal(one.text.removeprefix(f"{one.status.value}: ")): one.status.value for one in bad[-_NOTICES:]
    }
    fresh = [text for text in texts if not any(_same(_gist(text), what) for what in told)]
    return [(texts[text], text, "warn") for text in reversed(fresh)]


def _gist(text: str) -> str:
    """What is said, without how to mend it."""
    return text.partition("; ")[0]


def _same(notice: str, told: str) -> bool:
    """Whether it is told already; a notice may have its place in the file before it."""
    return told.startswith(notice) or (bool(told) and notice.endswith(f": {_gist(told)}"))


def _with(what: str, fix: str) -> str:
    return f"{what}; {fix}" if fix else what


def _whose(names: list[str], models: int) -> str:
    """The model, or how many; nothing where it is of no model or of all."""
    named = [name for name in names if name]
    if not named or (len(named) == models and models > 1):
        return ""
    return f"{named[0]}: " if len(named) == 1 else f"{len(named)} models: "
