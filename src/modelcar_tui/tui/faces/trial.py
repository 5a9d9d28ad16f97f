"""Tries of models on the real GPU: the question, how one goes, what it measured, why there is none."""

from __future__ import annotations

from collections.abc import Sequence

from modelcar_tui.core.text import reveal
from modelcar_tui.kube import Rung
from modelcar_tui.report import (
    TrialWords,
    end_words,
    model_trials,
    plan_words,
    predicted_line,
    trial_figures,
    trial_seconds,
    trial_word,
)
from modelcar_tui.supervisor import RunState, Trial
from modelcar_tui.tui import format as f
from modelcar_tui.tui.faces.measured import figure_rows
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.rows import EMPTY, Row, crop_middle, labelled, row, width

_LABELS = 11


def plan_title(trial: Trial, cells: int, glyphs: Glyphs) -> str:
    """`Try granite-8b on the real GPU?`"""
    return f"Try {crop_middle(reveal(trial.model), max(8, cells - 32), glyphs.ellipsis)} on the real GPU?"


def plan_rows(trial: Trial, cells: int, glyphs: Glyphs) -> list[Row]:
    """What the try would do, a row or more for each; a label is told once."""
    return _rows(plan_words(trial.plan), cells, glyphs) if trial.plan is not None else []


def _rows(words: Sequence[TrialWords], cells: int, glyphs: Glyphs) -> list[Row]:
    rows: list[Row] = []
    before = ""
    for one in words:
        role = "need" if one.warns else "text"
        label = "" if one.label == before else f"{glyphs.warning if one.warns else ' '} {one.label}"
        before = one.label
        rows += labelled(
            label, one.text, cells, indent=_LABELS + 2, role=role, tone="warn" * one.warns or "muted"
        )
    return rows


def trial_rows(trial: Trial, now: float, cells: int, glyphs: Glyphs) -> list[Row]:
    """The whole try: where it stands, or what came of it; its figures; then what it was to be."""
    rows = state_rows(trial, now, cells, glyphs)
    if trial.plan is None:
        return rows
    return [
        *rows,
        EMPTY,
        row(("what it was to do" if trial.end else "what it does", "title")),
        *plan_rows(trial, cells, glyphs),
    ]


def state_rows(trial: Trial, now: float, cells: int, glyphs: Glyphs) -> list[Row]:
    """Where it stands with its last line and its figures so far, or what came of it."""
    rows = (
        _rows(end_words(trial, now), cells, glyphs)
        if trial.end is not None
        else _under_way(trial, now, cells)
    )
    figures = trial_figures(trial)
    if figures:
        return [*rows, *figure_rows(figures, cells, _LABELS + 2)]
    if trial.plan is not None and trial.end is None:
        rows += labelled("  predicted", predicted_line(trial.plan), cells, indent=_LABELS + 2)
    return rows


def _under_way(trial: Trial, now: float, cells: int) -> list[Row]:
    indent = _LABELS + 2
    rows = labelled("  stage", trial_word(trial), cells, indent=indent, role="strong")
    news = trial.news
    if trial.asks:
        return [
            *rows,
            *labelled("", f"{shown('t')} shows what it would do", cells, indent=indent, role="need"),
        ]
    rows += labelled("  since", _time(trial, now), cells, indent=indent)
    if news is None:
        return rows
    rows += labelled("  node", reveal(news.node), cells, indent=indent)
    said = "  last line" if news.lines else "  it waits"
    rows += labelled(said, reveal(news.text), cells, indent=indent, role="muted")
    return rows


def _time(trial: Trial, now: float) -> str:
    """`1m02s of at most 15m since vLLM began`; before that, since it was let or asked for."""
    seconds = trial_seconds(trial, now)
    if seconds is not None and trial.plan is not None:
        most = f.elapsed(trial.plan.limit_s).removesuffix("00s")
        return f"{f.elapsed(seconds)} of at most {most} since vLLM began"
    if trial.began:
        return f"{f.elapsed(now - trial.began)} since it was let; vLLM has not begun"
    return f"{f.elapsed(now - trial.asked)} since it was asked for" if trial.asked else ""


