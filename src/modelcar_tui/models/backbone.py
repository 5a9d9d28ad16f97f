"""The sizes that every transformer states, under the names that its family gives them."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.rounding import round_up
from modelcar_tui.models.config import Reader
from modelcar_tui.models.families import Family

HIDDEN = ("hidden_size", "d_model", "n_embd", "dim")
LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "decoder_layers")
VOCABULARY = ("vocab_size", "padded_vocab_size")
HEADS = ("num_attention_heads", "n_head", "n_heads", "decoder_attention_heads")
_KV_HEADS = (
    "num_key_value_heads",
    "num_kv_heads",
    "n_head_kv",
    "multi_query_group_num",
    "kv_n_heads",
    "num_attention_groups",
)
_MLP_WIDTHS = (
    "intermediate_size",
    "ffn_dim",
    "n_inner",
    "ffn_hidden_size",
    "decoder_ffn_dim",
    "block_ff_dim",
)


class Backbone(msgspec.Struct, frozen=True, kw_only=True):
    """What no transformer is without."""

    hidden: int
    layers: int
    vocab: int
    heads: int
    kv_heads: int
    head_dim: int
    inter: int
    """Width of a plain MLP."""


def backbone_of(read: Reader, family: Family, *, speech: bool) -> Backbone | str:
    """The sizes, or one sentence that says which are missing.

    Args:
        speech: the model is an encoder-decoder, whose decoder is meant.
    """
    hidden = read.integer(*HIDDEN, high=2**18)
    layers = _layers(read, family, speech=speech)
    vocab = read.integer(*VOCABULARY, high=2**24)
    stated = {"hidden_size": hidden, "num_hidden_layers": layers, "vocab_size": vocab}
    missing = [name for name, value in stated.items() if value is None]
    if hidden is None or layers is None or vocab is None:
        return f"config.json has no usable {', '.join(missing)}"
    heads = read.integer(*HEADS, high=2**14) or _only_state_heads(read)
    if heads is None:
        return "config.json has no usable num_attention_heads"
    return Backbone(
        hidden=hidden,
        layers=layers,
        vocab=vocab,
        heads=heads,
        kv_heads=_kv_heads(read, heads),
        head_dim=_head_dim(read, family, hidden, heads),
        inter=_mlp_width(read, family, hidden),
    )


def _layers(read: Reader, family: Family, *, speech: bool) -> int | None:
    told = read.integer(*(("decoder_layers",) if speech else ()), *LAYERS, high=2048)
    if told and family.half_layers and not read.has("num_hidden_layers"):
        told *= 2
    return told or len(read.listing("layers_block_type", "layer_types", most=2048)) or None


def _only_state_heads(read: Reader) -> int | None:
    """Pure Mamba models have no attention heads at all."""
    return 1 if read.has("state_size") or read.has("ssm_cfg") or read.has("conv_kernel") else None


def _kv_heads(read: Reader, heads: int) -> int:
    # Falcon's later decoder keeps the flag and means its number (vllm config `get_total_num_kv_heads`).
    if read.flag("multi_query") and not read.flag("new_decoder_architecture"):
        return 1
    return read.integer(*_KV_HEADS, high=2**14) or heads


def _head_dim(read: Reader, family: Family, hidden: int, heads: int) -> int:
    told = read.integer("head_dim", "attention_head_dim", "kv_channels", high=2**14)
    return told or max(1, hidden * (2 if family.shared_blocks else 1) // heads)


def _mlp_width(read: Reader, family: Family, hidden: int) -> int:
    told = read.integer(*_MLP_WIDTHS, high=2**22) or 4 * hidden
    return _shrunk(read, told) // (2 if family.halved else 1)


def _shrunk(read: Reader, inter: int) -> int:
    """LFM2 states its MLP before the shrinking that gating asks for (vllm models/lfm2.py)."""
    if not read.flag("block_auto_adjust_ff_dim"):
        return inter
    step = read.integer("block_multiple_of", high=2**16) or 256
    width = int((read.number("block_ffn_dim_multiplier", low=0.01, high=16) or 1.0) * int(2 * inter / 3))
    return round_up(width, step)
