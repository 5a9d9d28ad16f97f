"""A config.json as the numbers that decide about memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelcar_tui.models import details
from modelcar_tui.models.config import Reader, architecture_of, makes_no_text, overridden, text_part
from modelcar_tui.models.context import Positions, positions_of
from modelcar_tui.models.details import Indexer, LayerInputs, Varied
from modelcar_tui.models.families import INDEXER, Family, family_of
from modelcar_tui.models.layers import layer_kinds, moe_flags
from modelcar_tui.models.parts import Mla, Moe, Tower, mla_of, moe_of, tower_of
from modelcar_tui.models.rope import rope_caches
from modelcar_tui.models.states import State, state_of

_ENCODERS = (
    "Bert",
    "Roberta",
    "XLMRoberta",
    "ModernBert",
    "NomicBert",
    "GteModel",
    "JinaRoberta",
    "Distilbert",
)
_UNMODELLED = {
    "sparse_attention_config": INDEXER,
    "compress_ratios": "its compressed attention keeps caches of its own, which are not modelled",
}
"""Fields of config.json that tell of something no formula here covers."""
_LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "decoder_layers")
_KV_HEADS = ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num", "kv_n_heads")


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A transformer's sizes. Made by `shape_of`, which refuses what does not add up."""

    arch: str
    model_type: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    v_head_dim: int
    wide_head_dim: int
    """Of the full layers where they differ from the sliding ones (Gemma 4, MiMo V2); 0 where they do not."""
    wide_v_head_dim: int
    wide_kv_heads: int
    inter: int
    vocab: int
    tied: bool
    gated: bool
    positions: Positions
    rope_bytes: int
    """Rotary caches of one GPU."""
    kinds: tuple[str, ...]
    """Of each layer: `full`, `sliding`, `chunked`, `mla`, `state`, or `none` (no attention)."""
    experts_at: tuple[bool, ...]
    window: int
    chunk: int
    mla: Mla | None
    moe: Moe | None
    state: State | None
    tower: Tower | None
    encoder_only: bool
    pooling: bool
    encoder_layers: int
    """Layers of an encoder-decoder's encoder; 0 for the others."""
    encoder_tokens: int
    qkv_bias: bool
    loose: int
    """Weights outside the layers and the vocabulary, whole on every GPU."""
    varied: Varied
    """KV heads and MLP width of each layer; empty where all are alike."""
    indexer: Indexer | None
    inputs: LayerInputs | None
    shared_kv: int
    """Layers that reuse another layer's KV cache."""
    dtype: str
    """Of the checkpoint: `bfloat16`, `float16`, `float32`, or empty."""
    family: Family
    odd: tuple[str, ...]
    """Why this model is not sized from its config, if so."""


def shape_of(config: Mapping[str, Any] | None, overrides: Mapping[str, Any] | None = None) -> Shape | str:
    """The sizes in `config`, or one sentence that says what is missing or absurd."""
    if not isinstance(config, Mapping) or not config:
        return "there is no config.json"
    if isinstance(overrides, Mapping):
        config = overridden(config, overrides)
    text = text_part(config)
    read = Reader(text, config, *_nested(text))
    arch = architecture_of(config)
    model_type = read.text("model_type").lower()
    family = family_of(model_type)
    hidden = read.integer("hidden_size", "d_model", "n_embd", "dim", high=2**18)
    whisper = family.speech or arch.startswith("Whisper")
    layers = read.integer(*(("decoder_layers",) if whisper else ()), *_LAYERS, high=2048)
    layers = layers or len(read.listing("layers_block_type", "layer_types", most=2048)) or None
    heads = read.integer("num_attention_heads", "n_head", "n_heads", "decoder_attention_heads", high=2**14)
    vocab = read.integer("vocab_size", "padded_vocab_size", high=2**24)
    missing = [
        name
        for name, value in (("hidden_size", hidden), ("num_hidden_layers", layers), ("vocab_size", vocab))
        if value is None
    ]
    if missing or hidden is None or layers is None or vocab is None:
        return f"config.json has no usable {', '.join(missing)}"
    heads = heads or _only_state_heads(read)
    if heads is None:
        return "config.json has no usable num_attention_heads"
    head_dim = read.integer("head_dim", "attention_head_dim", "kv_channels", high=2**14) or max(
        1, hidden // heads
    )
    mla = mla_of(read, family)
    kinds, window, chunk = layer_kinds(read, arch, family, layers, mla=mla is not None)
    state = state_of(read, hidden) if family.parallel or "state" in kinds else None
    odd = _oddities(read, family, kinds, state)
    moe = moe_of(read, family, hidden)
    encoder_layers = read.integer("encoder_layers", high=2048) or 0
    if whisper and not encoder_layers:
        return "config.json has no usable encoder_layers"
    encoder_only = any(arch.startswith(name) for name in _ENCODERS)
    inter = read.integer(
        "intermediate_size",
        "ffn_dim",
        "n_inner",
        "ffn_hidden_size",
        "decoder_ffn_dim",
        "block_ff_dim",
        high=2**22,
    )
    inter = _adjusted(read, inter or 4 * hidden)
    kv_heads = _kv_heads(read, heads)
    varied = details.varied_layers(read, layers, heads, kv_heads, hidden, inter)
    if varied:
        kinds = tuple(
            kind if own or kind != "full" else "none" for kind, (own, _) in zip(kinds, varied, strict=True)
        )
    swa = _sliding_heads(read)
    return Shape(
        arch=arch,
        model_type=model_type,
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=swa or kv_heads,
        head_dim=head_dim,
        v_head_dim=_value_dim(read, head_dim) if mla is None else head_dim,
        wide_head_dim=head_dim if swa else read.integer("global_head_dim", high=2**14) or 0,
        wide_v_head_dim=_value_dim(read, head_dim)
        if swa
        else read.integer("global_head_dim", high=2**14) or 0,
        wide_kv_heads=kv_heads if swa else _wide_kv_heads(read),
        inter=inter,
        vocab=vocab,
        tied=encoder_only or _tied(read, family),
        gated=_gated(family, arch, encoder_only=encoder_only, speech=whisper),
        positions=positions_of(config),
        rope_bytes=rope_caches(read, family, head_dim, mla.rope if mla else None, kinds),
        kinds=kinds,
        experts_at=moe_flags(read, layers) if moe else (False,) * layers,
        window=window,
        chunk=chunk,
        mla=mla,
        moe=moe,
        state=state,
        tower=tower_of(config, arch),
        encoder_only=encoder_only,
        pooling=encoder_only or makes_no_text(arch),
        encoder_layers=encoder_layers if whisper else 0,
        encoder_tokens=(read.integer("max_source_positions", high=2**20) or 1500) if whisper else 0,
        qkv_bias=family.qkv_bias
        or family.biased
        or bool(read.flag("attention_bias", "qkv_bias", "add_qkv_bias", "use_qkv_bias")),
        loose=details.loose_elements(read, family, hidden, whisper),
        varied=varied,
        indexer=details.indexer_of(read, layers),
        inputs=details.layer_inputs_of(read, family, vocab),
        shared_kv=read.integer("num_kv_shared_layers", low=0, high=layers) or 0,
        dtype=_dtype(read.text("torch_dtype", "dtype")),
        family=family,
        odd=odd,
    )


