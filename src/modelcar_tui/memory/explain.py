"""A budget as an Estimate: the verdict in vLLM's order, and every number with its terms."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.facts import GIB, Fact, Source, Term, unknown
from modelcar_tui.memory.budget import Budget, cache_width
from modelcar_tui.memory.other_code import even_the_most, in_doubt, loosened, other_code, runs_other_code
from modelcar_tui.memory.outcome import NO_TOTAL, headroom_of, longest_context, minimum, verdict
from modelcar_tui.memory.start import Start
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models.model import Model
from modelcar_tui.vllm.defaults import Limits
from modelcar_tui.vllm.engine_args import EngineArgs
from modelcar_tui.vllm.profile import newer_note

_RESTS_ON_SUMS = (Outcome.STARTS, Outcome.REFUSED_KV, Outcome.OOM_WARMUP, Outcome.OOM_GRAPH_CAPTURE)
_CHECKS = "vllm v1/worker/gpu_worker.py determine_available_memory"


def report(start: Start, budget: Budget, odd: str) -> Estimate:
    """The estimate; `odd` is why the verdict must stay unknown."""
    model, args, profile, limits = start.model, start.args, start.profile, start.limits
    context = limits.context
    plan = budget.plan
    if limits.auto_context and plan is not None and budget.available is not None:
        context = plan.longest(budget.available, limits.context, padded=profile.exact_groups) or context
    outcome, why, error = verdict(start, budget, context)
    other = runs_other_code(start.gpu)
    if odd and (outcome in _RESTS_ON_SUMS or args.unknown or (other and in_doubt(outcome, budget))):
        outcome, why, error = Outcome.UNKNOWN, f"{odd}; without it: {why}", ""
    elif other and outcome is Outcome.STARTS:
        why = even_the_most(start.gpu, budget)
    blocks = plan.block_count(budget.available) if plan and budget.available is not None else None
    tokens = (
        plan.tokens(blocks, context, as_concurrency=profile.tokens_are_concurrency)
        if plan and blocks
        else None
    )
    made = Estimate(
        outcome=outcome,
        why=why,
        error=error,
        weights_gib=_gib(budget.weights_bytes, budget.weights.terms, model.source),
        activation_gib=_gib(budget.peak.total, budget.peak.terms),
        non_torch_gib=_gib(budget.non_torch, note="measured on NVIDIA cards: CUDA context growth, NCCL"),
        cuda_graph_gib=_gib(budget.graphs, note="measured: 0.47 + 0.013 x layers at 51 capture sizes"),
        kv_available_gib=_available(budget, limits),
        kv_tokens=_tokens(tokens, budget, blocks),
        max_concurrency=_concurrency(budget, blocks, context),
        longest_context=_longest(start, budget),
        required_gib=required(budget, limits),
        requested_gib=_gib(budget.requested)
        if budget.requested is not None
        else unknown(NO_TOTAL, unit="GiB"),
        headroom_gib=_headroom_fact(budget),
        kv_bytes_per_token=_per_token(model, args, budget),
        vllm=profile.label,
        notes=_notes(start),
    )
    if other:
        made = loosened(made, budget, limits.utilization)
    return _without_cache(made, odd) if model.shape.odd else made


def _without_cache(made: Estimate, odd: str) -> Estimate:
    """A cache that no formula here describes has no tokens to state."""
    return msgspec.structs.replace(
        made,
        kv_tokens=unknown(odd),
        max_concurrency=unknown(odd),
        longest_context=unknown(odd),
        kv_bytes_per_token=unknown(odd, unit="B"),
    )


def required(budget: Budget, limits: Limits) -> Fact[float]:
    """Smallest memory, as vLLM sees it, of a GPU that starts this with one request of the whole context."""
    terms = (
        Term("weights", budget.weights_bytes / GIB, "GiB", Source.COMPUTED),
        Term("activation peak", budget.peak.total / GIB, "GiB", Source.COMPUTED),
        Term("outside torch", budget.non_torch / GIB, "GiB", Source.COMPUTED, "measured"),
        Term(
            "CUDA graphs in the budget",
            budget.graphs_deducted / GIB,
            "GiB",
            Source.COMPUTED,
            "from vLLM 0.20 on",
        ),
        Term(
            "KV cache of one request", budget.needed / GIB, "GiB", Source.COMPUTED, f"{limits.context} tokens"
        ),
        Term("gpu_memory_utilization", limits.utilization, "", Source.COMPUTED, "the sum is divided by it"),
    )
    return Fact(
        value=minimum(budget, limits) / GIB,
        source=Source.COMPUTED,
        unit="GiB",
        note=f"what may be used must hold it all ({_CHECKS}), and the rest of the card graphs and context",
        terms=tuple(term for term in terms if term.value),
    )


def _available(budget: Budget, limits: Limits) -> Fact[float]:
    if budget.available is None or budget.requested is None or budget.total is None:
        return unknown(NO_TOTAL, unit="GiB")
    terms = (
        Term(
            "requested",
            budget.requested / GIB,
            "GiB",
            Source.COMPUTED,
            f"{limits.utilization:g} x {budget.total / GIB:.2f} GiB",
        ),
        Term("weights", -budget.weights_bytes / GIB, "GiB", Source.COMPUTED),
        Term("activation peak", -budget.peak.total / GIB, "GiB", Source.COMPUTED),
        Term("outside torch", -budget.non_torch / GIB, "GiB", Source.COMPUTED),
        Term("CUDA graphs in the budget", -budget.graphs_deducted / GIB, "GiB", Source.COMPUTED),
    )
    return Fact(
        value=budget.available / GIB,
        source=Source.COMPUTED,
        unit="GiB",
        note=_CHECKS,
        terms=tuple(term for term in terms if term.value),
    )


def _tokens(tokens: int | None, budget: Budget, blocks: int | None) -> Fact[int]:
    plan = budget.plan
    if tokens is None or plan is None or blocks is None:
        return _none(budget)
    layers = sum(group.layers for group in plan.groups)
    terms = (
        Term("blocks", float(blocks), "", Source.COMPUTED, "available memory // bytes of a block"),
        Term(
            "bytes of a block",
            float(plan.block_bytes),
            "B",
            Source.COMPUTED,
            f"{plan.page} B x {plan.size} layers",
        ),
        Term("tokens of a block", float(plan.block), "", Source.COMPUTED),
        Term(
            "groups",
            float(len(plan.groups)),
            "",
            Source.COMPUTED,
            f"{layers} layers in groups of {plan.size}",
        ),
    )
    return Fact(value=tokens, source=Source.COMPUTED, note="vllm v1/core/kv_cache_utils.py", terms=terms)


def _concurrency(budget: Budget, blocks: int | None, context: int) -> Fact[float]:
    if budget.plan is None or not blocks:
        return unknown(_none(budget).note)
    return Fact(
        value=budget.plan.concurrency(blocks, context), source=Source.COMPUTED, note=f"of {context} tokens"
    )


def _none(budget: Budget) -> Fact[int]:
    if budget.plan is None:
        return unknown("this model keeps no KV cache")
    return unknown(NO_TOTAL if budget.available is None else "no block fits")


def _longest(start: Start, budget: Budget) -> Fact[int]:
    if budget.plan is None or budget.available is None:
        return _none(budget)
    return Fact(value=longest_context(start, budget), source=Source.COMPUTED, note=_CHECKS)


def _per_token(model: Model, args: EngineArgs, budget: Budget) -> Fact[float]:
    plan = budget.plan
    if plan is None:
        return unknown("this model keeps no KV cache", unit="B")
    shape = model.shape
    width = cache_width(model, args)
    if shape.mla is not None and "mla" in shape.kinds:
        note = f"({shape.mla.kv_rank} + {shape.mla.rope}) x {width:g} B a layer, whole on every GPU"
    else:
        heads = max(1, shape.kv_heads // args.tp)
        note = f"{heads} KV heads x ({shape.head_dim} + {shape.v_head_dim}) x {width:g} B a layer"
    return Fact(value=plan.bytes_per_token, source=Source.COMPUTED, unit="B", note=note)


def _headroom_fact(budget: Budget) -> Fact[float]:
    value = headroom_of(budget)
    if value is None:
        return unknown(NO_TOTAL, unit="GiB")
    return Fact(
        value=value / GIB,
        source=Source.COMPUTED,
        unit="GiB",
        note="for the sampler's warm-up; not checked by vLLM",
    )


def _notes(start: Start) -> tuple[str, ...]:
    model, profile, gpu = start.model, start.profile, start.gpu
    notes = list(model.notes)
    if profile.newer:
        notes.append(f"{newer_note(profile.newer)}, the figures are bounds")
    elif not profile.known:
        notes.append(f"the vLLM version is not known; {profile.label.rstrip('?')} is assumed")
    if runs_other_code(gpu):
        notes.append(f"{other_code(gpu)}: the figures are CUDA's, with bounds")
    if not gpu.free_gib.known:
        notes.append("the card is taken to be idle when vLLM starts")
    return tuple(notes)


def _gib(
    value: float, terms: tuple[Term, ...] = (), source: Source = Source.COMPUTED, note: str = ""
) -> Fact[float]:
    return Fact(value=value / GIB, source=source, unit="GiB", terms=terms, note=note)
