"""A config.json as the numbers that decide about memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelcar_tui.models import class_traits, details
from modelcar_tui.models.backbone import backbone_of
from modelcar_tui.models.class_defaults import left_out, ties
from modelcar_tui.models.compressed import CompressedAttention, compressed_of
from modelcar_tui.models.config import Config, Reader, architecture_of, makes_no_text, overridden, text_part
from modelcar_tui.models.context import Positions, positions_of
from modelcar_tui.models.details import Indexer, LayerInputs, Own, Streams, Varied
from modelcar_tui.models.encoder_ends import ends_of
from modelcar_tui.models.expert_layers import moe_flags
from modelcar_tui.models.families import Family, family_of
from modelcar_tui.models.head_widths import head_widths
from modelcar_tui.models.layers import layer_kinds
from modelcar_tui.models.oddities import oddities_of
from modelcar_tui.models.parts import Mla, Moe, mla_of, moe_of
from modelcar_tui.models.rope import Ropes, ropes_of
from modelcar_tui.models.shared_blocks import SharedBlocks, shared_blocks_of
from modelcar_tui.models.states import StateLayer, state_of
from modelcar_tui.models.towers.part import Part
from modelcar_tui.models.towers.tower import Tower, tower_of


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
    state: StateLayer | None
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
    compressed: CompressedAttention | None
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


def shape_of(config: Config | None, overrides: Mapping[str, Any] | None = None) -> Shape | str:
    """The sizes in `config`, or one sentence that says what is missing or absurd."""
    if not isinstance(config, Mapping) or not config:
        return "there is no config.json"
    if isinstance(overrides, Mapping):
        config = overridden(config, overrides)
    read, arch = _reader(config), architecture_of(config)
    model_type = read.text("model_type").lower()
    family = family_of(model_type)
    speech = family.speech or arch.startswith("Whisper")
    sizes = backbone_of(read, family, speech=speech)
    if isinstance(sizes, str):
        return sizes
    encoder = _encoder(read) if speech else (0, 0)
    if encoder is None:
        return "config.json has no usable encoder_layers"
    hidden, layers, heads, head_dim = sizes.hidden, sizes.layers, sizes.heads, sizes.head_dim
    mla = mla_of(read, family)
    kinds, window, chunk = layer_kinds(read, arch, family, layers, mla=mla is not None)
    state = _state(read, family, hidden, kinds)
    moe, experts_at = _experts(read, family, hidden, layers)
    varied = details.varied_layers(read, layers, heads, sizes.kv_heads, hidden, sizes.inter)
    kinds = _with_attention(kinds, varied)
    widths = head_widths(read, family, sizes, kinds, mla=mla is not None)
    indexer = details.indexer_of(read, layers)
    encoder_only = class_traits.is_encoder(arch)
    loops = _loops(read)
    tower = tower_of(config, arch)
    return Shape(
        arch=arch,
        model_type=model_type,
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=widths.kv_heads,
        head_dim=head_dim,
        v_head_dim=widths.value,
        wide_head_dim=widths.wide,
        wide_v_head_dim=widths.wide_value,
        wide_kv_heads=widths.wide_kv_heads,
        inter=sizes.inter,
        vocab=sizes.vocab,
        tied=encoder_only or class_traits.is_headless(arch) or _tied(config, read, family),
        gated=class_traits.is_gated(arch, family, speech=speech),
        positions=positions_of(config),
        ropes=ropes_of(read, family, (head_dim, widths.wide or head_dim), kinds, arch),
        kinds=kinds,
        experts_at=experts_at,
        window=_loop_window(read, loops) or window,
        chunk=chunk,
        mla=mla,
        moe=moe,
        state=state,
        tower=tower,
        deepstack=class_traits.deepstack_of(arch, read, tower),
        encoder_only=encoder_only,
        pooling=encoder_only or makes_no_text(arch),
        encoder_layers=encoder[0],
        encoder_tokens=encoder[1],
        qkv_bias=_qkv_bias(read, family),
        loose=details.loose_elements(read, family, hidden, speech),
        ends=ends_of(read, arch, hidden, sizes.vocab),
        varied=varied,
        own=details.own_fields(read, layers, indexer),
        gate=details.gate_of(read, family),
        streams=details.streams_of(read, family),
        indexer=indexer,
        sparse=details.sparse_of(read),
        query_rank=_count(read, "share_q_dim", 2**16),
        relation=_count(read, "d_rel", 2**10),
        value_experts=_count(read, "mova_num_experts", 2**10),
        compressed=compressed_of(read, layers),
        shared=shared_blocks_of(read, family, heads, head_dim, sizes.inter),
        loops=loops,
        short_conv=_short_conv(read, family),
        bidirectional=class_traits.looks_both_ways(arch, read),
        inputs=details.layer_inputs_of(read, family, sizes.vocab),
        shared_kv=_count(read, "num_kv_shared_layers", layers),
        dtype=read.text("torch_dtype", "dtype").removeprefix("torch."),
        family=family,
        odd=oddities_of(read, family, kinds, state),
    )


def _reader(config: Config) -> Reader:
    text = text_part(config)
    # DBRX keeps its attention and its experts in parts of their own.
    nested = [part for name in ("attn_config", "ffn_config") if isinstance(part := text.get(name), dict)]
    return Reader(text, config, *nested, left_out(config))


def _count(read: Reader, name: str, most: int) -> int:
    """A count that most models don't have; 0 without."""
    return read.integer(name, low=0, high=most) or 0


def _encoder(read: Reader) -> tuple[int, int] | None:
    """Layers and tokens of an encoder-decoder's encoder; None where config.json does not tell."""
    layers = read.integer("encoder_layers", high=2048)
    return (layers, read.integer("max_source_positions", high=2**20) or 1500) if layers else None


def _state(read: Reader, family: Family, hidden: int, kinds: tuple[str, ...]) -> StateLayer | None:
    return state_of(read, hidden) if family.parallel or family.mixed or "state" in kinds else None


def _experts(read: Reader, family: Family, hidden: int, layers: int) -> tuple[Moe | None, tuple[bool, ...]]:
    """The mixture of experts, and which layers have it."""
    moe = moe_of(read, family, hidden)
    flags = moe_flags(read, family, layers) if moe else ()
    return (moe, flags) if any(flags) else (None, (False,) * layers)


def _with_attention(kinds: tuple[str, ...], varied: Varied) -> tuple[str, ...]:
    """The kinds of layers of which single ones may have lost their attention."""
    if not varied:
        return kinds
    return tuple(
        kind if own or kind != "full" else "none" for kind, (own, _) in zip(kinds, varied, strict=True)
    )


def _tied(config: Config, read: Reader, family: Family) -> bool:
    told = ties(config)
    if told is None:
        told = read.flag("tie_word_embeddings")
    return family.tied if told is None else told


def _qkv_bias(read: Reader, family: Family) -> bool:
    told = read.flag("attention_bias", "qkv_bias", "add_qkv_bias", "use_qkv_bias")
    return family.qkv_bias or family.biased or bool(told)


def _loops(read: Reader) -> int:
    return (read.integer("loop_num", "total_ut_steps", high=64) or 1) - 1


def _loop_window(read: Reader, loops: int) -> int:
    return _count(read, "loop_window_size", 2**20) if loops else 0


def _short_conv(read: Reader, family: Family) -> int:
    return (read.integer("conv_kernel_size", high=64) or 4) if family.short_convolutions else 0
