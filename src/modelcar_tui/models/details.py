"""What single families add to the plain transformer: learned positions, indexers, embeddings per layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelcar_tui.core.rounding import round_up
from modelcar_tui.models.compressed import compressed_layers, compressed_of
from modelcar_tui.models.config import Reader
from modelcar_tui.models.families import Family

Own = tuple[tuple[str, Any], ...]
"""Fields of a `Shape` that are another in one layer, with their values there."""


class Indexer(msgspec.Struct, frozen=True, kw_only=True):
    """Sparse attention's own small keys (vllm models/deepseek_v2.py Indexer, models/minimax_m3); nothing of
    it is split."""

    heads: int
    dim: int
    share: float
    """Of the layers; the others reuse what an earlier one found, or attend to everything."""
    chosen: int = 0
    """Tokens that a query attends to."""
    whole: bool = False
    """Its keys are in 16 bits; else in 8 bits with a 32-bit scale for 128 of them."""

    @property
    def token_bytes(self) -> int:
        """Of one token in one layer's cache."""
        return 2 * self.dim if self.whole else self.dim + self.dim // 128 * 4


class Streams(msgspec.Struct, frozen=True, kw_only=True):
    """Hidden states that run side by side (hyper-connections)."""

    count: int
    rank: int
    """Of the matrices that mix them; 0: they are of full rank, in 32 bits."""
    rows: int
    """Of the matrix that each layer's attention, and its MLP, mixes them with."""


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
        return (decoder + encoder) * hidden + stem + 6 * hidden  # with biases and the last norms
    if family.learned_positions:
        found += (positions + family.spare_positions) * hidden
    return found


def indexer_of(read: Reader, layers: int) -> Indexer | None:
    """The indexer of DeepSeek V3.2, GLM-5, Hunyuan V4 or MiniMax M3; None for other models."""
    blocks = Reader(read.mapping("sparse_attention_config"))
    if (dim := blocks.integer("sparse_index_dim", high=2**12)) is not None:
        own = [bool(mark) for mark in blocks.listing("sparse_attention_freq")]
        share = sum(own) / layers if len(own) == layers else 1.0
        found = blocks.integer("sparse_num_index_heads", high=2**10)
        return Indexer(heads=found or 1, dim=dim, share=share, whole=True)
    heads, dim = read.integer("index_n_heads", high=2**10), read.integer("index_head_dim", high=2**12)
    if heads is None or dim is None or not read.has("index_topk") or not read.has("kv_lora_rank"):
        return None
    chosen = read.integer("index_topk", high=2**16) or 0
    return Indexer(heads=heads, dim=dim, share=sum(indexed_layers(read, layers)) / layers, chosen=chosen)


def indexed_layers(read: Reader, layers: int) -> tuple[bool, ...]:
    """Of each layer, whether it has an indexer of its own."""
    pattern = read.text("index_topk_pattern")[:layers] or read.listing("indexer_types")
    if len(pattern) == layers:
        return tuple(mark in ("F", "full") for mark in pattern)
    step = read.integer("index_topk_freq", high=2048) or 1
    first = read.integer("index_skip_topk_offset", low=0, high=2048)
    offset = 2 if first is None else first
    return tuple(max(index - offset + 1, 0) % step == 0 for index in range(layers))


