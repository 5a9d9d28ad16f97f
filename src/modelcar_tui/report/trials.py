"""Tries of models in words: what one would do, how far it has come, what it measured beside what was said.

Every text is one line, and none is hidden: dialogs, screens and reports lay out the same words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from modelcar_tui.core.counting import several
from modelcar_tui.core.facts import MIB
from modelcar_tui.core.text import reveal
from modelcar_tui.memory import Outcome
from modelcar_tui.report.starts import StartFigure, ended_as, start_figures, start_line
from modelcar_tui.report.values import bytes_text, span_text
from modelcar_tui.supervisor import Trial
from modelcar_tui.trial import TrialNews, TrialPlan, TrialStage

PROVES = "that vLLM starts, or not, and its memory: for this card, this image and these arguments"
_NODES = 4


class TrialWords(NamedTuple):
    """One row of a plan: a label, a text, and whether it warns."""

    label: str
    text: str
    warns: bool = False


def plan_words(plan: TrialPlan) -> tuple[TrialWords, ...]:
    """What a try would do, the most costly first; texts of one label stand below each other."""
    return tuple(
        TrialWords(label, reveal(text), warns) for label, text, warns in _plan_words(plan) if text.strip()
    )


def _plan_words(plan: TrialPlan) -> Iterator[TrialWords]:
    yield TrialWords("takes", f"{plan.gpus} x {plan.resource} ({plan.product or 'its kind is not known'})")
    yield TrialWords("on", _places(plan.nodes))
    yield TrialWords("for", lasts(plan))
    yield TrialWords("namespace", plan.namespace)
    yield TrialWords("queue", plan.queue)
    yield TrialWords("priority", plan.priority_class)
    for pod in plan.pushed:
        yield TrialWords("may evict", pod, warns=True)
    if not plan.pushed:
        yield TrialWords("may evict", "no pod, as far as is known")
    for caution in plan.cautions:
        yield TrialWords("caution", caution, warns=True)
    for made in plan.creates:
        yield TrialWords("creates", made)
    yield TrialWords("then", "all of it is deleted, however the try ends")
    yield TrialWords("predicted", predicted_line(plan))
    for difference in plan.changed:
        yield TrialWords("differs", difference)
    yield TrialWords("proves", PROVES)
    for nothing in plan.unproven:
        yield TrialWords("not", nothing)
    yield TrialWords("files", _files(plan.files))
    for path, why in plan.left_out:
        yield TrialWords("without", f"{path}: {why}")
    yield TrialWords("image", plan.image)
    yield TrialWords("command", " ".join(plan.command))
    yield TrialWords("arguments", " ".join(plan.args) or "none")


def _places(nodes: Sequence[str]) -> str:
    if not nodes:
        return "a node that the scheduler chooses"
    more = len(nodes) - _NODES
    return " or ".join(nodes[:_NODES]) + (f" or {several(more, 'other node')}" if more > 0 else "")


def lasts(plan: TrialPlan) -> str:
    """`at most 15 min from vLLM's start; before it at most 60 min for a node and the image`."""
    before = f"before it at most {span_text(plan.start_s)} for a node and the runtime's image"
    return f"at most {span_text(plan.limit_s)} from vLLM's start; {before}"


def _files(files: Sequence[tuple[str, int]]) -> str:
    size = sum(size for _, size in files)
    told = bytes_text(size) if size >= 100 * MIB else f"{size / MIB:.2f} MiB"
    return f"{several(len(files), 'small file')} of the model, {told}; the weights are dummies"


def predicted_line(plan: TrialPlan) -> str:
    """`starts; weights 15.19 GiB, KV cache 12.40 GiB`: what the estimate says."""
    figures = start_figures({}, plan.predicted_figures)
    told = ", ".join(f"{figure.name} {figure.predicted}" for figure in figures)
    outcome = ended_as(plan.predicted) if plan.predicted else "nothing is known of how it ends"
    return f"{outcome}; {told}" if told else outcome


def trial_word(trial: Trial) -> str:
    """Where a try stands or how it ended, in a few words."""
    end = trial.end
    if end is not None:
        if end.measured is not None:
            return ended_as(end.measured.outcome)
        if trial.plan is not None and not trial.allowed:
            return "not tried"
        return "nothing was measured" if trial.allowed else "can't be tried"
    if trial.plan is None:
        return "is worked out"
    if trial.allowed is None:
        return "waits for your word"
    return reveal((trial.news.stage if trial.news is not None else TrialStage.MAKING).value)


def trial_figures(trial: Trial) -> tuple[StartFigure, ...]:
    """The figures so far, or at the end, beside what was predicted before."""
    measured = trial.measured
    if measured is not None:
        return start_figures(measured.figures, measured.predicted_figures or _predicted(trial))
    if trial.news is not None and trial.news.figures:
        return start_figures(trial.news.figures, _predicted(trial))
    return ()


def _predicted(trial: Trial) -> dict[str, float]:
    return trial.plan.predicted_figures if trial.plan is not None else {}


def trial_seconds(trial: Trial, now: float) -> float | None:
    """How long vLLM's container runs, or ran; None where it did not begin, or nobody saw it."""
    if trial.end is not None:
        return trial.end.seconds or None
    began = trial.news.began if trial.news is not None else 0.0
    return max(0.0, now - began) if began else None


