"""The weights of a model as vLLM lays them out on one GPU: fused, split by tensor and expert parallelism.

A split layer is `vllm model_executor/layers/linear.py`'s: QKV and gate/up are one matrix each, KV heads are
repeated when there are fewer than GPUs, vocabularies are padded to 64.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from modelcar_tui.core.rounding import round_up
from modelcar_tui.models.compressed import compressed_attention
from modelcar_tui.models.details import LayerInputs, Own
from modelcar_tui.models.shape import Shape
from modelcar_tui.models.shared_blocks import SharedBlocks, shared_block, use_of_block
from modelcar_tui.models.states import StateLayer
from modelcar_tui.models.weights.attention import attention, latent_attention
from modelcar_tui.models.weights.feeds import experts as expert_weights
from modelcar_tui.models.weights.feeds import mlp
from modelcar_tui.models.weights.mixers import mixer
from modelcar_tui.models.weights.weight import FLOAT32, Weight

__all__ = ["Weight"]

VOCAB_PADDING = 64
NEWEST_LAYOUT = (99,)
"""A release later than any that changed a layout."""
STORED = (0,)
"""As a checkpoint stores it: earlier than any that left something out."""


def layer_weights(
    shape: Shape,
    kind: str,
    *,
    experts: bool,
    tp: int,
    ep: int,
    spread: int = 0,
    release: tuple[int, ...] = NEWEST_LAYOUT,
) -> Iterator[Weight]:
    """The weights of one decoder layer. `ep` is 1 without expert parallelism, else the GPUs it spans.

    Without it each expert is cut over `spread` GPUs: those of tensor and data parallelism together.
    """
    made = _layer(shape, kind, experts=experts, tp=tp, ep=ep, spread=spread, release=release)
    yield from _bare(made, tp) if STORED < release < shape.family.bare_before else made


def _bare(weights: Iterator[Weight], tp: int) -> Iterator[Weight]:
    """Without quantization, and the MLP's first matrix whole (vllm models/modernbert.py before 0.29)."""
    for weight in weights:
        whole = tp if weight.label == "gate_up_proj" else 1
        yield replace(weight, role="plain", out=weight.out * whole)


def _layer(
    shape: Shape, kind: str, *, experts: bool, tp: int, ep: int, spread: int, release: tuple[int, ...]
) -> Iterator[Weight]:
    if shape.reuses:
        return
    if shape.shared is not None and shape.state is not None:
        yield from _shared_layer(shape, shape.shared, shape.state, kind, tp)
        return
    yield from _mixer(shape, kind, tp, release)
    if shape.family.parallel and kind != "state" and shape.state is not None:
        yield from mixer(shape.state, shape.hidden, tp)
    yield from _streams(shape)
    if shape.inputs is not None:
        yield from _layer_inputs(shape, shape.inputs, tp)
    if experts and shape.moe is not None:
        yield from expert_weights(shape, shape.moe, tp, ep, spread or tp, release)
        if shape.family.mlp_beside_experts:
            yield from mlp(shape, shape.moe.dense_inter, tp)
    elif not _mixer_only(shape, kind):
        inter = shape.moe.dense_inter if shape.moe else shape.inter
        if inter:
            yield from mlp(shape, inter, tp)
    yield Weight("norms", shape.family.norms * shape.hidden, 1, 1, "plain")


def distinct_layers(shape: Shape, first: int, last: int) -> Iterator[tuple[Shape, str, bool, int]]:
    """The layers `first` to before `last` by kind: the shape that holds for it, its kind, experts, how
    many."""
    span = slice(first, last)
    alike: list[tuple[()]] = [()] * len(shape.kinds[span])
    layers = zip(
        shape.kinds[span],
        shape.experts_at[span],
        shape.varied[span] or alike,
        shape.own[span] or alike,
        strict=True,
    )
    for (kind, experts, varied, own), count in Counter(layers).items():
        yield _own(shape, varied, own), kind, experts, count


def _own(shape: Shape, varied: tuple[int, ...], own: Own) -> Shape:
    """The shape of one layer with what it has of its own."""
    changes = dict(own)
    if varied:
        kv_heads, changes["inter"] = varied
        changes["kv_heads"] = kv_heads or shape.kv_heads
    return msgspec.structs.replace(shape, varied=(), own=(), **changes) if changes else shape


def loose_elements(shape: Shape, tp: int) -> float:
    """Weights outside the layers and the token embedding, on the first pipeline rank's GPU."""
    inputs, streams = shape.inputs, shape.streams
    if streams is not None:
        rows = 2 * streams.rank if streams.rank else 2 * streams.count  # these in 32 bits
        return float(shape.loose + (rows + 1) * streams.count * shape.hidden)
    if shape.shared is not None:
        block = sum(weight.elements for weight in shared_block(shape.shared, shape.hidden, tp))
        return float(shape.loose + shape.shared.blocks * block)
    if inputs is None:
        return float(shape.loose)
    tables = inputs.width * shape.layers * (padded_vocab(inputs.vocab, tp) + shape.hidden) / tp
    return shape.loose + tables + 2 * max(0, inputs.residuals - 1) * shape.hidden**2 / tp


