"""The facts that a run rests on, each with its name and what it is of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from modelcar_tui.cluster import MEMORY_WORTH
from modelcar_tui.core.counting import several
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.core.text import reveal
from modelcar_tui.manifest import Change, Operation
from modelcar_tui.memory import Estimate
from modelcar_tui.report.starts import ended_as, estimate_basis, predicted_words, start_figures, started_on
from modelcar_tui.supervisor import RunState
from modelcar_tui.verdict import ModelRequirements, ModelVerdict

_SOURCES = {
    "label": Source.NODE_LABEL,
    "product-name": Source.GPU_TABLE,
    "instance-type": Source.INSTANCE_TYPE,
    "model-table": Source.GPU_TABLE,
    "device-id": Source.NODE_LABEL,
    "annotation": Source.NODE_ANNOTATION,
    "dra": Source.DRA,
    "operator": Source.OPERATOR,
}
_MEASURES = {
    "weights + 10 %, all its GPUs together": "simple_need",
    "memory that one GPU must have": "need",
    "requests of full length that the cache holds": "concurrency",
    "longest context": "longest_context",
}
"""What answers call those whose sentence says more than label and value do."""
_NEEDS = ("required", "warning")
MOST_NODES = 500
"""Nodes whose facts are told."""


class Known(NamedTuple):
    """A fact with its name."""

    group: str
    label: str
    fact: Fact[Any]
    key: str = ""
    """The id of what it is about, where that is neither model nor node."""
    says: str = ""
    """The sentence that answers tell of it; empty where there is none."""


def facts_of(state: RunState, topic: str) -> list[Known]:
    """The facts behind a specialist's pane."""
    if topic == "configuration":
        return _spoken(state, [known for model in state.models for known in _of_model(model)])
    if topic in ("accelerator", "gpus"):
        return _of_cluster(state)
    if topic == "plan":
        return _of_plan(state)
    if topic in ("qa", "log"):
        return _of_qa(state)
    if state.decision is not None:
        return _spoken(state, [known for model in state.decision.models for known in _of_verdict(model)])
    return []


def _spoken(state: RunState, facts: list[Known]) -> list[Known]:
    """The facts of models with the sentences that answers tell of them; of one that is not known the value
    says as much."""
    # The engine has read these by then; the first frame must not.
    from modelcar_tui.supervisor.answers import run_facts, sentence

    said = {(fact.model, fact.measure): sentence(fact) for fact in run_facts(state) if fact.model}
    return [
        known._replace(says=said.get((known.group, _MEASURES.get(known.label, "")), "") or known.says)
        if known.fact.known
        else known
        for known in facts
    ]


def _of_plan(state: RunState) -> list[Known]:
    """The proposed changes: why, from what, and with which figures."""
    plan = state.decision.plan if state.decision is not None else None
    return [
        Known(
            change.model,
            f"{_verb(change)} {change.called}, {change.severity}",
            Fact(
                value=reveal(change.new or f"without {change.old or change.flag}"),
                source=Source.COMPUTED,
                note=reveal(change.reason),
                terms=change.evidence,
            ),
            change.id,
        )
        for change in sorted(plan.changes if plan is not None else (), key=_need)
    ]


def _verb(change: Change) -> str:
    """`set`, `add`, `remove`."""
    return "set" if change.operation is Operation.GPU_COUNT else change.operation.value


def _need(change: Change) -> int:
    """What is required comes first, as in the review."""
    return _NEEDS.index(change.severity) if change.severity in _NEEDS else len(_NEEDS)


def _of_model(model: ModelRequirements) -> list[Known]:
    name, facts = model.car.name, model.image.model
    return [
        Known(name, "weights + 10 %, all its GPUs together", model.required_vram_gib),
        Known(name, "image size", model.image.size_bytes),
        Known(name, "architectures", model.image.architectures),
        Known(name, "parameters", facts.parameters),
        Known(name, "bytes of the weights", facts.weight_bytes),
        Known(name, "bits of a weight", facts.bits),
        Known(name, "quantization", facts.quantization_name),
    ]


