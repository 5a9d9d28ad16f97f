"""One model's page: verdict, bar, kinds of GPU, changes, QA, remarks, facts, arguments."""

from __future__ import annotations

from typing import Any

from modelcar_tui.core.facts import Fact
from modelcar_tui.core.text import reveal
from modelcar_tui.manifest import ModelCar
from modelcar_tui.supervisor import RunState
from modelcar_tui.tui import format as f
from modelcar_tui.tui.faces.kinds import kind_cell
from modelcar_tui.tui.faces.measured import measured_rows
from modelcar_tui.tui.faces.memory import memory_rows
from modelcar_tui.tui.faces.models import ModelRow
from modelcar_tui.tui.faces.need import amount
from modelcar_tui.tui.faces.plan import model_rows, review_of
from modelcar_tui.tui.faces.trial import page_trial_rows
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import Row, Span, labelled, pad, paragraph, row, width
from modelcar_tui.verdict import (
    ModelRequirements,
    ModelVerdict,
    is_measured,
    kind_words,
    not_clear,
    partner_words,
    pods_words,
    served_rows,
)

_LABEL = 11
_OF_IMAGE = ("image size", "runs on")
_NOT_AN_IMAGE = "not-an-image"
"""The problem of weights that lie in no registry."""


def page_rows(state: RunState, one: ModelRow, cells: int, glyphs: Glyphs) -> list[Row]:
    """What decides comes first, what is only good to know last."""
    rows: list[Row] = []
    if one.judged is not None:
        rows += _verdict(one.judged, one, cells)
    car = one.read.car if one.read is not None else one.car
    if car is not None:
        rows += _object(state, car, one, cells)
    rows += page_trial_rows(state, one.name, cells, _LABEL)
    rows += _tested(state, one, cells)
    if one.judged is not None:
        rows += _memory(one.judged, cells, glyphs)
        rows += measured_rows(one.judged, one.read, state.now, cells, _LABEL)
        rows += _kinds(one.judged, cells, glyphs)
    rows += _changes(state, one.name, glyphs)
    rows += _remarks(state, one, cells)
    if one.read is not None:
        rows += _facts(one.read, cells, glyphs)
    return rows + (_as_written(state, car, cells) if car is not None else [])


def _verdict(judged: ModelVerdict, one: ModelRow, cells: int) -> list[Row]:
    word = one.told.headline if one.told is not None else str(judged.verdict)
    # The verdict alone stands in the frame.
    rows = [row((word, f.VERDICT_ROLE[judged.verdict]))] if word != str(judged.verdict) else []
    step = one.told.next if one.told is not None else judged.settle
    return rows + paragraph(judged.why, cells) + labelled("would help", step, cells, indent=_LABEL)


def _object(state: RunState, car: ModelCar, one: ModelRow, cells: int) -> list[Row]:
    """Which object of a manifest it is, and what of it is not understood; nothing of a model-car."""
    others = state.manifest.models if state.manifest is not None else ()
    told = filter(None, (kind_words(car), pods_words(car), partner_words(car, others)))
    rows = labelled("serves", "; ".join(told), cells, indent=_LABEL)
    said = f"{one.why} {one.told.next if one.told is not None else ''}"
    for text in not_clear(car, said):
        rows += labelled("not clear", text, cells, indent=_LABEL, role="warn")
    return rows


def _tested(state: RunState, shown: ModelRow, cells: int) -> list[Row]:
    """What QA found out about it, with the lines of the log that say so; nothing that stands above."""
    qa = state.qa.outcome
    if qa is None:
        return []
    name, step = shown.name, shown.told.next if shown.told is not None else ""
    rows: list[Row] = []
    for one in qa.models:
        if one.model == name:
            role = "ok" if one.status == "PASSED" else "bad"
            word = f"{one.status.lower() or 'not reached'} {one.cause}".strip()
            rows += labelled("QA", word, cells, indent=_LABEL, role=role)
            rows += labelled("", one.means, cells, indent=_LABEL)
            rows += labelled("next", one.fix if one.fix != step else "", cells, indent=_LABEL)
            told = one.line in shown.why
            rows += labelled("log", "" if told else one.line, cells, indent=_LABEL, role="muted")
            rows += labelled("predicted", one.predicted, cells, indent=_LABEL)
    # The first paint does not wait for it.
    from modelcar_tui.qa import measured_line

    for each in qa.measured:
        if each.model == name:
            rows += labelled("vLLM", measured_line(each), cells, indent=_LABEL)
    return rows


