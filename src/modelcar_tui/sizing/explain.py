"""The terms of an Estimate as plain lines: for `--explain` and the dashboard's `?`."""

from __future__ import annotations

from typing import Any

from modelcar_tui.core.facts import Fact, Term
from modelcar_tui.sizing.types import Estimate

_FIGURES = (
    ("weights_gib", "weights"),
    ("activation_gib", "activation peak"),
    ("non_torch_gib", "outside torch"),
    ("cuda_graph_gib", "CUDA graphs"),
    ("requested_gib", "vLLM may use"),
    ("kv_available_gib", "left for the KV cache"),
    ("kv_bytes_per_token", "KV cache of one token"),
    ("kv_tokens", "KV cache tokens"),
    ("max_concurrency", "full contexts at once"),
    ("longest_context", "longest context that fits"),
    ("headroom_gib", "left after warm-up"),
    ("required_gib", "smallest GPU for it"),
)


def explain(estimate: Estimate) -> list[str]:
    """Every figure with its terms, one line each; terms are indented by two blanks."""
    lines = [f"{estimate.outcome}: {estimate.why}", f"vLLM {estimate.vllm or 'unknown'}, figures per GPU"]
    if estimate.error:
        lines.append(f"vLLM would say: {estimate.error}")
    for name, label in _FIGURES:
        lines += explain_fact(label, getattr(estimate, name))
    return lines + [f"note: {note}" for note in estimate.notes]


def explain_fact(label: str, fact: Fact[Any]) -> list[str]:
    """One figure and its terms."""
    if not fact.known:
        return [f"{label}: unknown{f' ({fact.note})' if fact.note else ''}"]
    bounds = ""
    if fact.low is not None or fact.high is not None:
        bounds = f", between {number(fact.low)} and {number(fact.high)}"
    origin = f" [{fact.source}]" + (f" {fact.note}" if fact.note else "")
    head = f"{label}: {number(fact.value)}{f' {fact.unit}' if fact.unit else ''}{bounds}{origin}"
    return [head, *(f"  {_term(term)}" for term in fact.terms)]


def number(value: float | None) -> str:
    """A figure as people read it; `?` for what is not known."""
    if value is None:
        return "?"
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) >= 0.1 else f"{value:.4f}"


def _term(term: Term) -> str:
    unit = f" {term.unit}" if term.unit else ""
    note = f"  {term.note}" if term.note else ""
    return f"{number(term.value)}{unit}  {term.label} [{term.source}]{note}"
