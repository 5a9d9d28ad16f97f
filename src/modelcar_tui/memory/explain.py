"""A budget as an Estimate: the verdict in vLLM's order, and every number with its terms."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from modelcar_tui.core.facts import GIB, Fact, Source, Term, unknown
from modelcar_tui.memory import overheads, rocm
from modelcar_tui.memory.budget import Budget, tightest
from modelcar_tui.memory.cache_terms import NO_CACHE, per_token, states_of_a_request, tokens_explained
from modelcar_tui.memory.derived import Cards, longest_context
from modelcar_tui.memory.graphs import Part
from modelcar_tui.memory.judged import Judged, judge
from modelcar_tui.memory.other_code import loosened, other_code, runs_other_code
from modelcar_tui.memory.outcome import NO_TOTAL, headroom_of, would_fit
from modelcar_tui.memory.start import Start
from modelcar_tui.memory.types import Estimate
from modelcar_tui.memory.unsized import cache_unsure
from modelcar_tui.vllm import StartLimits, newer_note

_LEFT = "vLLM may use {share:.4g} % of the card; the KV cache gets what the terms above leave of that"
_NOT_ASKED = "not searched for"
_MEASURED = "what grows outside PyTorch's tensors while profiling; measured, not derived"
_CONTEXTS = {
    False: "CUDA's context, and NCCL's with several GPUs",
    True: "HIP's context, and RCCL's with several GPUs",
}
"""By whether it runs through ROCm."""
_INSIDE: dict[str, Callable[[Budget], float]] = {
    "weights": lambda budget: budget.weights_bytes,
    "activation peak": lambda budget: budget.peak.total,
    "outside PyTorch": lambda budget: budget.non_torch,
    "CUDA graphs, as vLLM estimates them": lambda budget: budget.graphs_deducted,
    "measured beside these": lambda budget: budget.unexplained,
}
"""What lies beside the KV cache inside of what vLLM may use."""


def report(start: Start, ranks: tuple[Budget, ...], *, derive: bool) -> Estimate:
    """The estimate of one start.

    Args:
        ranks: from `budgets_of`.
        derive: also search for the smallest card and the longest context.
    """
    profile, limits = start.profile, start.limits
    budget = tightest(ranks)
    judged, plan, context = judge(start, budget), budget.plan, limits.context
    if limits.auto_context and plan is not None:
        context = would_fit(start, budget, context) or context
    blocks = plan.block_count(budget.available) if plan and budget.available is not None else None
    tokens = (
        plan.tokens(blocks, context, as_concurrency=profile.tokens_are_concurrency)
        if plan and blocks
        else None
    )
    made = Estimate(
        outcome=judged.outcome,
        why=judged.why,
        error=judged.error,
        weights_gib=_weights(start, budget),
        activation_gib=_gib(budget.peak.total, budget.peak.terms),
        non_torch_gib=_gib(budget.non_torch, _parts(overheads.non_torch_parts(start)), note=_MEASURED),
        cuda_graph_gib=_graphs(start, budget),
        kv_available_gib=_available(start, budget),
        kv_tokens=_tokens(tokens, budget, blocks),
        max_concurrency=_concurrency(budget, blocks, context),
        longest_context=_longest(start, budget, judged) if derive else unknown(_NOT_ASKED),
        required_gib=required(start, ranks) if derive else unknown(_NOT_ASKED, unit="GiB"),
        requested_gib=_requested(budget, limits),
        headroom_gib=_headroom_fact(start, budget),
        kv_bytes_per_token=per_token(start, plan),
        state_bytes=states_of_a_request(plan, context),
        vllm=profile.label,
        notes=_notes(start, tokens_explained(start, plan, blocks, context) if plan and blocks else ""),
    )
    if runs_other_code(start.gpu):
        made = loosened(made, start, budget)
    return _without_cache(made, judged.odd) if cache_unsure(start) else made


def _without_cache(made: Estimate, odd: str) -> Estimate:
    """A cache that no formula here describes has no tokens to state."""
    return msgspec.structs.replace(
        made,
        kv_tokens=unknown(odd),
        max_concurrency=unknown(odd),
        longest_context=unknown(odd),
        state_bytes=unknown(odd, unit="B"),
        kv_bytes_per_token=unknown(odd, unit="B"),
    )


def required(start: Start, ranks: tuple[Budget, ...]) -> Fact[float]:
    """Smallest memory, as vLLM sees it, of a card like this one whose verdict is `starts`: of the sizes from
    which on all up to this card's start it, or else of the larger ones."""
    card = Cards(start, ranks).smallest()
    if card.size is None:
        return unknown(f"no size is known to start it: {card.beyond.why}", unit="GiB")
    budget, share = card.budget, card.start.limits.utilization
    terms = [
        *_held(budget, 1.0, (tightest(ranks), _elsewhere(start, card.start))),
        _term("KV cache of one request", budget.needed, f"{card.start.limits.context} tokens"),
        _term("left alone", (1 - share) * card.size * GIB, f"--gpu-memory-utilization is {share:g}"),
    ]
    rest = card.size - sum(term.value for term in terms)
    terms.append(Term("what else it takes", rest, "GiB", Source.COMPUTED, f"with less: {card.beyond.why}"))
    return Fact(
        value=card.size,
        source=Source.COMPUTED,
        unit="GiB",
        note="the smallest card that starts it; with a hundredth of a GiB less it does not",
        terms=tuple(term for term in terms if term.value),
    )


