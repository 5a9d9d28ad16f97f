"""QA's outcome beside our estimate: predicted against what vLLM itself said."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.facts import Fact
from modelcar_tui.qa import QaMeasured, QaModelResult, QaOutcome
from modelcar_tui.verdict.reports import DecisionReport, ModelVerdict

_FIELDS = {
    "weights_gib": "weights_gib",
    "kv_cache_gib": "kv_available_gib",
    "kv_tokens": "kv_tokens",
    "concurrency": "max_concurrency",
    "graphs_gib": "cuda_graph_gib",
}
_MEMORY = frozenset({"CUDA_OOM", "HOST_OOM", "VLLM_ARGUMENT", "UNSUPPORTED_MODEL"})
"""Causes that the estimate has something to say about."""


def compare(outcome: QaOutcome, report: DecisionReport) -> QaOutcome:
    """The outcome with what was predicted for each measured figure, and for models that ran out of memory.

    `report` is the decision on exactly what was served: the accepted changes are in it.
    """
    verdicts = {name: model for model in report.models for name in (model.model[:20], model.model)}
    first: dict[tuple[str, str], QaMeasured] = {}
    for one in outcome.measured:
        # Every worker of a tensor-parallel model says the same.
        first.setdefault((one.model, one.what), _beside(one, verdicts.get(one.model)))
    models = tuple(_explained(model, verdicts.get(model.model)) for model in outcome.models)
    return msgspec.structs.replace(outcome, measured=tuple(first.values()), models=models)


def _beside(one: QaMeasured, verdict: ModelVerdict | None) -> QaMeasured:
    field = _FIELDS.get(one.what)
    if field is None:
        return one
    if verdict is None or verdict.estimate is None:
        return msgspec.structs.replace(one, note="there is no estimate for this model")
    fact: Fact[float] = getattr(verdict.estimate, field)
    if fact.value is None:
        return msgspec.structs.replace(one, note=fact.note or verdict.estimate.why)
    return msgspec.structs.replace(one, predicted=float(fact.value), low=fact.low, high=fact.high)


def _explained(model: QaModelResult, verdict: ModelVerdict | None) -> QaModelResult:
    if model.cause not in _MEMORY or verdict is None:
        return model
    why = verdict.estimate.why if verdict.estimate is not None else ""
    text = "; ".join(part for part in (verdict.comparison, why) if part)
    return msgspec.structs.replace(model, predicted=text or verdict.why)
