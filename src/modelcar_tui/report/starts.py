"""Measured starts of vLLM in words: each figure beside what was computed, and what a start is of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from modelcar_tui.core.text import reveal
from modelcar_tui.memory import Estimate, Outcome
from modelcar_tui.models import MeasuredStart
from modelcar_tui.report.ending import at
from modelcar_tui.report.values import span_text

NOT_PREDICTED = "not predicted"
_FIGURES = {
    "weights_gib": ("weights", "GiB"),
    "activation_gib": ("activation peak", "GiB"),
    "non_torch_gib": ("outside PyTorch", "GiB"),
    "graphs_gib": ("CUDA graphs", "GiB"),
    "kv_cache_gib": ("KV cache", "GiB"),
    "kv_tokens": ("KV cache", "tokens"),
    "max_model_len": ("context", "tokens"),
    "concurrency": ("full requests at once", ""),
    "init_s": ("engine ready after", "s"),
}
"""What is told of a start, in the order of reading; GiB are per GPU. How long dummies took to load says
nothing."""
_ALMOST = 0.05
"""Percent below which two figures are one."""
_AGE_S = 60.0
"""From which on an age is told: a screen that rests is not painted for the seconds that pass."""


class StartFigure(NamedTuple):
    """One figure of a start beside its prediction."""

    name: str
    measured: str
    """With its unit; empty where it was not measured."""
    predicted: str
    off: str
    """`1.3 % low`: the prediction against what was measured; empty where one of them is lacking."""

    @property
    def line(self) -> str:
        """`weights 15.27 GiB measured, 15.07 GiB predicted (1.3 % low)`."""
        if not self.measured:
            return f"{self.name} {self.predicted} predicted"
        if not self.predicted:
            return f"{self.name} {self.measured} measured, {NOT_PREDICTED}"
        off = f" ({self.off})" if self.off else ""
        return f"{self.name} {self.measured} measured, {self.predicted} predicted{off}"


def start_figures(measured: Mapping[str, float], predicted: Mapping[str, float]) -> tuple[StartFigure, ...]:
    """The figures that either of them has, by the names of `vllm.Figure.what`."""
    return tuple(
        StartFigure(
            name,
            _amount(measured[what], unit) if what in measured else "",
            _amount(predicted[what], unit) if what in predicted else "",
            _off(measured.get(what), predicted.get(what)),
        )
        for what, (name, unit) in _FIGURES.items()
        if what in measured or what in predicted
    )


def start_line(start: MeasuredStart, now: float = 0.0) -> str:
    """`starts on NVIDIA-L40S with vLLM 0.13.0, 2026-11-29T10:00:00Z (2 d ago)`."""
    when = at(start.at) or "at a time that is not known"
    age = f" ({span_text(now - start.at)} ago)" if start.at and now - start.at >= _AGE_S else ""
    return f"{ended_as(start.outcome)} on {started_on(start)}, {when}{age}"


def estimate_basis(estimate: Estimate) -> str:
    """Whether all of an estimate was measured, or only parts; empty where none was."""
    if estimate.measured is None:
        return ""
    if estimate.exact:
        return "with these very arguments"
    return "with other arguments: what hangs on none of the differences is measured, the rest computed"


def start_lines(estimate: Estimate | None, now: float = 0.0) -> Iterator[str]:
    """What a measured estimate rests on, a sentence each: the start, how it was predicted, each figure."""
    if estimate is None or estimate.measured is None:
        return
    start = estimate.measured
    yield f"{start_line(start, now)}, {estimate_basis(estimate)}"
    if start.error:
        yield f"vLLM's own words: {start.error}"
    if predicted := predicted_words(estimate):
        yield f"predicted: {predicted}"
    yield from (figure.line for figure in start_figures(start.figures, start.predicted_figures))


def predicted_words(estimate: Estimate) -> str:
    """How the start would end by computing alone; empty where that is not known."""
    if estimate.predicted is not None:
        return estimate.predicted.told
    start = estimate.measured
    return ended_as(start.predicted) if start is not None and start.predicted else ""


def started_on(start: MeasuredStart) -> str:
    """`2 x NVIDIA-L40S with vLLM 0.13.0`: where it was measured."""
    many = f"{start.gpus} x " if start.gpus > 1 else ""
    release = f" with vLLM {start.vllm}" if start.vllm else " with a vLLM whose release is not known"
    return reveal(f"{many}{start.gpu or 'a GPU whose product is not known'}{release}")


def ended_as(outcome: str) -> str:
    """`starts`, `refused (the KV cache is too small)`: an outcome's value in words."""
    return Outcome(outcome).told if outcome in list(Outcome) else reveal(outcome) or Outcome.UNKNOWN.told


def _amount(value: float, unit: str) -> str:
    whole = abs(value) >= 1000 or (value == int(value) and unit != "GiB")
    text = f"{value:,.0f}" if whole else f"{value:.2f}"
    return f"{text} {unit}".rstrip()


def _off(measured: float | None, predicted: float | None) -> str:
    if not measured or predicted is None:
        return ""
    by = (predicted - measured) / abs(measured) * 100
    return "exact" if abs(by) < _ALMOST else f"{abs(by):.1f} % {'high' if by > 0 else 'low'}"