def end_words(trial: Trial, now: float = 0.0) -> tuple[TrialWords, ...]:
    """What came of a try, without its figures; nothing before its end."""
    end = trial.end
    return tuple(_end_words(trial, now)) if end is not None else ()


def _end_words(trial: Trial, now: float) -> Iterator[TrialWords]:
    end = trial.end
    if end is None:
        return
    yield from _measured_words(trial, now)
    if end.problem is not None:
        place = f"{end.problem.where}: " if end.problem.where and end.problem.where != trial.model else ""
        label = "why not" if end.measured is None else "but"
        yield TrialWords(label, reveal(place + end.problem.what), warns=True)
        if end.problem.fix:
            yield TrialWords("next", reveal(end.problem.fix))
    elif end.measured is None:
        yield TrialWords("why not", "it was not let, or stopped: nothing was measured")
    for left in end.left:
        yield TrialWords("left there", reveal(left), warns=True)
    if end.log:
        yield TrialWords("log", reveal(end.log))


def _measured_words(trial: Trial, now: float) -> Iterator[TrialWords]:
    """How the start ended, beside what was predicted of it; nothing where none was measured."""
    start = trial.measured
    if start is None:
        return
    yield TrialWords("measured", start_line(start, now), warns=start.outcome != Outcome.STARTS)
    if start.error:
        yield TrialWords("vLLM said", reveal(start.error), warns=True)
    if before := start.predicted or (trial.plan.predicted if trial.plan is not None else ""):
        otherwise = before not in (start.outcome, Outcome.UNKNOWN)
        said = ": the start says otherwise" * otherwise
        yield TrialWords("predicted", f"{ended_as(before)}{said}", warns=otherwise)
    yield TrialWords("holds for", "this card, this image and these arguments; nothing else is proved")


def news_line(news: TrialNews) -> str:
    """`waiting for a node on gpu-1: why it waits`."""
    place = f" on {news.node}" if news.node else ""
    return reveal(f"{news.stage.value}{place}{f': {news.text}' if news.text else ''}")


def trial_lines(trial: Trial, now: float = 0.0) -> Iterator[str]:
    """One try for a report: what it was to be, how it went, what it measured; a sentence each."""
    plan = trial.plan
    if plan is not None:
        where = f"in namespace {plan.namespace}" if plan.namespace else "in a namespace that is not known"
        product = f" ({plan.product})" if plan.product else ""
        yield reveal(f"{plan.gpus} x {plan.resource}{product}, {where}, image {plan.image}, {lasts(plan)}")
        yield reveal(f"predicted: {predicted_line(plan)}")
        yield from (reveal(f"differs: {text}") for text in plan.changed)
    if trial.end is None:
        yield f"it has not ended: {trial_word(trial)}"
    yield from (f"{words.label}: {words.text}" for words in end_words(trial, now))
    yield from (figure.line for figure in trial_figures(trial) if figure.measured)


def model_trials(trials: Sequence[Trial], model: str) -> tuple[Trial, ...]:
    """Those of one model, the newest last."""
    return tuple(trial for trial in trials if trial.model == model)