def _elsewhere(here: Start, there: Start) -> str:
    """What a term of another card is called where it is another than here."""
    limits, sizes = there.limits, (here.limits.seqs, here.limits.batch)
    if sizes == (limits.seqs, limits.batch):
        return " there"
    return f" with {limits.seqs} sequences and {limits.batch} tokens a step"


def _held(budget: Budget, sign: float, elsewhere: tuple[Budget, str] | None = None) -> tuple[Term, ...]:
    """What is no KV cache, inside of what vLLM may use.

    Args:
        elsewhere: the budget of the card at hand, and what a term is called that is another there.
    """
    terms = []
    for label, of in _INSIDE.items():
        size = of(budget)
        another = elsewhere is not None and of(elsewhere[0]) != size
        terms.append(_term(label + (elsewhere[1] if elsewhere and another else ""), sign * size))
    return tuple(terms)


def _term(label: str, size: float, note: str = "") -> Term:
    return Term(label, size / GIB, "GiB", Source.COMPUTED, note)


def _parts(parts: tuple[Part, ...]) -> tuple[Term, ...]:
    return tuple(_term(label, size, note) for label, size, note in parts if size)


def _weights(start: Start, budget: Budget) -> Fact[float]:
    terms = list(budget.weights.terms)
    if budget.adapters:
        terms.append(_term("LoRA slots", budget.adapters, "--max-loras x --max-lora-rank (vllm lora/layers)"))
    offloaded = budget.weights.total + budget.adapters - budget.weights_bytes
    if offloaded >= 1:
        terms.append(_term("offloaded", -offloaded, "--cpu-offload-gb, as far as there are weights"))
    return _gib(budget.weights_bytes, tuple(terms), start.model.source)


def _graphs(start: Start, budget: Budget) -> Fact[float]:
    """What capture takes at most and at least, and when it does."""
    terms = _parts(overheads.graph_parts(start, estimate=False))
    found = _gib(budget.graphs, terms, note=_when(start, budget))
    if budget.graphs_least == budget.graphs:
        return found
    return msgspec.structs.replace(found, low=budget.graphs_least / GIB, high=budget.graphs / GIB)


def _when(start: Start, budget: Budget) -> str:
    if not budget.graphs:
        return f"no graphs are captured: {start.switches.cuda_graphs.why}".rstrip(": ")
    since = "0.26 on ROCm" if rocm.on_rocm(start.gpu) else "0.20"
    if not budget.graphs_deducted:
        if start.runner_v2:
            since = "0.29 with Model Runner V2"
        left = "they lie in what --gpu-memory-utilization leaves of the card"
        return f"captured after the KV cache is cut: before vLLM {since} nothing is kept for them, {left}"
    return (
        f"captured after the KV cache is cut; vLLM takes {budget.graphs_deducted / GIB:.2f} GiB, "
        f"its estimate of them, from the cache before (since {since})"
    )


def _requested(budget: Budget, limits: StartLimits) -> Fact[float]:
    if budget.requested is None or budget.total is None:
        return unknown(NO_TOTAL, unit="GiB")
    return _gib(budget.requested, note=f"{limits.utilization:g} x {budget.total / GIB:.2f} GiB, rounded up")


