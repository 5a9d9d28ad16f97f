"""The weights of attention on one GPU, plain and latent.

Q, K and V are one matrix, and KV heads are repeated when there are fewer than GPUs (vLLM's
model_executor/layers/linear.py QKVParallelLinear).
"""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.core.rounding import ceil_div
from modelcar_tui.models.shape import Shape
from modelcar_tui.models.weights.weight import Weight

_ONE_PROJECTION = (0, 20)
"""From here on the indexer's key and weights are one unquantized matrix (wk_weights_proj)."""
_QUERIES_ALONE = (0, 30)
"""From here on a layer that reuses another's keys and values has no matrix for them."""


def attention(shape: Shape, kind: str, tp: int, release: tuple[int, ...]) -> Iterator[Weight]:
    """The weights of one layer's attention of the kind `full`, `sliding` or `chunked`."""
    hidden, heads = shape.hidden, max(1, shape.heads // tp)
    whole, head_dim, v_head_dim = shape.kv_of(kind)
    kv_heads = max(1, whole // tp)
    queries = heads * head_dim
    out = queries * (2 if shape.family.gate == "query" else 1)
    if not shape.shares_kv or release < _QUERIES_ALONE:
        out += kv_heads * (head_dim + v_head_dim)
    out += _indexed(shape.sparse, tp) + heads * shape.relation
    if shape.relation:
        yield Weight("relations", shape.relation, 1024, 1, "plain")
    if shape.query_rank:
        yield Weight("q_b_proj", queries, shape.query_rank, 1, "attention")
        out += shape.query_rank - queries
    yield Weight("qkv_proj", out, hidden, 1, "attention")
    yield Weight("o_proj", hidden, heads * v_head_dim, 1, "attention")
    if shape.value_experts:
        values = (shape.value_experts - 1) * kv_heads * v_head_dim + shape.value_experts
        yield Weight("values' experts", values, hidden, 1, "attention")
    gates = {"channel": heads * v_head_dim, "head": heads}.get(shape.gate, 0)
    if gates:
        yield Weight("attention gate", gates, hidden, 1, "attention")
    if shape.qkv_bias:
        yield Weight("qkv bias", out + (hidden if shape.family.biased else 0), 1, 1, "plain")
    if shape.family.short_convolutions:
        yield Weight("short convolutions", ceil_div(2 * hidden, tp) + 2 * kv_heads * head_dim, 4, 1, "plain")
    if shape.family.wide_qk_norm:
        yield Weight("q and k norm", (heads + kv_heads) * head_dim, 1, 1, "plain")
    if shape.family.qk_norm:
        yield Weight("q and k norm", 2 * head_dim, 1, 1, "plain")


def _indexed(sparse: tuple[int, int], tp: int) -> int:
    """Rows of an indexer's queries, a part of them on each GPU, and of its one key."""
    heads, dim = sparse
    return (ceil_div(heads, tp) + 1) * dim if heads else 0


def latent_attention(shape: Shape, tp: int, release: tuple[int, ...]) -> Iterator[Weight]:
    """The weights of one layer of multi-head latent attention (vllm models/deepseek_v2.py)."""
    mla = shape.mla
    assert mla is not None  # noqa: S101  # the caller looked
    heads, hidden = max(1, shape.heads // tp), shape.hidden
    key = mla.nope + mla.rope
    if mla.q_rank:
        yield Weight("q_a and kv_a", mla.q_rank + mla.kv_rank + mla.rope, hidden, 1, "attention")
        yield Weight("q_b_proj", heads * key, mla.q_rank, 1, "attention")
    else:
        yield Weight("q_proj", heads * key, hidden, 1, "attention")
        yield Weight("kv_a_proj", mla.kv_rank + mla.rope, hidden, 1, "attention")
    yield Weight("kv_b_proj", heads * (mla.nope + mla.value), mla.kv_rank, 1, "attention")
    # Kept a second time, unquantized, as W_UK and W_UV (vllm
    # model_executor/layers/attention/mla_attention.py).
    if mla.latent:
        yield Weight("absorbed kv_b", heads * (mla.nope + mla.value), mla.kv_rank, 1, "plain")
    yield Weight("o_proj", hidden, heads * mla.value, 1, "attention")
    yield Weight("latents' norms", mla.q_rank + mla.kv_rank, 1, 1, "plain")
    if shape.gate == "channel":
        yield Weight("attention gate", heads * mla.value, hidden, 1, "attention")
    if shape.indexer is not None:
        keys = shape.indexer
        yield Weight("indexer's q_b", keys.heads * keys.dim, mla.q_rank or hidden, 1, "attention")
        role = "attention" if release < _ONE_PROJECTION else "plain"
        yield Weight("indexer's k", keys.dim, hidden, 1, role)
        yield Weight("indexer's weights", keys.heads, hidden, 1, "plain")
