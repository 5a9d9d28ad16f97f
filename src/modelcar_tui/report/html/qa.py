"""QA by model, and what was predicted beside what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from modelcar_tui.core.counting import several
from modelcar_tui.qa import QaMeasured, QaModelResult, cut_model_name, figure_words
from modelcar_tui.report.fares import models_in_qa
from modelcar_tui.report.html.told import Pair, lasted, needed
from modelcar_tui.supervisor import RunState
from modelcar_tui.verdict import ModelVerdict, RunOutcome, Verdict

_TONES = {"passed": "go", "failed": "no", "cut short": "no"}
_LOAD = "load_s"


class Tested(NamedTuple):
    """How one model fared."""

    model: str
    word: str
    tone: str
    cause: str
    line: str
    """Of the log, the first that names the cause."""
    step: str
    estimate: str
    """What our estimate had said, where the cause is one that it speaks of."""


class Qa(NamedTuple):
    """The QA run."""

    word: str
    tone: str
    message: str
    fix: str
    about: tuple[Pair, ...]
    rows: tuple[Tested, ...]
    leftovers: tuple[str, ...]


class Compared(NamedTuple):
    """One model, predicted and measured; what nobody measured is told as unknown."""

    model: str
    verdict: str
    result: str
    tone: str
    """Of the result."""
    need: str
    memory: tuple[str, ...]
    """The figures of vLLM's log."""
    loading: str
    """Empty where it was not measured."""


class Figure(NamedTuple):
    """One figure of vLLM's log beside its prediction."""

    model: str
    what: str
    predicted: str
    measured: str
    off: str
    note: str
    """Why there is no prediction."""


def qa(state: RunState) -> Qa:
    """QA as far as it came."""
    outcome, started = state.qa.outcome, state.qa.started
    results = {one.model: one for one in (outcome.models if outcome is not None else ())}
    rows = tuple(
        _tested(one.model, one.fares.value, one.cause, results.get(one.model)) for one in models_in_qa(state)
    )
    if outcome is None:
        word = "running" if started.container else "not run"
        message = "QA has not ended." if started.container else "QA was not run: no start was measured."
        return Qa(word, "dk", message, "", tuple(_about(state)), rows, ())
    tone = "go" if outcome.ok else "dk" if outcome.skipped else "no"
    return Qa(outcome.code, tone, outcome.message, outcome.fix, tuple(_about(state)), rows, outcome.leftovers)


def _tested(model: str, word: str, code: str, result: QaModelResult | None) -> Tested:
    tone = _TONES.get(word, "dk")
    if result is None:
        return Tested(model, word, tone, code, "", "", "")
    cause = ": ".join(part for part in (result.cause or code, result.means) if part)
    return Tested(model, word, tone, cause, result.line, result.fix, result.predicted)


def _about(state: RunState) -> Iterator[Pair]:
    """What was run, how long, how it ended, and where its log lies."""
    started, outcome = state.qa.started, state.qa.outcome
    if started.image:
        yield Pair("Image", started.image, True)
    if started.container:
        yield Pair("Ran in", started.container, True)
    if started.log:
        at = outcome.log_line if outcome is not None else None
        yield Pair("Log", started.log + (f":{at}" if at else ""), True)
    if outcome is None:
        return
    counts = outcome.counts
    if counts is not None:
        told = f"{counts.passed} passed, {counts.failed} failed, {several(counts.errors, 'error')}"
        yield Pair("Tests", f"{told}, {counts.skipped} skipped")
    if outcome.exit_status is not None:
        yield Pair("Exit status", str(outcome.exit_status))
    if outcome.seconds is not None:
        yield Pair("Took", lasted(outcome.seconds))
    if outcome.cause:
        yield Pair("First cause in the log", outcome.cause, True)


def compared(state: RunState, told: RunOutcome | None) -> tuple[Compared, ...]:
    """Per model: verdict, memory and loading time, predicted and measured."""
    report = state.decision
    if report is None:
        return ()
    # What QA says of a model that was no GO before changes nothing of its outcome, yet it was measured.
    ended = {one.model: one for one in models_in_qa(state)} if state.qa.outcome is not None else {}
    said = {name: f"{one.fares.value} {one.cause}".rstrip() for name, one in ended.items()}
    said |= {model.model: model.measured for model in (told.models if told else ()) if model.measured}
    found = _by_model(state)
    rows = []
    for model in report.models:
        figures = found.get(model.model) or found.get(cut_model_name(model.model), [])
        rows.append(_compared(model, said.get(model.model, ""), figures))
    return tuple(rows)


def _by_model(state: RunState) -> dict[str, list[QaMeasured]]:
    outcome = state.qa.outcome
    found: dict[str, list[QaMeasured]] = {}
    for one in outcome.measured if outcome is not None else ():
        found.setdefault(one.model, []).append(one)
    return found


def _compared(model: ModelVerdict, result: str, figures: list[QaMeasured]) -> Compared:
    before = model.verdict if model.predicted is None else model.predicted
    words = [(one.what, figure_words(one)) for one in figures]
    loading = [told.measured for what, told in words if what == _LOAD]
    return Compared(
        model=model.model,
        verdict=str(before),
        result=result or "unknown: not tested",
        tone=_TONES.get(result, "no" if model.verdict is Verdict.NO_GO and result else "dk"),
        need=needed(model.needed_gib, model.gpus),
        memory=tuple(f"{told.name} {told.measured}" for what, told in words if what.endswith("_gib")),
        loading=loading[0] if loading else "",
    )


def figures(state: RunState) -> tuple[Figure, ...]:
    """Every figure that vLLM's own log gave."""
    outcome = state.qa.outcome
    told = [(one, figure_words(one)) for one in (outcome.measured if outcome is not None else ())]
    return tuple(
        Figure(one.model, words.name, words.predicted or "unknown", words.measured, words.off, one.note)
        for one, words in told
    )
