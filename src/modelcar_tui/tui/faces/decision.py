"""The decision's pane: every model's comparison, and below it all that the verdict rests on."""

from __future__ import annotations

from modelcar_tui.advice import Severity
from modelcar_tui.cluster.types import State
from modelcar_tui.core.counting import several
from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor import RunState
from modelcar_tui.tui import format as f
from modelcar_tui.tui.faces.need import amount
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.rows import (
    Row,
    Span,
    crop_middle,
    labelled,
    pad,
    paragraph,
    row,
    spans_width,
    width,
)
from modelcar_tui.verdict import DecisionReport, ModelVerdict, Verdict, is_measured

_LEAD = 13
"""Cells of a verdict with its glyph and of the blanks around the name."""
_ORDER = {Verdict.NO_GO: 0, Verdict.UNKNOWN: 1, Verdict.GO: 2}


def decision_rows(state: RunState, cells: int, glyphs: Glyphs) -> list[Row]:
    """What is not GO first, each with its reason and what would help; then plan, checks and findings."""
    report = state.decision
    if report is None:
        return []
    models = worst_first(report)
    longest = max((width(model.model) for model in models), default=0)
    short = max((spans_width(comparison(model)) for model in models), default=0)
    full = max((spans_width(comparison(model, full=True)) for model in models), default=0)
    roomy = cells - _LEAD - full >= min(longest, 28)
    names = max(12, min(longest, cells - _LEAD - (full if roomy else short)))
    rows: list[Row] = []
    for model in models:
        name = pad(crop_middle(model.model, names, glyphs.ellipsis), names)
        spans = comparison(model, full=roomy)
        left = cells - _LEAD - names - spans_width(spans) - 2
        product = f"  {model.product}" if width(model.product) <= left else ""
        rows.append(
            Row(
                (
                    *f.verdict_spans(model.verdict, glyphs, 7),
                    (f"  {name}  ", "text"),
                    *spans,
                    (product, "muted"),
                )
            )
        )
        if model.verdict is not Verdict.GO:
            rows += _why(model, cells)
    return [
        *rows,
        *_plan(state, report),
        *_together(report, cells),
        *_read_first(state, cells),
        *_remarks(report, cells, glyphs),
    ]


def _read_first(state: RunState, cells: int) -> list[Row]:
    """What a language model chose to be read first, marked as its choice. In a low pane the verdicts of the
    models are what there is room for, so they come before."""
    if not state.read_first:
        return []
    told = [line for text in state.read_first for line in paragraph(reveal(text), cells, indent=2)]
    return [row(("read first (chosen by the language model)", "muted")), *told]


def worst_first(report: DecisionReport) -> list[ModelVerdict]:
    """NO-GO, UNKNOWN, GO; else as in the manifest."""
    return sorted(report.models, key=lambda model: _ORDER[model.verdict])


def comparison(model: ModelVerdict, *, full: bool = False) -> tuple[Span, ...]:
    """`18 vs 80 GiB`, or in full `18 GiB vs GPU 80 GiB`, `~14-31 GiB vs GPU 80 GiB`; per GPU, with their
    number where there are several. The need is told as in the table of models."""
    need, have = model.needed_gib, model.gpu_gib
    left, _ = amount(need, unit=" GiB" if full else "", measured=is_measured(model.estimate))
    if have.value is not None:
        right = f"{'GPU ' * full}{have.value:.0f} GiB"
    else:
        right = "GPU unknown" if model.product or model.verdict is not Verdict.NO_GO else "no GPU"
    count = f" x{model.gpus}" if model.gpus > 1 else ""
    return (
        (f"{left:>{8 if full else 4}}", "strong" if need.known else "warn"),
        (" vs ", "muted"),
        (f"{right + count:<{13 if full else 6}}", "text" if have.known else "warn"),
    )


def tightest(report: DecisionReport) -> ModelVerdict | None:
    """The model whose need is the largest part of its GPU; None where nothing could be compared."""
    known = [model for model in report.models if model.needed_gib.value and model.gpu_gib.value]
    return max(known, key=lambda m: (m.needed_gib.value or 0) / (m.gpu_gib.value or 1), default=None)


def _why(model: ModelVerdict, cells: int) -> list[Row]:
    rows = paragraph(model.why, cells, "muted", indent=11) if model.why != model.comparison else []
    return rows + labelled("           help:", model.settle, cells, indent=18)


def _plan(state: RunState, report: DecisionReport) -> list[Row]:
    """What is proposed; once it was answered, what became of it."""
    count = len(report.plan.changes)
    if not count:
        return []
    if state.written is not None:
        done = f"{state.written.changes} of {several(count, 'change')} written"
        return [row((done, "ok"), (f"  {shown('d')} shows them", "muted"))]
    then = ""
    if report.with_changes is not None and report.with_changes is not report.verdict:
        then = f", with all of them {report.with_changes}"
    return [
        row((f"{several(count, 'change')} proposed{then}", "need"), (f"  {shown('d')} to review", "muted"))
    ]


def _together(report: DecisionReport, cells: int) -> list[Row]:
    rows = paragraph(report.together, cells, "warn" if report.missing else "text") if report.together else []
    for line in report.missing:
        rows += paragraph(f"missing: {line}", cells, "warn", indent=2)
    return rows


def _remarks(report: DecisionReport, cells: int, glyphs: Glyphs) -> list[Row]:
    """Failed checks of the cluster, notes on the models, findings on their arguments; the worst first."""
    rows: list[Row] = []
    for check in report.checks:
        if check.state is not State.OK:
            role = "bad" if check.state is State.BLOCKED else "warn"
            rows += _remark(check.state.value, check.what, check.fix, role, cells)
    for finding in sorted(report.findings, key=lambda one: list(Severity).index(one.severity)):
        role = {"error": "bad", "warning": "warn"}.get(finding.severity.value, "muted")
        whose = f"{finding.model}: " if finding.model else ""
        rows += _remark(finding.severity.value, whose + finding.what, finding.fix, role, cells)
    for model in report.models:
        for note in model.warnings:
            rows += _remark("note", f"{model.model}: {note}", "", "muted", cells)
    return [row((glyphs.rule * cells, "faint")), *rows] if rows else []


def _remark(word: str, what: str, fix: str, role: str, cells: int) -> list[Row]:
    return labelled(word, f"{what}; {fix}" if fix else what, cells, indent=9, tone=role)
