"""The weights of a model as vLLM lays them out on one GPU: fused, split by tensor and expert parallelism.

A split layer is `vllm model_executor/layers/linear.py`'s: QKV and gate/up are one matrix each, KV heads are
repeated when there are fewer than GPUs, vocabularies are padded to 64.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from modelcar_tui.models.details import LayerInputs
from modelcar_tui.models.shape import Shape

VOCAB_PADDING = 64


class Weight(msgspec.Struct, frozen=True):
    """`count` equal matrices `out x inner` on one GPU (`inner` 1: a vector)."""

    label: str
    out: int
    inner: int
    count: int = 1
    role: str = "linear"
    """`linear`, `attention`, `expert`, `embedding`, `head`, or `plain` (never quantized)."""
    unit: int = 0
    """Rows of one expert, which kernels pad."""

    @property
    def elements(self) -> int:
        """Weights in all of them."""
        return self.out * self.inner * self.count


def layer(shape: Shape, kind: str, *, experts: bool, tp: int, ep: int, spread: int = 0) -> Iterator[Weight]:
    """The weights of one decoder layer. `ep` is 1 without expert parallelism, else the GPUs it spans.

    Without it each expert is cut over `spread` GPUs: those of tensor and data parallelism together.
    """
    yield from _mixer(shape, kind, tp)
    if shape.family.parallel:
        yield from _state(shape, tp)
    if shape.inputs is not None:
        yield from _layer_inputs(shape, shape.inputs)
    if experts and shape.moe is not None:
        yield from _experts(shape, tp, ep, spread or tp)
        if shape.family.mlp_beside_experts:
            yield from _mlp(shape, shape.moe.dense_inter, tp)
    elif not _mixer_only(shape, kind):
        inter = shape.moe.dense_inter if shape.moe else shape.inter
        if inter:
            yield from _mlp(shape, inter, tp)
    yield Weight("norms", shape.family.norms * shape.hidden, 1, 1, "plain")


def distinct(shape: Shape, first: int, last: int) -> Iterator[tuple[Shape, str, bool, int]]:
    """The layers `first` to before `last` by kind: the shape that holds for it, its kind, experts, how
    many."""
    layers = zip(shape.kinds[first:last], shape.experts_at[first:last], strict=True)
    if not shape.varied:
        for (kind, experts), count in Counter(layers).items():
            yield shape, kind, experts, count
        return
    for (kind, experts, own), count in Counter(
        (*layer_, own) for layer_, own in zip(layers, shape.varied[first:last], strict=True)
    ).items():
        kv_heads, inter = own
        one = msgspec.structs.replace(shape, kv_heads=kv_heads or shape.kv_heads, inter=inter, varied=())
        yield one, kind, experts, count


def loose(shape: Shape, tp: int) -> float:
    """Weights outside the layers and the token embedding, on the first pipeline rank's GPU."""
    inputs = shape.inputs
    if inputs is None:
        return float(shape.loose)
    tables = inputs.width * shape.layers * (padded_vocab(inputs.vocab, tp) + shape.hidden) / tp
    return shape.loose + tables + 2 * max(0, inputs.residuals - 1) * shape.hidden**2


