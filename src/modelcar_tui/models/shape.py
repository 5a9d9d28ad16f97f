"""A config.json as the numbers that decide about memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelcar_tui.core.rounding import round_up
from modelcar_tui.models import details
from modelcar_tui.models.class_defaults import left_out, ties
from modelcar_tui.models.compressed import Compressed, compressed_of
from modelcar_tui.models.config import Reader, architecture_of, makes_no_text, overridden, text_part
from modelcar_tui.models.context import Positions, positions_of
from modelcar_tui.models.details import Indexer, LayerInputs, Own, Streams, Varied
from modelcar_tui.models.encoder_ends import ends_of
from modelcar_tui.models.expert_layers import moe_flags
from modelcar_tui.models.families import INDEXER, Family, family_of
from modelcar_tui.models.layers import layer_kinds
from modelcar_tui.models.parts import Mla, Moe, mla_of, moe_of
from modelcar_tui.models.rope import Ropes, ropes_of
from modelcar_tui.models.shared_blocks import SharedBlocks, shared_blocks_of
from modelcar_tui.models.states import State, state_of
from modelcar_tui.models.towers.part import Part
from modelcar_tui.models.towers.tower import Tower, tower_of

_ENCODERS = (
    "OpenAIPrivacyFilter",
    "Bert",
    "Roberta",
    "XLMRoberta",
    "ModernBert",
    "NomicBert",
    "GteModel",
    "JinaRoberta",
    "Distilbert",
    "BgeM3",
    "ColBERTModernBert",
    "ColBERTJinaRoberta",
    "GteNew",
    "HF_ColBERT",
    "SiglipModel",
)
_SCORES = ("ForSequenceClassification", "ForTokenClassification", "ForRewardModel", "ForProcessRewardModel")
_BOTH_WAYS = (
    "SiglipModel",
    "EmbeddingGemma2Model",
    "LlamaBidirectional",
    "LlamaNemotronVL",
    "VoyageQwen3BidirectionalEmbedModel",
    "ErnieFor",
    "GritLM",
)
"""Beginnings of architectures that cache nothing whatever config.json says."""
_DEEPSTACKED = ("InternS1Pro", "Alpamayo2", "CohereCompass")
"""Beginnings of architectures without `Tower.media` that keep what the tower's inner layers put out (vllm
models/qwen3_vl.py)."""
_LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "decoder_layers")
_KV_HEADS = (
    "num_key_value_heads",
    "num_kv_heads",
    "n_head_kv",
    "multi_query_group_num",
    "kv_n_heads",
    "num_attention_groups",
)


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
    ropes: Ropes
    kinds: tuple[str, ...]
    """Of each layer: `full`, `sliding`, `chunked`, `mla`, `state`, or `none` (no attention)."""
    experts_at: tuple[bool, ...]
    window: int
    chunk: int
    mla: Mla | None
    moe: Moe | None
    state: State | None
    tower: Tower | None
    deepstack: int
    """Inner layers of the tower whose outputs go to layers of their own (Qwen3-VL)."""
    encoder_only: bool
    pooling: bool
    encoder_layers: int
    """Layers of an encoder-decoder's encoder; 0 for the others."""
    encoder_tokens: int
    qkv_bias: bool
    loose: int
    """Weights outside the layers and the vocabulary, whole on every GPU."""
    ends: tuple[Part, ...]
    """The same of an encoder-only model, where they are not all whole."""
    varied: Varied
    """KV heads and MLP width of each layer; empty where all are alike."""
    own: tuple[Own, ...]
    """What else single layers have of their own; empty where all are alike."""
    gate: str
    """A matrix of gates beside the attention's output: one a `channel`, one a `head`, or none."""
    streams: Streams | None
    indexer: Indexer | None
    sparse: tuple[int, int]
    """Heads and width of the indexer that shares the attention's input (MiniMax M3); zeros without."""
    query_rank: int
    """Of the query, where all heads share its first part (Step 3); 0 without."""
    relation: int
    """Rows a head that make up for positions (Inkling); 0 without."""
    value_experts: int
    """Value matrices of which each token takes some (K2 Horizon); 0 without."""
    compressed: Compressed | None
    shared: SharedBlocks | None
    loops: int
    """How often more the layers run over what they made, with caches of their own (IQuest's have a window,
    Ouro's are whole)."""
    short_conv: int
    """Tokens of convolutions that are cached beside each layer's attention (Inkling); 0 without."""
    bidirectional: bool
    """Attention looks both ways, and nothing is cached."""
    inputs: LayerInputs | None
    shared_kv: int
    """Layers that reuse another layer's KV cache."""
    dtype: str
    """Of the checkpoint: `bfloat16`, `float16`, `float32`, or empty."""
    family: Family
    odd: tuple[str, ...]
    """Why this model is not sized from its config, if so."""
    shares_kv: bool = False
    """This layer reuses another's keys and values (of a layer's own shape only)."""
    reuses: bool = False
    """This layer is another once more (of a layer's own shape only)."""

    def kv_of(self, kind: str) -> tuple[int, int, int]:
        """KV heads of the whole model in a layer of `kind`, and how wide its keys and its values are."""
        if kind == "full" and self.wide_head_dim:
            return self.wide_kv_heads or self.kv_heads, self.wide_head_dim, self.wide_v_head_dim
        return self.kv_heads, self.head_dim, self.v_head_dim