def _memory(judged: ModelVerdict, cells: int, glyphs: Glyphs) -> list[Row]:
    need = amount(judged.needed_gib, judged.gpus, measured=is_measured(judged.estimate))
    have = judged.gpu_gib.value
    card = f" on each {judged.product or 'GPU'} of {have:.0f} GiB" if have is not None else ""
    spans: list[Span] = [(pad("must have", _LABEL), "muted"), need, (card, "muted")]
    return [Row(tuple(spans)), *memory_rows("card", judged, cells, glyphs)]


def _kinds(judged: ModelVerdict, cells: int, glyphs: Glyphs) -> list[Row]:
    """A row a kind of GPU; why not, where not."""
    rows: list[Row] = []
    names = max((width(kind.kind) for kind in judged.kinds), default=0)
    for at, kind in enumerate(judged.kinds):
        mark, role = kind_cell(judged, kind.kind, glyphs)
        lead: list[Span] = [
            (pad("" if at else "on", _LABEL), "muted"),
            (pad(kind.kind, min(names, 26)), "text"),
            (f"  {pad(mark, 7)}  ", role),
        ]
        left = cells - _LABEL - min(names, 26) - 11
        served = kind.state in ("fits", "tight")
        first, *rest = (
            paragraph("" if served else kind.why, max(left, 12), "muted") if left >= 24 else [Row()]
        )
        rows.append(Row((*lead, *first.spans)))
        rows += [Row(((" " * (cells - left), ""), *line.spans)) for line in rest]
    return rows


def _changes(state: RunState, name: str, glyphs: Glyphs) -> list[Row]:
    review = review_of(state)
    rows = model_rows(review, name, glyphs) if review is not None else ()
    return [
        Row(((pad("" if at else "changes", _LABEL), "muted"), *line.spans)) for at, line in enumerate(rows)
    ]


def _remarks(state: RunState, one: ModelRow, cells: int) -> list[Row]:
    rows: list[Row] = []
    report = state.decision
    for finding in report.findings if report is not None else ():
        if finding.model == one.name:
            role = {"error": "bad", "warning": "warn"}.get(finding.severity.value, "muted")
            text = f"{finding.what}; {finding.fix}" if finding.fix else finding.what
            rows += labelled(finding.severity.value, text, cells, indent=_LABEL, tone=role)
    for note in one.judged.warnings if one.judged is not None else ():
        rows += labelled("note", note, cells, indent=_LABEL)
    return rows


def _facts(read: ModelRequirements, cells: int, glyphs: Glyphs) -> list[Row]:
    model = read.image.model
    elsewhere = any(problem.code == _NOT_AN_IMAGE for problem in read.image.problems)
    told: list[tuple[str, Fact[Any]]] = [
        ("parameters", model.parameters),
        ("weights", model.weight_bytes),
        ("quantized", model.quantization_name),
        ("image size", read.image.size_bytes),
        ("runs on", read.image.architectures),
    ]
    rows: list[Row] = []
    for label, fact in told:
        if fact.value in (None, "", ()) and (not fact.note or (label in _OF_IMAGE and elsewhere)):
            continue
        text = f.value(fact, glyphs) if fact.known else f"unknown: {fact.note}"
        source = f.origin(fact, 0.0, glyphs) if fact.known else ""
        rows += labelled(label, f"{text}  ({source})" if source else text, cells, indent=_LABEL)
    return rows


def _as_written(state: RunState, car: ModelCar, cells: int) -> list[Row]:
    """What the manifest says of it."""
    if car.server is not None:
        said = served_rows(car, state.cluster)
        return [line for one in said for line in labelled(one.label, one.text, cells, indent=_LABEL)]
    rows = labelled("image", reveal(car.image), cells, indent=_LABEL, role="muted")
    rows += labelled("gpu_count", str(car.serving.gpu_count), cells, indent=_LABEL)
    return rows + labelled("arguments", "  ".join(map(reveal, car.serving.args)), cells, indent=_LABEL)