def _of_verdict(model: ModelVerdict) -> list[Known]:
    name, estimate = model.model, model.estimate
    facts = [
        Known(name, "memory that one GPU must have", model.needed_gib),
        Known(name, "memory of the GPU", model.gpu_gib),
    ]
    if estimate is None:
        return facts
    beside = _beside(estimate)
    return [
        *facts,
        *_of_start(name, estimate),
        Known(name, "weights, each GPU", estimate.weights_gib, says=beside("weights_gib")),
        Known(name, "activation, each GPU", estimate.activation_gib, says=beside("activation_gib")),
        Known(name, "driver and NCCL, each GPU", estimate.non_torch_gib, says=beside("non_torch_gib")),
        Known(name, "CUDA graphs, each GPU", estimate.cuda_graph_gib, says=beside("graphs_gib")),
        Known(name, "left for the KV cache", estimate.kv_available_gib, says=beside("kv_cache_gib")),
        Known(name, "KV cache in tokens", estimate.kv_tokens, says=beside("kv_tokens")),
        Known(name, "requests of full length that the cache holds", estimate.max_concurrency),
        Known(name, "longest context", estimate.longest_context),
        Known(name, "smallest GPU that starts it", estimate.required_gib),
    ]


def _beside(estimate: Estimate) -> Callable[[str], str]:
    """A figure of the start that it rests on beside its prediction; empty of what was not measured."""
    start = estimate.measured

    def line(what: str) -> str:
        if start is None or what not in start.figures:
            return ""
        both = (start.figures, start.predicted_figures)
        measured, predicted = ({what: each[what]} if what in each else {} for each in both)
        return next((figure.line for figure in start_figures(measured, predicted)), "")

    return line


def _of_start(name: str, estimate: Estimate) -> list[Known]:
    """The start that the figures are of, and what is computed without it."""
    start = estimate.measured
    if start is None:
        return []
    told = Fact(
        value=f"{ended_as(start.outcome)} on {started_on(start)}",
        source=Source.MEASURED,
        at=start.at,
        note=reveal(f"{estimate_basis(estimate)}{f'; {start.error}' if start.error else ''}"),
    )
    without: Fact[str] = Fact(value=predicted_words(estimate) or None, source=Source.COMPUTED)
    return [Known(name, "measured start", told), Known(name, "predicted without it", without)]


def _of_cluster(state: RunState) -> list[Known]:
    report = state.cluster
    if report is None:
        return []
    # The engine has read these by then; the first frame must not.
    from modelcar_tui.cluster import handed_out, unit_of

    at = report.inventory.at
    facts: list[Known] = []
    for node in report.inventory.nodes[:MOST_NODES]:
        source = _SOURCES.get(node.product_from, Source.NONE)
        for name in node.products or (None,):
            facts.append(Known(node.name, "product", Fact(value=name, at=at, source=source)))
        for pool, how in handed_out(node):
            if not pool.resource:
                continue
            unit = unit_of(node.card(pool).vendor, how)
            memory: Fact[float] = Fact(
                value=None if pool.mem_mib is None else pool.mem_mib / 1024,
                unit="GiB",
                at=at,
                source=_SOURCES.get(pool.mem_from, Source.NONE),
                note=MEMORY_WORTH[pool.mem_guarantee],
            )
            free: Fact[int] = Fact(
                value=pool.free,
                unit=f"of {several(pool.units, unit)}",
                at=at,
                source=Source.API if pool.free is not None else Source.NONE,
                note="allocatable on the node, less what its pods request"
                if pool.free is not None
                else "pods could not be listed",
            )
            facts += [
                Known(node.name, f"{pool.resource}: memory of one {unit}", memory),
                Known(node.name, f"{pool.resource}: free", free),
            ]
    return facts


def _of_qa(state: RunState) -> list[Known]:
    """What was run and how it came out, with the lines of the log that say so."""
    qa, out = state.qa, state.qa.outcome
    told: list[tuple[str, str, object, str, str]] = [
        ("run", "image", qa.started.image, "", ""),
        _ran_in(qa.started.container),
        ("run", "log", qa.started.log, "", f"{several(qa.log.lines, 'line')}, cleaned and redacted"),
    ]
    if out is not None:
        counts = out.counts
        told += [
            ("outcome", "code", out.code, "", out.message),
            ("outcome", "exit status of the container", out.exit_status, "", ""),
            ("outcome", "tests passed", counts.passed if counts else None, "", "pytest's own last line"),
            ("outcome", "tests failed", counts.failed if counts else None, "", "pytest's own last line"),
            ("outcome", "cause", out.cause, "", "the first line of the log that names one"),
        ]
        told += [(one.model, "test", one.status, "", one.line) for one in out.models]
        told += [
            (one.model, f"{one.what}, measured by vLLM", one.value, "", one.line) for one in out.measured
        ]
    return [
        Known(group, label, Fact(value=value, unit=unit, source=Source.LOG, note=note))
        for group, label, value, unit, note in told
        if value not in (None, "")
    ]


def _ran_in(container: str) -> tuple[str, str, object, str, str]:
    """The container, or the recording that was played instead of one."""
    if container.startswith("a recording"):
        return "run", "played from", container, "", ""
    return "run", "container", container, "", "its label finds it again after a kill"
