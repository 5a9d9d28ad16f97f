"""What single families add to the plain transformer: learned positions, indexers, embeddings per layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelcar_tui.models.config import Reader
from modelcar_tui.models.families import Family


class Indexer(msgspec.Struct, frozen=True, kw_only=True):
    """Sparse attention's own small keys (vllm models/deepseek_v2.py Indexer); nothing of it is split."""

    heads: int
    dim: int
    share: float
    """Of the layers; the others reuse what an earlier one found."""

    @property
    def token_bytes(self) -> int:
        """Of one token in one layer's cache: 8-bit keys and a 32-bit scale for 128 of them."""
        return self.dim + self.dim // 128 * 4


class LayerInputs(msgspec.Struct, frozen=True, kw_only=True):
    """Embeddings for each layer beside the token's own (Gemma 3n, Gemma 4 E)."""

    width: int
    vocab: int
    residuals: int
    """Copies of the hidden state that Gemma 3n mixes (altup); 0 without."""
    laurel: int
    """Rank of Gemma 3n's extra low-rank residual; 0 without."""


def loose_elements(read: Reader, family: Family, hidden: int, whisper: bool) -> int:
    """Weights outside the layers and the vocabulary: learned positions, token types, poolers, a stem."""
    found = 0
    positions = read.integer("max_position_embeddings", "n_positions", high=2**24) or 0
    if whisper:
        decoder = read.integer("max_target_positions", high=2**20) or 448
        encoder = read.integer("max_source_positions", high=2**20) or 1500
        stem = 3 * hidden * ((read.integer("num_mel_bins", high=1024) or 80) + hidden)
        return (decoder + encoder) * hidden + stem
    if family.learned_positions:
        found += (positions + family.spare_positions) * hidden
    if family.pooler:
        found += (read.integer("type_vocab_size", high=1024) or 0) * hidden + hidden * hidden
    return found


def indexer_of(read: Reader, layers: int) -> Indexer | None:
    """The indexer of DeepSeek V3.2 and GLM-5; None for other models."""
    heads, dim = read.integer("index_n_heads", high=2**10), read.integer("index_head_dim", high=2**12)
    if heads is None or dim is None or not read.has("index_topk") or not read.has("kv_lora_rank"):
        return None
    step = read.integer("index_topk_freq", high=2048) or 1
    first = read.integer("index_skip_topk_offset", low=0, high=2048)
    pattern = read.text("index_topk_pattern")[:layers]
    offset = 2 if first is None else first
    own = sum(max(index - offset + 1, 0) % step == 0 for index in range(layers))
    return Indexer(heads=heads, dim=dim, share=(pattern.count("F") if pattern else own) / layers)


def layer_inputs_of(read: Reader, family: Family, vocab: int) -> LayerInputs | None:
    """The embeddings per layer of Gemma 3n and Gemma 4 E models; None for other models."""
    width = read.integer("hidden_size_per_layer_input", high=2**14)
    if width is None:
        return None
    return LayerInputs(
        width=width,
        vocab=read.integer("vocab_size_per_layer_input", high=2**24) or vocab,
        residuals=read.integer("altup_num_inputs", high=64) or (4 if family.altup else 0),
        laurel=read.integer("laurel_rank", high=2**12) or (64 if family.altup else 0),
    )


def varied_layers(read: Reader, layers: int, heads: int, kv_heads: int, hidden: int, inter: int) -> Varied:
    """KV heads and MLP width of each layer where they differ; empty where they don't.

    A width of 0 is a layer without an MLP.
    """
    blocks = read.listing("block_configs", most=2048)
    if len(blocks) == layers:
        return tuple(_block(block, heads, hidden) for block in blocks)
    shared = read.integer("num_kv_shared_layers", low=0, high=layers) or 0
    if shared and read.flag("use_double_wide_mlp"):
        return tuple((kv_heads, inter * (2 if index >= layers - shared else 1)) for index in range(layers))
    widths = read.listing("intermediate_size", "ffn_intermediate_sizes")
    if len(widths) == layers and all(isinstance(width, int) and 0 <= width < 2**22 for width in widths):
        return tuple((kv_heads, width) for width in widths) if len(set(widths)) > 1 else ()
    return ()


Varied = tuple[tuple[int, int], ...]


def _block(block: object, heads: int, hidden: int) -> tuple[int, int]:
    """One entry of Nemotron NAS's `block_configs` (vllm models/nemotron_nas.py)."""
    attention, feed = _part(block, "attention"), _part(block, "ffn")
    shared = attention.get("n_heads_in_group")
    kv_heads = heads // shared if isinstance(shared, int) and 0 < shared <= heads else 0
    if attention.get("no_op") or attention.get("replace_with_linear"):
        kv_heads = 0
    factor = feed.get("ffn_mult")
    own = feed.get("intermediate_size")
    width = own if isinstance(own, int) and 0 < own < 2**22 else 0
    if isinstance(factor, int | float) and 0 < factor < 64:
        width = -(-int(2 * factor * hidden / 3) // 256) * 256
    return kv_heads, 0 if feed.get("no_op") else width


def _part(block: object, name: str) -> Mapping[str, Any]:
    found = block.get(name) if isinstance(block, Mapping) else None
    return found if isinstance(found, Mapping) else {}
