"""What a verdict owes to a start of vLLM that was measured, in words."""

from __future__ import annotations

from collections.abc import Sequence

from modelcar_tui.core.text import reveal
from modelcar_tui.memory import Estimate, Outcome
from modelcar_tui.models import MeasuredStart
from modelcar_tui.verdict.reports import ModelVerdict

MEASURED = "measured"


def is_measured(estimate: Estimate | None) -> bool:
    """Whether a start with these very arguments decides it: nothing of it is a prediction."""
    return estimate is not None and estimate.measured is not None and estimate.exact


def of_them_measured(models: Sequence[ModelVerdict]) -> str:
    """`, as measured`, `, 2 of them measured`: of models that can be served; empty where none was."""
    count = sum(is_measured(model.estimate) for model in models)
    if not count:
        return ""
    return f", as {MEASURED}" if count == len(models) else f", {count} of them {MEASURED}"


def started_on(start: MeasuredStart) -> str:
    """`2 x NVIDIA-L40S with vLLM 0.13.0`: where it was measured."""
    many = f"{start.gpus} x " if start.gpus > 1 else ""
    release = f" with vLLM {start.vllm}" if start.vllm else " with a vLLM whose release is not known"
    return reveal(f"{many}{start.gpu or 'a GPU whose product is not known'}{release}")


def ended_as(outcome: str) -> str:
    """`starts`, `refused (the KV cache is too small)`: an outcome's value in words."""
    return Outcome(outcome).told if outcome in list(Outcome) else reveal(outcome) or Outcome.UNKNOWN.told