def embedding(shape: Shape, tp: int) -> Weight:
    """The token embedding."""
    return Weight("embedding", padded_vocab(shape.vocab, tp) // tp, shape.hidden, 1, "embedding")


def head(shape: Shape, tp: int) -> Weight:
    """The output matrix; the same bytes as the embedding when they are tied."""
    return Weight("lm_head", padded_vocab(shape.vocab, tp) // tp, shape.hidden, 1, "head")


def encoder_layer(shape: Shape, tp: int) -> Iterator[Weight]:
    """One layer of Whisper's encoder."""
    yield from _mixer(shape, "full", tp)
    yield from _mlp(shape, shape.inter, tp)
    yield Weight("norms", 4 * shape.hidden, 1, 1, "plain")


def cross_attention(shape: Shape, tp: int) -> Iterator[Weight]:
    """The cross attention of one decoder layer."""
    yield from _mixer(shape, "full", tp)


def padded_vocab(vocab: int, tp: int) -> int:
    """Rows of the embedding: a multiple of 64 that the GPUs can share."""
    rows = -(-vocab // VOCAB_PADDING) * VOCAB_PADDING
    return -(-rows // tp) * tp


def true_count(shape: Shape) -> int:
    """Weights of the text model as the checkpoint counts them (no padding, tied embeddings once)."""
    total = shape.vocab * shape.hidden * (1 if shape.tied else 2) + shape.hidden + int(loose(shape, 1))
    for one, kind, experts, count in distinct(shape, 0, shape.layers):
        weights = layer(one, kind, experts=experts, tp=1, ep=1)
        total += count * sum(weight.elements for weight in weights if weight.label != "absorbed kv_b")
    if shape.encoder_layers:
        total += shape.encoder_layers * sum(weight.elements for weight in encoder_layer(shape, 1))
        total += shape.layers * sum(weight.elements for weight in cross_attention(shape, 1))
    return total


def _mixer(shape: Shape, kind: str, tp: int) -> Iterator[Weight]:
    hidden = shape.hidden
    if kind == "none":
        return
    if kind == "mla" and shape.mla is not None:
        yield from _mla(shape, tp)
        return
    if kind == "state" and shape.state is not None:
        yield from _state(shape, tp)
        return
    heads = max(1, shape.heads // tp)
    kv_heads, head_dim, v_head_dim = max(1, shape.kv_heads // tp), shape.head_dim, shape.v_head_dim
    if kind == "full" and shape.wide_head_dim:
        head_dim, v_head_dim = shape.wide_head_dim, shape.wide_v_head_dim
        kv_heads = max(1, (shape.wide_kv_heads or shape.kv_heads) // tp)
    out = heads * head_dim + kv_heads * (head_dim + v_head_dim)
    if shape.family.gated_attention:
        out += heads * head_dim
    yield Weight("qkv_proj", out, hidden, 1, "attention")
    yield Weight("o_proj", hidden, heads * v_head_dim, 1, "attention")
    if shape.qkv_bias:
        yield Weight("qkv bias", out + (hidden if shape.family.biased else 0), 1, 1, "plain")
    if shape.family.qk_norm:
        yield Weight("q and k norm", 2 * shape.head_dim, 1, 1, "plain")


def _mla(shape: Shape, tp: int) -> Iterator[Weight]:
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
    if shape.indexer is not None:
        keys = shape.indexer
        # Averaged over the layers, of which some have none.
        yield Weight(
            "indexer's q_b", int(keys.heads * keys.dim * keys.share), mla.q_rank or hidden, 1, "attention"
        )
        yield Weight("indexer's k", int(keys.dim * keys.share), hidden, 1, "attention")
        yield Weight("indexer's weights", int(keys.heads * keys.share), hidden, 1, "plain")


def _state(shape: Shape, tp: int) -> Iterator[Weight]:
    state, hidden = shape.state, shape.hidden
    if state is None:
        return
    full = 2 * state.inner + state.extra_in
    yield Weight("in_proj", -(-full // tp), hidden, 1, "linear")
    if state.conv_channels:
        yield Weight("conv", max(1, state.conv_channels // tp), state.conv_kernel, 1, "plain")
    part = max(1, state.inner // tp)
    yield Weight("out_proj", hidden, part, 1, "linear")
    if state.kind == "mamba1":
        yield Weight("x_proj", state.steps + 2 * state.state_b, part, 1, "linear")
        yield Weight("dt_proj", part, state.steps, 1, "linear")
        yield Weight("A and D", part, state.state_b + 1, 1, "plain")
    elif state.kind == "kda":
        yield Weight("decay and gate down", 2 * state.steps, hidden, 1, "linear")
        yield Weight("decay and gate up", 2 * part, state.steps, 1, "linear")


def _layer_inputs(shape: Shape, inputs: LayerInputs) -> Iterator[Weight]:
    """Gates of the embeddings per layer, whole on every GPU (vllm models/gemma4.py, gemma3n.py)."""
    yield Weight("per-layer gates", inputs.width, shape.hidden, 2, "linear")
    if inputs.laurel:
        yield Weight("laurel", inputs.laurel, shape.hidden, 2, "linear")


def _mlp(shape: Shape, inter: int, tp: int) -> Iterator[Weight]:
    part = -(-inter // tp)
    yield Weight("gate_up_proj" if shape.gated else "up_proj", part * (2 if shape.gated else 1), shape.hidden)
    yield Weight("down_proj", shape.hidden, part)
    if shape.family.biased:
        yield Weight("MLP bias", shape.hidden + part * (2 if shape.gated else 1), 1, 1, "plain")


def _experts(shape: Shape, tp: int, ep: int, spread: int) -> Iterator[Weight]:
    moe = shape.moe
    if moe is None:
        return
    inter = moe.inter or 0
    count = -(-moe.experts // ep) if ep > 1 else moe.experts
    part = inter if ep > 1 else -(-inter // spread)
    rows = 2 if shape.gated or not shape.family.one_part_layers else 1
    yield Weight("router", moe.experts, shape.hidden, 1, "plain")
    if part:
        yield Weight("experts' gate_up", count * part * rows, moe.width, 1, "expert", part * rows)
        yield Weight("experts' down", count * moe.width, part, 1, "expert", moe.width)
        if moe.width != shape.hidden:
            yield Weight("latent projections", 2 * moe.width, shape.hidden, 1, "plain")
    if moe.shared_inter:
        yield from _mlp(shape, moe.shared_inter, tp)


def _mixer_only(shape: Shape, kind: str) -> bool:
    """Nemotron-H's layers hold either a mixer or an MLP; pure Mamba's only a mixer."""
    if shape.family.one_part_layers:
        return kind != "none"
    return set(shape.kinds) == {"state"}