def layer_inputs_of(read: Reader, family: Family, vocab: int) -> LayerInputs | None:
    """The embeddings per layer of Gemma 3n and Gemma 4 E models; None for other models."""
    width = read.integer("hidden_size_per_layer_input", high=2**14)
    if width is None:
        return None
    return LayerInputs(
        width=width,
        vocab=(read.integer("vocab_size_per_layer_input", high=2**24) or vocab) if family.layer_tables else 0,
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
        width = round_up(int(2 * factor * hidden / 3), 256)
    return kv_heads, 0 if feed.get("no_op") else width


def _part(block: object, name: str) -> Mapping[str, Any]:
    found = block.get(name) if isinstance(block, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def own_fields(read: Reader, layers: int, indexer: Indexer | None) -> tuple[Own, ...]:
    """What single layers have of their own beside `varied_layers`; empty where all are alike."""
    columns = {
        "heads": _numbers(read, "num_attention_heads_per_layer", layers)
        or _other_heads(read, layers, "num_attention_heads"),
        "sparse": _sparse_layers(read, layers),
        "shares_kv": _shares(read, layers),
        "reuses": _reuses(read, layers),
        "indexer": _indexers(read, layers, indexer),
        "compressed": compressed_layers(read, compressed_of(read, layers)),
    }
    uneven = {name: column for name, column in columns.items() if len(set(column)) > 1}
    return tuple(tuple(zip(uneven, row, strict=True)) for row in zip(*uneven.values(), strict=True))


def _numbers(read: Reader, name: str, layers: int) -> tuple[int, ...]:
    """A number for each layer; empty where there is no such list."""
    found = read.listing(name)
    good = len(found) == layers and all(isinstance(each, int) and 0 < each < 2**14 for each in found)
    return tuple(found) if good else ()


def _shares(read: Reader, layers: int) -> tuple[bool, ...]:
    shared = read.integer("num_kv_shared_layers", low=0, high=layers) or 0
    return tuple(index >= layers - shared > 0 for index in range(layers))


def _reuses(read: Reader, layers: int) -> tuple[bool, ...]:
    """HRM counts each pass through its two stacks as layers (vllm models/hrm_text.py)."""
    stack = read.integer("num_layers_per_stack", high=layers) or layers
    return tuple(index >= 2 * stack for index in range(layers))


def _indexers(read: Reader, layers: int, indexer: Indexer | None) -> tuple[Indexer | None, ...]:
    if indexer is None:
        return ()
    whole = msgspec.structs.replace(indexer, share=1.0)
    return tuple(whole if own else None for own in indexed_layers(read, layers))


def streams_of(read: Reader, family: Family) -> Streams | None:
    """The hyper-connections that config.json describes; None without."""
    count = read.integer("hc_mult", "hc_count", low=2, high=64)
    if count is None:
        return None
    rank = read.integer("hc_lowrank", high=2**14) or 0
    mixes = count * (2 if family.thin_streams else 2 + count)
    return Streams(count=count, rank=rank, rows=rank + count * count if rank else mixes)


def sparse_of(read: Reader) -> tuple[int, int]:
    """Heads and width of MiniMax M3's indexer; zeros without."""
    found = Reader(read.mapping("sparse_attention_config"))
    heads = found.integer("sparse_num_index_heads", high=2**10)
    dim = found.integer("sparse_index_dim", high=2**12)
    return (heads, dim) if heads and dim else (0, 0)


def _sparse_layers(read: Reader, layers: int) -> tuple[tuple[int, int], ...]:
    marks = read.mapping("sparse_attention_config").get("sparse_attention_freq")
    if not isinstance(marks, list) or len(marks) != layers:
        return ()
    return tuple(sparse_of(read) if mark else (0, 0) for mark in marks)


def _other_heads(read: Reader, layers: int, name: str) -> tuple[int, ...]:
    """Heads of the layers that Step 3.5 describes apart, and those of the others."""
    other, kinds = read.mapping("attention_other_setting"), read.listing("layer_types")[:layers]
    own, usual = Reader(other).integer(name, high=2**14), read.integer(name, high=2**14)
    if own is None or usual is None or len(kinds) != layers:
        return ()
    return tuple(own if kind == other.get("attention_type") else usual for kind in kinds)


def gate_of(read: Reader, family: Family) -> str:
    """The gates beside the attention's output, as config.json or the family has them; empty without."""
    told = read.text("gating")
    if told in ("per-head", "per-element") or read.flag("gating") is not None:
        heads = told == "per-head" or read.flag("gating")
        return "head" if heads else "channel" if told else ""
    if read.flag("use_head_wise_attn_gate"):
        return "head"
    channels = read.text("attention_gate_func") or read.flag("mla_use_output_gate")
    return "channel" if channels else family.gate
