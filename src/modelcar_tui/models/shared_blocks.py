"""Zamba 2's transformer blocks that several of its mixers share (vllm models/zamba2.py)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from modelcar_tui.models.config import Reader
from modelcar_tui.models.families import Family
from modelcar_tui.models.weights.weight import Weight


class SharedBlocks(msgspec.Struct, frozen=True, kw_only=True):
    """The blocks, and what each layer that uses one has of its own."""

    blocks: int
    rank: int
    """Of the adapters."""
    inter: int
    attention: int
    """Width of the attention, which sees the hidden state and the embedding side by side."""
    adapted: bool
    """Q, K and V have adapters, too."""


def shared_blocks_of(
    read: Reader, family: Family, heads: int, head_dim: int, inter: int
) -> SharedBlocks | None:
    """The blocks that config.json describes; None for other models."""
    if not family.shared_blocks:
        return None
    return SharedBlocks(
        blocks=read.integer("num_mem_blocks", high=256) or 1,
        rank=read.integer("adapter_rank", high=2**14) or 128,
        inter=inter,
        attention=heads * head_dim,
        adapted=bool(read.flag("use_shared_attention_adapter")),
    )


def shared_block(shared: SharedBlocks, hidden: int, tp: int) -> Iterator[Weight]:
    """The weights of one block on one GPU."""
    part = shared.attention // tp
    yield Weight("qkv_proj", 3 * part, 2 * hidden, 1, "attention")
    yield Weight("o_proj", hidden, part, 1, "attention")
    yield Weight("gate_up_proj", 2 * shared.inter // tp, hidden)
    yield Weight("down_proj", hidden, shared.inter // tp)
    yield Weight("norms", 3 * hidden, 1, 1, "plain")


def use_of_block(shared: SharedBlocks, hidden: int, tp: int) -> Iterator[Weight]:
    """What a layer that uses a block has beside its mixer: a projection, whole on each GPU, and adapters."""
    rank = max(1, shared.rank // tp)
    yield Weight("shared block's output", hidden, hidden)
    yield Weight("adapter down", rank, hidden)
    yield Weight("adapter up", 2 * shared.inter // tp, shared.rank)
    if shared.adapted:
        yield Weight("attention's adapters down", rank, 2 * hidden, 3)
        yield Weight("attention's adapters up", shared.attention // tp, shared.rank, 3)
