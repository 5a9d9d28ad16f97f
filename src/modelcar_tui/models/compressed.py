"""DeepSeek V4's attention over compressed keys, and its layers' mixed streams (vllm models/deepseek_v4)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from modelcar_tui.models.config import Reader
from modelcar_tui.models.weights.weight import FLOAT32, Weight

OVERLAPPING_RATIO = 4
"""Keys of this ratio overlap, and are searched by an indexer."""

SHARED_EXPERT_BLOCKS_SINCE = (0, 24)
"""vLLM's release from which on a GPU's part of the shared expert is rounded up to whole quantization blocks
(DeepseekV4MLP)."""


class CompressedAttention(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of the attention; `ratio` is that of one layer."""

    q_rank: int
    groups: int
    rank: int
    """Of the two-part output, in each of `groups`."""
    index_heads: int
    index_dim: int
    ratios: tuple[int, ...]
    """Keys that one of a layer stands for; 0 or 1: the layer has its window alone."""
    window: int
    chosen: int
    """Entries that a query attends to."""
    ratio: int = 0
    hashed: bool = False
    """The layer looks its experts up by the token."""


def compressed_of(read: Reader, layers: int) -> CompressedAttention | None:
    """The compressed attention that config.json describes; None for other models."""
    rank, groups = read.integer("o_lora_rank", high=2**14), read.integer("o_groups", high=2**10)
    q_rank, window = read.integer("q_lora_rank", high=2**14), read.integer("sliding_window", high=2**20)
    told = read.listing("compress_ratios")
    if rank is None or groups is None or q_rank is None or window is None or not told:
        return None
    ratios = tuple(ratio if isinstance(ratio, int) and 0 <= ratio <= 2**12 else 0 for ratio in told[:layers])
    return CompressedAttention(
        q_rank=q_rank,
        groups=groups,
        rank=rank,
        index_heads=read.integer("index_n_heads", high=2**10) or 64,
        index_dim=read.integer("index_head_dim", high=2**12) or 128,
        ratios=ratios + (0,) * (layers - len(ratios)),
        window=window,
        chosen=read.integer("index_topk", high=2**16) or 0,
    )


def compressed_layers(
    read: Reader, found: CompressedAttention | None
) -> tuple[CompressedAttention | None, ...]:
    """That of each layer; empty where there is none."""
    if found is None:
        return ()
    hashed = read.integer("num_hash_layers", low=0, high=len(found.ratios)) or 0
    return tuple(
        msgspec.structs.replace(found, ratio=ratio, hashed=index < hashed, ratios=())
        for index, ratio in enumerate(found.ratios)
    )


def compressed_attention(
    own: CompressedAttention, hidden: int, heads: int, dim: int, tp: int
) -> Iterator[Weight]:
    """The weights of one layer's attention with `heads` heads in all, each `dim` wide."""
    yield Weight("q_a and kv_a", own.q_rank + dim, hidden, 1, "attention")
    yield Weight("q_b_proj", heads * dim // tp, own.q_rank, 1, "attention")
    yield Weight("o_a_proj", own.groups * own.rank // tp, heads * dim // own.groups, 1, "attention")
    yield Weight("o_b_proj", hidden, own.groups * own.rank // tp, 1, "attention")
    yield Weight("attention's norms", own.q_rank + dim, 1, 1, "plain")
    if own.ratio > 1:
        yield from _compressor(own, hidden, dim)
    if own.ratio == OVERLAPPING_RATIO:
        yield Weight("indexer's q_b", own.index_heads * own.index_dim, own.q_rank, 1, "attention")
        yield Weight("indexer's weights", own.index_heads, hidden, 1, "plain")
        yield from _compressor(own, hidden, own.index_dim)


def _compressor(own: CompressedAttention, hidden: int, dim: int) -> Iterator[Weight]:
    width = dim * (2 if own.ratio == OVERLAPPING_RATIO else 1)
    yield Weight("compressor", 2 * width, hidden, 1, "plain")
    yield Weight("compressor's positions", own.ratio, width, 1, "plain", width=FLOAT32)