def _nested(text: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """DBRX keeps its attention and its experts in parts of their own."""
    return [part for name in ("attn_config", "ffn_config") if isinstance(part := text.get(name), dict)]


def _dtype(text: str) -> str:
    return text.removeprefix("torch.")


def _gated(family: Family, arch: str, *, encoder_only: bool, speech: bool) -> bool:
    told = family.gated_encoder if encoder_only else family.gated
    return told and not speech and arch != "PhiForCausalLM"


def _tied(read: Reader, family: Family) -> bool:
    told = read.flag("tie_word_embeddings")
    return family.tied if told is None else told


def _value_dim(read: Reader, head_dim: int) -> int:
    return read.integer("v_head_dim", high=2**14) or head_dim


def _sliding_heads(read: Reader) -> int:
    """MiMo V2's sliding layers have KV heads of their own, as wide as the full layers'."""
    return (
        (read.integer("swa_num_key_value_heads", high=2**14) or 0) if read.has("hybrid_layer_pattern") else 0
    )


def _adjusted(read: Reader, inter: int) -> int:
    """LFM2 states its MLP before the shrinking that gating asks for (vllm models/lfm2.py)."""
    if not read.flag("block_auto_adjust_ff_dim"):
        return inter
    step = read.integer("block_multiple_of", high=2**16) or 256
    width = int((read.number("block_ffn_dim_multiplier", low=0.01, high=16) or 1.0) * int(2 * inter / 3))
    return -(-width // step) * step


def _kv_heads(read: Reader, heads: int) -> int:
    found = read.integer(*_KV_HEADS, high=2**14)
    if found is not None:
        return found
    return 1 if read.flag("multi_query") else heads


def _wide_kv_heads(read: Reader) -> int:
    """Gemma 4's full layers have KV heads of their own where K and V are one."""
    shared = read.flag("attention_k_eq_v")
    return (read.integer("num_global_key_value_heads", high=2**14) or 0) if shared else 0


def _only_state_heads(read: Reader) -> int | None:
    """Pure Mamba models have no attention heads at all."""
    return 1 if read.has("state_size") or read.has("ssm_cfg") or read.has("conv_kernel") else None


def _says_layers(read: Reader) -> bool:
    return bool(
        read.listing("layer_types", "layers_block_type", "attn_layer_indices")
        or read.text("hybrid_override_pattern")
    )


def _oddities(read: Reader, family: Family, kinds: tuple[str, ...], state: State | None) -> tuple[str, ...]:
    odd = [why for name, why in _UNMODELLED.items() if read.has(name) and read.integer(name) is not None]
    odd += [why for name, why in _UNMODELLED.items() if read.mapping(name) or read.listing(name)]
    if family.blocks and not read.listing("block_configs", most=2048):
        odd.append("config.json does not describe its blocks")
    if "state" in kinds and state is None:
        odd.append("its state-space layers are not described in config.json")
    if family.mixed and "state" not in kinds and not _says_layers(read):
        odd.append("config.json does not say which of its layers are attention")
    if family.unmodelled:
        odd.append(family.unmodelled)
    elif read.has("index_topk") and details.indexer_of(read, len(kinds)) is None:
        odd.append(INDEXER)
    return tuple(odd)
