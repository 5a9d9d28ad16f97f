"""What the KV cache's figures are made of: bytes of a token, states of a request, and what the log's tokens
mean."""

from __future__ import annotations

from modelcar_tui.core.facts import GIB, Fact, Source, Term, unknown
from modelcar_tui.memory.kv.plan import Plan
from modelcar_tui.memory.kv.widths import number_bytes
from modelcar_tui.memory.start import Start

NO_CACHE = "this model keeps no KV cache"
_SHORT = 8
"""The shorter request that the log's tokens are held against is so many times shorter."""


def per_token(start: Start, plan: Plan | None) -> Fact[float]:
    """Bytes of one more token of context in all layers of one GPU that keep every token."""
    if plan is None:
        return unknown(NO_CACHE, unit="B")
    layers = sum(group.layers for group in plan.groups if group.spec.keeps_all)
    terms = [*_attention(start, layers), *_indexer(start, layers)] if layers else []
    rest = plan.bytes_per_token - sum(term.value for term in terms)
    if abs(rest) >= 0.5:
        terms.append(_bytes("scales and padding of pages", rest, "what its blocks take beyond the numbers"))
    note = "vllm v1/kv_cache_interface.py" if layers else "no layer keeps every token"
    return Fact(value=plan.bytes_per_token, source=Source.COMPUTED, unit="B", note=note, terms=tuple(terms))


def _attention(start: Start, layers: int) -> tuple[Term, ...]:
    shape, tp = start.model.shape, start.args.tp
    width = number_bytes(start.args.kv_cache_dtype, start.model)
    mla = shape.mla if "mla" in shape.kinds else None
    if mla is not None and mla.latent and start.profile.latent_cache:
        latent = mla.kv_rank + mla.rope
        note = f"{latent} x {width:g} B x {layers} layers, whole on every GPU"
        return (_bytes("latent vectors", latent * width * layers, note),)
    if mla is not None:
        return ()
    whole, key, value = shape.kv_of("full")
    heads = max(1, whole // tp)
    own = [max(1, each // tp) for each, _ in shape.varied if each]
    if own:
        note = f"{sum(own):,} KV heads of {len(own)} layers x ({key} + {value}) x {width:g} B"
        return (_bytes("keys and values", sum(own) * (key + value) * width, note),)
    each_head = f"2 x {heads} heads x {key}" if key == value else f"{heads} heads x ({key} + {value})"
    note = f"{each_head} x {width:g} B x {layers} layers"
    return (_bytes("keys and values", heads * (key + value) * width * layers, note),)


def _indexer(start: Start, layers: int) -> tuple[Term, ...]:
    indexer = start.model.shape.indexer
    if indexer is None:
        return ()
    holders = layers * indexer.share
    note = f"{indexer.token_bytes} B x {holders:g} layers (vllm models/deepseek_v2.py Indexer)"
    return (_bytes("the indexer's keys", indexer.token_bytes * holders, note),)


def states_of_a_request(plan: Plan | None, context: int) -> Fact[float]:
    """Bytes of states that one request holds on one GPU, whatever its length."""
    held = [] if plan is None else [one for one in plan.held(context) if one.kind == "state"]
    if plan is None or not held:
        return unknown("no layer of this model keeps a state" if plan else NO_CACHE, unit="B")
    terms = tuple(
        _bytes(
            f"states of {one.layers} layers",
            one.bytes,
            f"pages a request: {one.pages}, x {one.page:,} B of one (it holds a state) x {one.layers} layers",
        )
        for one in held
    )
    return Fact(value=sum(term.value for term in terms), source=Source.COMPUTED, unit="B", terms=terms)


def tokens_explained(start: Start, plan: Plan, blocks: int, context: int) -> str:
    """How the log's tokens and the requests that fit go together, where not all layers keep every token;
    empty where the tokens are what they say."""
    fixed = sum(one.bytes for one in plan.held(context) if one.kind == "state")
    if all(group.spec.keeps_all for group in plan.groups):
        return ""
    as_concurrency = start.profile.tokens_are_concurrency
    tokens, requests = (
        plan.tokens(blocks, context, as_concurrency=as_concurrency),
        plan.concurrency(blocks, context),
    )
    lead = f"the {tokens:,} tokens that vLLM logs are no capacity"
    fit = f"{requests:,.1f} requests of {context:,} tokens fit at once"
    if not as_concurrency:
        counted = f"they count each of {len(plan.groups)} groups of layers as if it kept every token"
        return f"{lead}: {counted}, and not all do; {fit}"
    short = max(1, context // _SHORT)
    held = f"a request holds {fixed / GIB:.3f} GiB of states whatever its length" if fixed else ""
    kept = held or "layers with a window keep no more of a longer request"
    return f"{lead}: {kept}; {fit}, and {plan.concurrency(blocks, short):,.1f} of {short:,}"


def _bytes(label: str, size: float, note: str) -> Term:
    return Term(label, size, "B", Source.COMPUTED, note)
