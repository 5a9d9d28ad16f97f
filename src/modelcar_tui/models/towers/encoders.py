"""The layers of encoders, by what their attention and MLP are made of."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from modelcar_tui.models.towers.pieces import (
    Piece,
    buffer,
    column,
    dense,
    replicated,
    row,
    vector,
)


class Blocks(msgspec.Struct, frozen=True, kw_only=True):
    """Equal transformer layers of an encoder."""

    hidden: int
    inter: int
    heads: int
    count: int
    head_dim: int = 0
    """0: the width shared by the heads."""
    kv_heads: int = 0
    """0: as many as heads."""
    gated: bool = False
    rms: bool = False
    """Norms have no bias."""
    qkv_bias: bool = True
    key_bias: bool = True
    """Of the separate key layer, where attention is PyTorch's."""
    out_bias: bool = True
    mlp_bias: bool = True
    qk_norm: int = 0
    """Numbers in the norms of queries and keys of one layer."""
    norms: int = 2
    scales: int = 0
    """Vectors of the width that scale a branch."""
    whole_attention: bool = False
    """PyTorch's own linear layers, whole on every GPU."""
    whole_mlp: bool = False
    vllm_layers: bool = True
    """Whole layers are vLLM's replicated ones, which a checkpoint may quantize."""

    @property
    def dim(self) -> int:
        """Of one head."""
        return self.head_dim or self.hidden // max(1, self.heads)

    @property
    def mlp_rows(self) -> int:
        """Outputs of the MLP's first layer."""
        return self.inter * (2 if self.gated else 1)


def blocks(it: Blocks) -> Iterator[Piece]:
    """Everything in the layers."""
    yield from attention(it)
    yield from besides_attention(it)


def besides_attention(it: Blocks) -> Iterator[Piece]:
    """MLPs, norms, scales."""
    if it.count <= 0:
        return
    yield from _mlp(it)
    yield Piece(it.norms * it.hidden * (1 if it.rms else 2), 1, it.count)
    if it.qk_norm:
        yield vector(it.qk_norm, it.count)
    if it.scales:
        yield vector(it.scales * it.hidden, it.count)


def attention(it: Blocks) -> Iterator[Piece]:
    """Queries, keys, values and what leads out of them."""
    if it.count <= 0:
        return
    kv_heads = it.kv_heads or it.heads
    out, inner = it.heads * it.dim, kv_heads * it.dim
    if it.whole_attention:
        one = replicated if it.vllm_layers else dense
        yield from one(out + 2 * inner, it.hidden, it.count, bias=False)
        biases = out + inner * (2 if it.key_bias else 1)
        if it.qkv_bias:
            yield vector(biases, it.count)
        yield from one(it.hidden, out, it.count, bias=it.out_bias)
        return
    yield from column(out + 2 * inner, it.hidden, it.count, bias=it.qkv_bias, units=it.heads)
    yield from row(it.hidden, out, it.count, bias=it.out_bias)


def _mlp(it: Blocks) -> Iterator[Piece]:
    if not it.inter:
        return
    if it.whole_mlp:
        one = replicated if it.vllm_layers else dense
        yield from one(it.mlp_rows, it.hidden, it.count, bias=it.mlp_bias)
        yield from one(it.hidden, it.inter, it.count, bias=it.mlp_bias)
        return
    yield from column(it.mlp_rows, it.hidden, it.count, bias=it.mlp_bias, units=it.inter)
    yield from row(it.hidden, it.inter, it.count, bias=it.mlp_bias)


def rope_cache(head_dim: int, *, positions: int = 8192) -> Iterator[Piece]:
    """Sines and cosines of half of each head (vllm layers/rotary_embedding/base.py), in the model's dtype."""
    yield buffer(positions, head_dim // 2, width=0)


def position_ids(count: int) -> Piece:
    """Numbers of the positions, kept as a buffer of 64-bit integers."""
    return buffer(count, width=8)
