"""How models fared in the operator's words: why they failed, and vLLM's own figures beside what was
predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from modelcar_tui.core.counting import several
from modelcar_tui.qa.types import FAILED_STATUSES, QaMeasured, QaModelResult
from modelcar_tui.vllm import startup_figures

_WHAT = {
    "weights_gib": ("weights", "GiB per GPU"),
    "kv_cache_gib": ("KV cache", "GiB per GPU"),
    "kv_tokens": ("KV cache", "tokens"),
    "concurrency": ("requests at full context", ""),
    "load_s": ("loading", "s"),
    "graphs_gib": ("CUDA graphs", "GiB per GPU"),
}
"""What is kept of the log's figures."""
_MOST_FAILED = 20


def figures_of(model: str, line: str) -> list[QaMeasured]:
    """The figures that one line of a model's log gives; none for most lines."""
    return [
        QaMeasured(model=model, what=one.what, value=one.value, line=line)
        for one in startup_figures(line)
        if one.what in _WHAT
    ]


def failed_line(model: QaModelResult) -> str:
    """`granite failed: IMAGE_PULL_DENIED: waiting for the image: unauthorized; next: ...`; empty for one that
    did not fail, or of which nothing more is known than that it did, or was cut short."""
    if model.status not in (*FAILED_STATUSES, "") or not (model.cause or model.line):
        return ""
    how = "failed" if model.status else "was cut short"
    said = ": ".join(part for part in (model.cause, model.line or model.means) if part)
    return f"{model.model} {how}: {said}" + (f"; next: {model.fix}" if model.fix else "")


def failed_lines(models: Sequence[QaModelResult]) -> list[str]:
    """`failed_line` of the first of them, and how many more there are."""
    told = [line for model in models if (line := failed_line(model))]
    more = len(told) - _MOST_FAILED
    return [*told[:_MOST_FAILED], *([f"and {several(more, 'more model')}"] if more > 0 else [])]


def measured_line(one: QaMeasured) -> str:
    """`granite: weights 15.27 GiB per GPU measured, 15.19 predicted (0.5 % low)`."""
    name, unit = _WHAT.get(one.what, (one.what, ""))
    head = f"{one.model}: {name} {_number(one.value)}{f' {unit}' if unit else ''} measured"
    if one.predicted is None:
        return f"{head}; no prediction: {one.note}" if one.note else head
    bounds = (
        f" ({_number(one.low)} to {_number(one.high)})"
        if one.low is not None and one.high is not None
        else ""
    )
    return f"{head}, {_number(one.predicted)}{bounds} predicted{_off(one.value, one.predicted)}"


class FigureWords(NamedTuple):
    """One figure for a table of predicted and measured."""

    name: str
    measured: str
    predicted: str
    """With its bounds where it rests on a guess; empty where there is no prediction."""
    off: str
    """`0.5 % low`: the prediction against what was measured; empty where there is none."""


def figure_words(one: QaMeasured) -> FigureWords:
    """The parts of `measured_line`, each with its unit."""
    name, unit = _WHAT.get(one.what, (one.what, ""))
    tail = f" {unit}" if unit else ""
    if one.predicted is None:
        return FigureWords(name, f"{_number(one.value)}{tail}", "", "")
    bounds = (
        f" ({_number(one.low)} to {_number(one.high)})"
        if one.low is not None and one.high is not None
        else ""
    )
    off = _off(one.value, one.predicted).strip(" ()")
    return FigureWords(name, f"{_number(one.value)}{tail}", f"{_number(one.predicted)}{bounds}{tail}", off)


def _off(value: float, predicted: float) -> str:
    if not value:
        return ""
    by = (predicted - value) / abs(value) * 100
    return " (exact)" if abs(by) < 0.05 else f" ({abs(by):.1f} % {'high' if by > 0 else 'low'})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.2f}"