def embedding_weight(shape: Shape, tp: int) -> Weight:
    """The token embedding; Whisper's is whole (vllm models/whisper.py WhisperDecoder)."""
    if shape.family.speech:
        return Weight("embedding", shape.vocab, shape.hidden, 1, "embedding")
    tp = 1 if shape.family.whole_embedding else tp
    return Weight("embedding", padded_vocab(shape.vocab, tp) // tp, shape.hidden, 1, "embedding")


def head_weight(shape: Shape, tp: int) -> Weight:
    """The output matrix; the same bytes as the embedding when they are tied."""
    return Weight("lm_head", padded_vocab(shape.vocab, tp) // tp, shape.hidden, 1, "head")


def encoder_layer_weights(shape: Shape, tp: int) -> Iterator[Weight]:
    """One layer of Whisper's encoder."""
    yield from _mixer(shape, "full", tp)
    yield from mlp(shape, shape.inter, tp)
    yield Weight("norms", 4 * shape.hidden, 1, 1, "plain")


def cross_attention_weights(shape: Shape, tp: int) -> Iterator[Weight]:
    """The cross attention of one decoder layer."""
    yield from _mixer(shape, "full", tp)


def padded_vocab(vocab: int, tp: int) -> int:
    """Rows of the embedding: a multiple of 64 that the GPUs can share."""
    rows = round_up(vocab, VOCAB_PADDING)
    return round_up(rows, tp)


def true_count(shape: Shape) -> int:
    """Weights of the text model as the checkpoint counts them (no padding, tied embeddings once)."""
    total = (
        shape.vocab * shape.hidden * (1 if shape.tied else 2) + shape.hidden + int(loose_elements(shape, 1))
    )
    total += sum(part.elements for part in shape.ends)
    for one, kind, experts, count in distinct_layers(shape, 0, shape.layers):
        weights = layer_weights(one, kind, experts=experts, tp=1, ep=1, release=STORED)
        total += count * sum(weight.elements for weight in weights if weight.label != "absorbed kv_b")
    if shape.encoder_layers:
        total += shape.encoder_layers * sum(weight.elements for weight in encoder_layer_weights(shape, 1))
        total += shape.layers * sum(weight.elements for weight in cross_attention_weights(shape, 1))
    return total


def _mixer(shape: Shape, kind: str, tp: int, release: tuple[int, ...] = NEWEST_LAYOUT) -> Iterator[Weight]:
    if kind == "none":
        return
    if shape.compressed is not None:
        yield from compressed_attention(shape.compressed, shape.hidden, shape.heads, shape.head_dim, tp)
    elif kind == "mla" and shape.mla is not None:
        yield from latent_attention(shape, tp, release)
    elif kind == "state" and shape.state is not None:
        yield from mixer(shape.state, shape.hidden, tp)
    else:
        yield from attention(shape, kind, tp, release)


def _layer_inputs(shape: Shape, inputs: LayerInputs, tp: int) -> Iterator[Weight]:
    """Gates of the embeddings per layer, whole on every GPU, and Gemma 3n's mixed residuals.

    Sources: vllm models/gemma4.py, gemma3n.py.
    """
    yield Weight("per-layer gates", inputs.width, shape.hidden, 2, "linear")
    if inputs.laurel:
        yield Weight("laurel", max(1, inputs.laurel // tp), shape.hidden, 2, "linear")
    if inputs.residuals:
        yield Weight("mixed residuals' router", inputs.residuals + 4, shape.hidden, 1, "plain")


def _streams(shape: Shape) -> Iterator[Weight]:
    """Hyper-connections, of the attention and of the MLP, and the table of a layer that hashes its tokens."""
    streams = shape.streams
    if streams is not None:
        width = 0 if streams.rank else FLOAT32
        wide = streams.count * shape.hidden
        yield Weight("mixed streams", streams.rows, wide, 2, "plain", width=width)
        if streams.rank:
            yield Weight("mixed streams' return", wide, streams.rank, 2, "plain")
            yield Weight("mixed streams' norms", 2 * wide, 1, 1, "plain")
    if shape.compressed is not None and shape.compressed.hashed and shape.moe is not None:
        yield Weight("experts by token", shape.vocab, shape.moe.top_k, 1, "plain", width=FLOAT32)


def _shared_layer(
    shape: Shape, shared: SharedBlocks, state: StateLayer, kind: str, tp: int
) -> Iterator[Weight]:
    """Each of Zamba 2's layers has a mixer; those with attention use a block besides."""
    yield from mixer(state, shape.hidden, tp)
    if kind != "state":
        yield from use_of_block(shared, shape.hidden, tp)
    yield Weight("norms", shape.hidden, 1, 1, "plain")


def _mixer_only(shape: Shape, kind: str) -> bool:
    """Nemotron-H's layers hold either a mixer or an MLP; pure Mamba's only a mixer."""
    if shape.family.one_part_layers:
        return kind != "none"
    return set(shape.kinds) == {"state"}