def shape_of(config: Mapping[str, Any] | None, overrides: Mapping[str, Any] | None = None) -> Shape | str:
    """The sizes in `config`, or one sentence that says what is missing or absurd."""
    if not isinstance(config, Mapping) or not config:
        return "there is no config.json"
    if isinstance(overrides, Mapping):
        config = overridden(config, overrides)
    text = text_part(config)
    read = Reader(text, config, *_nested(text), left_out(config))
    arch = architecture_of(config)
    model_type = read.text("model_type").lower()
    family = family_of(model_type)
    hidden = read.integer("hidden_size", "d_model", "n_embd", "dim", high=2**18)
    whisper = family.speech or arch.startswith("Whisper")
    layers = read.integer(*(("decoder_layers",) if whisper else ()), *_LAYERS, high=2048)
    if family.half_layers and not read.has("num_hidden_layers"):
        layers = 2 * layers if layers else None
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
        1, hidden * (2 if family.shared_blocks else 1) // heads
    )
    mla = mla_of(read, family)
    kinds, window, chunk = layer_kinds(read, arch, family, layers, mla=mla is not None)
    state = state_of(read, hidden) if family.parallel or family.mixed or "state" in kinds else None
    odd = _oddities(read, family, kinds, state)
    moe = moe_of(read, family, hidden)
    experts_at = moe_flags(read, family, layers) if moe else (False,) * layers
    moe = moe if any(experts_at) else None
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
    inter = _adjusted(read, inter or 4 * hidden) // (2 if family.halved else 1)
    kv_heads = _kv_heads(read, heads)
    varied = details.varied_layers(read, layers, heads, kv_heads, hidden, inter)
    if varied:
        kinds = tuple(
            kind if own or kind != "full" else "none" for kind, (own, _) in zip(kinds, varied, strict=True)
        )
    indexer = details.indexer_of(read, layers)
    rope_dim = read.integer("qk_rope_head_dim", high=2**12)
    swa, wide = (
        _sliding_heads(read),
        _of_full(read, kinds, "head_dim") or _wide_dim(read, family),
    )
    loops = (read.integer("loop_num", "total_ut_steps", high=64) or 1) - 1
    tower = tower_of(config, arch)
    return Shape(
        arch=arch,
        model_type=model_type,
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=swa or kv_heads,
        head_dim=head_dim,
        v_head_dim=_value_dim(read, head_dim) if mla is None else head_dim,
        wide_head_dim=head_dim if swa else wide,
        wide_v_head_dim=_value_dim(read, head_dim) if swa else wide,
        wide_kv_heads=kv_heads
        if swa
        else _of_full(read, kinds, "num_key_value_heads") or _wide_kv_heads(read),
        inter=inter,
        vocab=vocab,
        tied=encoder_only or _headless(arch) or _tied(config, read, family),
        gated=_gated(family, arch, encoder_only=encoder_only, speech=whisper),
        positions=positions_of(config),
        ropes=ropes_of(read, family, (head_dim, (not swa and wide) or head_dim), rope_dim, kinds, arch),
        kinds=kinds,
        experts_at=experts_at,
        window=(loops and _loop_window(read)) or window,
        chunk=chunk,
        mla=mla,
        moe=moe,
        state=state,
        tower=tower,
        deepstack=_deepstack(read, arch, tower),
        encoder_only=encoder_only,
        pooling=encoder_only or makes_no_text(arch),
        encoder_layers=encoder_layers if whisper else 0,
        encoder_tokens=(read.integer("max_source_positions", high=2**20) or 1500) if whisper else 0,
        qkv_bias=family.qkv_bias
        or family.biased
        or bool(read.flag("attention_bias", "qkv_bias", "add_qkv_bias", "use_qkv_bias")),
        loose=details.loose_elements(read, family, hidden, whisper),
        ends=ends_of(read, arch, hidden, vocab),
        varied=varied,
        own=details.own_fields(read, layers, indexer),
        gate=details.gate_of(read, family),
        streams=details.streams_of(read, family),
        indexer=indexer,
        sparse=details.sparse_of(read),
        query_rank=read.integer("share_q_dim", high=2**16) or 0,
        relation=read.integer("d_rel", low=0, high=2**10) or 0,
        value_experts=read.integer("mova_num_experts", low=0, high=2**10) or 0,
        compressed=compressed_of(read, layers),
        shared=shared_blocks_of(read, family, heads, head_dim, inter),
        loops=loops,
        short_conv=(read.integer("conv_kernel_size", high=64) or 4) if family.short_convolutions else 0,
        bidirectional=_looks_both_ways(read, arch),
        inputs=details.layer_inputs_of(read, family, vocab),
        shared_kv=read.integer("num_kv_shared_layers", low=0, high=layers) or 0,
        dtype=_dtype(read.text("torch_dtype", "dtype")),
        family=family,
        odd=odd,
    )