def page_trial_rows(state: RunState, model: str, cells: int, indent: int) -> list[Row]:
    """The newest try of a model in brief, for its page; nothing where there is none."""
    own = model_trials(state.trials, model)
    if not own:
        return []
    trial = own[-1]
    word = trial_word(trial)
    if trial.open:
        return labelled("try", f"{word}; {shown('t')} shows it", cells, indent=indent, role="need")
    reason = next((one.text for one in end_words(trial, state.now) if one.label in ("why not", "but")), "")
    text = f"{word}: {reason}" if reason else f"{word}, measured"
    return labelled("try", f"{text}; {shown('t')} shows it", cells, indent=indent)


def doing_forms(trial: Trial, now: float) -> tuple[str, tuple[str, ...]]:
    """The word and the forms, from long to short, of what stands before the next step while a try is open."""
    name = reveal(trial.model)
    if trial.asks:
        return "try", (
            f"{name} waits for your word: {shown('t')}",
            f"waits for your word: {shown('t')}",
            shown("t"),
        )
    word = trial_word(trial)
    seconds = trial_seconds(trial, now)
    time = f"  {f.elapsed(seconds)}" if seconds is not None else ""
    more = f"  ({shown('t')})"
    return "trying", (f"{name}: {word}{time}{more}", f"{word}{time}{more}", f"{word}{time}", word)


def end_line(trial: Trial, cells: int = 10_000, *, under_cursor: bool = True) -> str:
    """One line for the footer, whole in `cells` where a form of it is: how a try ended, then what helps; else
    the key that shows both. What is left on the cluster is told first where not all has room."""
    shows = f"{shown('t')} shows it" if under_cursor else f"{shown('t')} on its row shows it"
    return _longest(_end_forms(trial, shows), cells)


def _longest(forms: Sequence[str], cells: int) -> str:
    """The first that has room, of forms from long to short."""
    return next((form for form in forms if width(form) <= cells), forms[-1])


def _end_forms(trial: Trial, shows: str) -> tuple[str, ...]:
    """From long to short."""
    told = end_words(trial)
    reason = next((one.text for one in told if one.label in ("why not", "but")), "")
    step = next((one.text for one in told if one.label == "next"), "")
    left = next((f"; left there: {one.text}" for one in told if one.label == "left there"), "")
    name, word = reveal(trial.model), trial_word(trial)
    brief = "something is left there: " if left else ""
    short = (
        f"{brief}{name}: {word}; {shows}",
        f"{brief}{word}; {shows}",
        f"{brief.rstrip(': ') or 'it has ended'}; {shows}",
    )
    if trial.measured is not None:
        return f"{name} was tried: {word}; {shows}{left}", *short
    because = f"{name}: {word}: {reason}"
    return f"{because}{f'; {step}' if step else ''}{left}", *((because,) if not left else ()), *short


def why_no_try(state: RunState, model: str, *, able: bool, replay: bool, cells: int = 10_000) -> str:
    """Why a try can't be asked for, one line, as long as `cells` let it be; empty where it can."""
    if replay:
        return "this is a replay: nothing can be tried from it"
    if state.demo:
        return "the demo has no GPU to try a model on"
    if not able:
        return "no model can be tried from here: no engine runs"
    if not any(known.car.name == model for known in state.models):
        return _longest((f"{reveal(model)} can't be tried: it is not read yet", "it is not read yet"), cells)
    if state.decision is None and state.cluster is not None and state.cluster.access.healthy:
        return "nothing can be tried yet: there is no verdict"
    return _longest(_no_cluster(state), cells)


def _no_cluster(state: RunState) -> tuple[str, ...]:
    """From long to short; one that is empty where there is a cluster with GPUs."""
    report = state.cluster
    if report is None:
        return ("nothing can be tried yet: the cluster is not read",)
    access = report.access
    if access.rung is Rung.WHAT_IF:
        why = "the GPUs are stated (--gpu): a try needs a cluster"
        return f"{why}; run without --gpu", why
    if not access.healthy:
        problem = access.problem
        told = (f"{problem.what}; {problem.fix}", problem.what) if problem is not None and problem.fix else ()
        forms = (f"nothing can be tried: {each}" for each in (*told, str(access.rung)))
        return (*map(reveal, forms), f"no cluster to try it on; {shown('g')} shows why")
    if report.inventory.known and not report.inventory.nodes:
        why = "nothing can be tried: the cluster has no GPU node"
        return f"{why}; {shown('g')} shows what was looked at", why
    return ("",)