def _available(start: Start, budget: Budget) -> Fact[float]:
    if budget.available is None or budget.requested is None:
        return unknown(NO_TOTAL, unit="GiB")
    args = start.args
    if args.num_gpu_blocks_override and budget.plan is not None:
        note = f"{args.num_gpu_blocks_override:,} x {budget.plan.block_bytes:,} B"
        return _gib(budget.available, (_term("--num-gpu-blocks-override", budget.available, note),))
    if args.kv_cache_memory_bytes:
        return _gib(budget.available, (_term("--kv-cache-memory-bytes", budget.available, "as given"),))
    note = _requested(budget, start.limits).note
    terms = (_term("what vLLM may use", budget.requested, note), *_held(budget, -1.0))
    left = _LEFT.format(share=start.limits.utilization * 100)
    return _gib(budget.available, tuple(term for term in terms if term.value), note=left)


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
            "pages of its largest group of layers",
        ),
        Term("tokens of a block", float(plan.block), "", Source.COMPUTED),
        Term(
            "groups",
            float(len(plan.groups)),
            "",
            Source.COMPUTED,
            f"{layers} layers",
        ),
    )
    return Fact(
        value=tokens,
        source=Source.COMPUTED,
        note="in whole blocks, as vLLM cuts the cache (vllm v1/core/kv_cache_utils.py)",
        terms=terms,
    )


def _concurrency(budget: Budget, blocks: int | None, context: int) -> Fact[float]:
    if budget.plan is None or not blocks:
        return unknown(_none(budget).note)
    return Fact(
        value=budget.plan.concurrency(blocks, context), source=Source.COMPUTED, note=f"of {context} tokens"
    )


def _none(budget: Budget) -> Fact[int]:
    if budget.plan is None:
        return unknown(NO_CACHE)
    return unknown(NO_TOTAL if budget.available is None else "no block fits")


def _longest(start: Start, budget: Budget, judged: Judged) -> Fact[int]:
    """The longest context of which the verdict is `starts`; 0 where none is."""
    if budget.plan is None or budget.available is None:
        return _none(budget)
    longest = longest_context(start, budget)
    if longest is None:
        return unknown("no bound: neither the model nor its cache has one")
    note = "the longest --max-model-len that starts"
    return Fact(value=longest, source=Source.COMPUTED, note=note if longest else f"none: {judged.why}")


def _headroom_fact(start: Start, budget: Budget) -> Fact[float]:
    value = headroom_of(budget)
    if value is None or budget.total is None or budget.available is None:
        return unknown(NO_TOTAL, unit="GiB")
    terms = (
        _term("the card", budget.total),
        _term("in use before vLLM measures", -budget.start, _CONTEXTS[rocm.on_rocm(start.gpu)]),
        _term("weights", -budget.weights_bytes),
        _term("outside PyTorch", -budget.non_torch),
        _term("left for the KV cache", -max(0.0, budget.available), "taken whole"),
        _term("CUDA graphs", -budget.graphs),
        _term("idle after weights were re-laid", -budget.weights.relaid),
        _term("tables of requests", -budget.peak.tables, "Model Runner V2's"),
        _term("the sampler's warm-up", -budget.peak.warmup, "its run and what stays, as while profiling"),
        _term("more than is computed", budget.proven, "at the least: such a start served"),
    )
    note = "for the sampler's warm-up, after KV cache and CUDA graphs; not checked by vLLM"
    return _gib(value, tuple(term for term in terms if term.value), note=note)


def _notes(start: Start, of_tokens: str) -> tuple[str, ...]:
    model, profile, gpu = start.model, start.profile, start.gpu
    notes = list(model.notes)
    if profile.newer:
        notes.append(f"{newer_note(profile.newer)}, the figures are bounds")
    elif not profile.known:
        notes.append(f"the vLLM version is not known; {profile.label.rstrip('?')} is assumed")
    if runs_other_code(gpu):
        notes.append(f"{other_code(gpu)}; what no source tells is CUDA's, with bounds")
    if not gpu.free_gib.known:
        notes.append("the card is taken to be idle when vLLM starts")
    return (*notes, of_tokens) if of_tokens else tuple(notes)


def _gib(
    value: float, terms: tuple[Term, ...] = (), source: Source = Source.COMPUTED, note: str = ""
) -> Fact[float]:
    return Fact(value=value / GIB, source=source, unit="GiB", terms=terms, note=note)