def _deepstack(read: Reader, arch: str, tower: Tower | None) -> int:
    if tower is not None and tower.media is not None:
        return tower.media.width - 1
    found = Reader(read.mapping("vision_config")).listing("deepstack_visual_indexes", most=256)
    return len(found) if arch.startswith(_DEEPSTACKED) else 0


def _nested(text: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """DBRX keeps its attention and its experts in parts of their own."""
    return [part for name in ("attn_config", "ffn_config") if isinstance(part := text.get(name), dict)]


def _dtype(text: str) -> str:
    return text.removeprefix("torch.")


def _gated(family: Family, arch: str, *, encoder_only: bool, speech: bool) -> bool:
    told = family.gated_encoder if encoder_only else family.gated
    return told and not speech and arch != "PhiForCausalLM"


def _headless(arch: str) -> bool:
    """Whether a decoder that scores has no output matrix (vllm models/adapters.py); Jamba keeps its own."""
    return arch.endswith(_SCORES) and not arch.startswith("Jamba")


def _tied(config: Mapping[str, Any], read: Reader, family: Family) -> bool:
    told = ties(config)
    if told is None:
        told = read.flag("tie_word_embeddings")
    return family.tied if told is None else told


def _value_dim(read: Reader, head_dim: int) -> int:
    return read.integer("v_head_dim", high=2**14) or head_dim


def _wide_dim(read: Reader, family: Family) -> int:
    return read.integer("global_head_dim", high=2**14) or family.wide_head_dim


def _sliding_heads(read: Reader) -> int:
    """MiMo V2's and Inkling's sliding layers have KV heads of their own, as wide as the full layers'."""
    told = read.has("hybrid_layer_pattern") or read.listing("local_layer_ids")
    return (read.integer("swa_num_key_value_heads", high=2**14) or 0) if told else 0


def _of_full(read: Reader, kinds: tuple[str, ...], name: str) -> int:
    """What newer files of Gemma 4 say of all full layers, layer by layer; 0 where they don't."""
    told = read.mapping("per_layer_config")
    own = {
        value.get(name)
        for index, value in told.items()
        if isinstance(value, dict) and index.isdigit() and kinds[int(index) : int(index) + 1] == ("full",)
    }
    found = own.pop() if len(own) == 1 else None
    return found if isinstance(found, int) and 0 < found < 2**14 else 0


def _adjusted(read: Reader, inter: int) -> int:
    """LFM2 states its MLP before the shrinking that gating asks for (vllm models/lfm2.py)."""
    if not read.flag("block_auto_adjust_ff_dim"):
        return inter
    step = read.integer("block_multiple_of", high=2**16) or 256
    width = int((read.number("block_ffn_dim_multiplier", low=0.01, high=16) or 1.0) * int(2 * inter / 3))
    return round_up(width, step)


def _kv_heads(read: Reader, heads: int) -> int:
    # Falcon's later decoder keeps the flag and means its number (vllm config `get_total_num_kv_heads`).
    if read.flag("multi_query") and not read.flag("new_decoder_architecture"):
        return 1
    return read.integer(*_KV_HEADS, high=2**14) or heads


def _wide_kv_heads(read: Reader) -> int:
    """Gemma 4's full layers have KV heads of their own where K and V are one."""
    shared = read.flag("attention_k_eq_v")
    return (read.integer("num_global_key_value_heads", high=2**14) or 0) if shared else 0


def _only_state_heads(read: Reader) -> int | None:
    """Pure Mamba models have no attention heads at all."""
    return 1 if read.has("state_size") or read.has("ssm_cfg") or read.has("conv_kernel") else None


def _says_layers(read: Reader) -> bool:
    return bool(
        read.listing("layer_types", "layers_block_type", "attn_layer_indices", "full_attn_idxs")
        or read.text("hybrid_override_pattern")
    )


def _oddities(read: Reader, family: Family, kinds: tuple[str, ...], state: State | None) -> tuple[str, ...]:
    odd: list[str] = []
    compresses = read.has("compress_ratios") or read.has("o_lora_rank")
    if compresses and compressed_of(read, len(kinds)) is None:
        odd.append("config.json does not describe its compressed attention")
    if family.blocks and not read.listing("block_configs", most=2048):
        odd.append("config.json does not describe its blocks")
    if "state" in kinds and state is None:
        odd.append("its state-space layers are not described in config.json")
    if family.mixed and "state" not in kinds and not _says_layers(read):
        odd.append("config.json does not say which of its layers are attention")
    if family.unmodelled:
        odd.append(family.unmodelled)
    elif not read.has("compress_ratios") and _has_indexer(read) and not details.indexer_of(read, len(kinds)):
        odd.append(INDEXER)
    return tuple(odd)


def _has_indexer(read: Reader) -> bool:
    return read.has("index_topk") or bool(read.mapping("sparse_attention_config"))


def _looks_both_ways(read: Reader, arch: str) -> bool:
    """Whether vLLM runs it with encoder-only attention (vllm model_executor/models/config.py)."""
    if arch.startswith(_BOTH_WAYS) or read.flag("is_causal") is False:
        return True
    told = read.flag("use_bidirectional_attention") is True
    return told and makes_no_text(arch) and read.text("model_type") == "gemma3_text"


def _loop_window(read: Reader) -> int:
    return read.integer("loop_window_size", high=2**20) or 0
