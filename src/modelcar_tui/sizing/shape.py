"""A config.json as the numbers that decide about memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelcar_tui.sizing.fields import Reader, text_part
from modelcar_tui.sizing.layers import layer_kinds, moe_flags
from modelcar_tui.sizing.parts import Mla, Moe, State, Tower, mla_of, moe_of, state_of, tower_of
from modelcar_tui.sizing.rope import longest_position, rope_caches

_PLAIN_MLP = frozenset(
    {"phi", "gpt2", "opt", "falcon", "starcoder2", "gpt_bigcode", "gpt_neox", "mpt", "bloom", "gptj", "nemotron"}
    | {"nemotron_h", "bert", "roberta", "xlm-roberta", "modernbert", "nomic_bert", "whisper"}
)
"""Model types whose MLP has two matrices instead of three."""
_ENCODERS = ("Bert", "Roberta", "XLMRoberta", "ModernBert", "NomicBert", "GteModel", "JinaRoberta", "Distilbert")
_POOLING_SUFFIXES = ("ForSequenceClassification", "ForTokenClassification", "ForRewardModel", "Model")
_INDEXER = "its sparse attention keeps an indexer cache of its own, which is not modelled"
_UNEQUAL = "its layers differ from each other in their heads, which is not modelled"
_UNMODELLED = {
    "index_topk": _INDEXER,
    "sparse_attention_config": _INDEXER,
    "block_configs": _UNEQUAL,
    "hidden_size_per_layer_input": "its embeddings per layer are not modelled",
    "hybrid_layer_pattern": _UNEQUAL,
    "linear_attn_config": "its linear attention is not modelled",
}
"""Fields of config.json that tell of something no formula here covers."""
_AUDIO_TYPES = frozenset({"whisper"})


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
    """Of the full layers where they differ from the sliding ones (Gemma 4); 0 where they do not."""
    wide_kv_heads: int
    inter: int
    vocab: int
    tied: bool
    gated: bool
    max_position: int | None
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
    qk_norm: bool
    norms: int
    """Norm vectors per layer."""
    shared_kv: int
    """Layers that reuse another layer's KV cache."""
    dtype: str
    """Of the checkpoint: `bfloat16`, `float16`, `float32`, or empty."""
    family: str
    odd: tuple[str, ...]
    """Why this model is not sized from its config, if so."""


def shape_of(config: Mapping[str, Any] | None, overrides: Mapping[str, Any] | None = None) -> Shape | str:
    """The sizes in `config`, or one sentence that says what is missing or absurd."""
    if not isinstance(config, Mapping) or not config:
        return "there is no config.json"
    if isinstance(overrides, Mapping):
        config = {**config, **overrides}
    text = text_part(config)
    read = Reader(text, config)
    arch = _architecture(config)
    model_type = read.text("model_type").lower()
    hidden = read.integer("hidden_size", "d_model", "n_embd", "dim", high=2**18)
    layers = read.integer("num_hidden_layers", "n_layer", "num_layers", "n_layers", "decoder_layers", high=2048)
    layers = layers or len(read.listing("layers_block_type", "layer_types", most=2048)) or None
    heads = read.integer("num_attention_heads", "n_head", "n_heads", "decoder_attention_heads", high=2**14)
    vocab = read.integer("vocab_size", high=2**24)
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
    head_dim = read.integer("head_dim", "attention_head_dim", "kv_channels", high=2**14) or max(1, hidden // heads)
    mla = mla_of(read)
    kinds, window, chunk = layer_kinds(read, arch, model_type, layers, mla=mla is not None)
    state = state_of(read, hidden) if "state" in kinds else None
    odd = _oddities(read, model_type, kinds, state)
    moe = moe_of(read, hidden)
    encoder_layers = read.integer("encoder_layers", high=2048) or 0
    whisper = model_type in _AUDIO_TYPES or arch.startswith("Whisper")
    if whisper and not encoder_layers:
        return "config.json has no usable encoder_layers"
    encoder_only = any(arch.startswith(name) for name in _ENCODERS)
    inter = read.integer(
        "intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size", "decoder_ffn_dim", high=2**22
    )
    return Shape(
        arch=arch,
        model_type=model_type,
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=_kv_heads(read, heads),
        head_dim=head_dim,
        v_head_dim=read.integer("v_head_dim", high=2**14) or head_dim if mla is None else head_dim,
        wide_head_dim=read.integer("global_head_dim", high=2**14) or 0,
        wide_kv_heads=_wide_kv_heads(read),
        inter=inter or 4 * hidden,
        vocab=vocab,
        tied=read.flag("tie_word_embeddings") is not False
        if _ties(model_type)
        else bool(read.flag("tie_word_embeddings")),
        gated=model_type not in _PLAIN_MLP and not whisper and not encoder_only and arch != "PhiForCausalLM",
        max_position=longest_position(read, model_type),
        rope_bytes=rope_caches(read, model_type, head_dim, mla.rope if mla else None, kinds),
        kinds=kinds,
        experts_at=moe_flags(read, layers) if moe else (False,) * layers,
        window=window,
        chunk=chunk,
        mla=mla,
        moe=moe,
        state=state,
        tower=tower_of(config, arch),
        encoder_only=encoder_only,
        pooling=encoder_only or arch.endswith(_POOLING_SUFFIXES),
        encoder_layers=encoder_layers if whisper else 0,
        encoder_tokens=(read.integer("max_source_positions", high=2**20) or 1500) if whisper else 0,
        qkv_bias=model_type
        in ("qwen2", "qwen2_moe", "qwen2_vl", "qwen2_5_vl", "gpt_oss", "phi", "opt", "starcoder2")
        or bool(read.flag("attention_bias", "qkv_bias")),
        qk_norm=model_type.startswith(("qwen3", "gemma3", "gemma4", "olmo2", "cohere2")),
        norms=4 if model_type.startswith(("gemma2", "gemma3", "gemma4")) else 2,
        shared_kv=read.integer("num_kv_shared_layers", low=0, high=layers) or 0,
        dtype=_dtype(read.text("torch_dtype", "dtype")),
        family=model_type or arch,
        odd=odd,
    )


def _architecture(config: Mapping[str, Any]) -> str:
    listed = config.get("architectures")
    if isinstance(listed, list) and listed and isinstance(listed[0], str):
        return listed[0][:120]
    return ""


def _dtype(text: str) -> str:
    return text.removeprefix("torch.")


def _ties(model_type: str) -> bool:
    """Model types whose configuration class ties the embeddings unless told otherwise."""
    return model_type.startswith(("gemma", "cohere", "whisper", "gpt2", "opt", "starcoder2", "gpt_bigcode"))


def _kv_heads(read: Reader, heads: int) -> int:
    found = read.integer("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num", high=2**14)
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


def _oddities(read: Reader, model_type: str, kinds: tuple[str, ...], state: State | None) -> tuple[str, ...]:
    odd = [why for name, why in _UNMODELLED.items() if read.has(name) and read.integer(name) is not None]
    odd += [why for name, why in _UNMODELLED.items() if read.mapping(name) or read.listing(name)]
    if "state" in kinds and state is None:
        odd.append("its state-space layers are not described in config.json")
    if model_type in ("deepseek_v4", "deepseek_v32"):
        odd.append(_INDEXER)
    return tuple(odd)
