"""The parts of a model beyond plain attention and MLP, as config.json describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelcar_tui.models.config import EXPERT_COUNTS, Config, Reader, positive, text_config
from modelcar_tui.models.declared import is_moe
from modelcar_tui.models.families import Family

_TOP_K = ("num_experts_per_tok", "num_experts_per_token", "top_k_experts", "moe_top_k", "moe_topk", "moe_k")
_SHARED = ("n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts")


class Mla(msgspec.Struct, frozen=True, kw_only=True):
    """Multi-head latent attention."""

    kv_rank: int
    q_rank: int
    rope: int
    nope: int
    value: int
    latent: bool
    """The cache holds the latent vector; MiniCPM 3 caches the heads' full keys and values."""


class Moe(msgspec.Struct, frozen=True, kw_only=True):
    """A mixture of experts."""

    experts: int
    top_k: int
    inter: int | None
    """Width of one expert; None when the config does not say."""
    shared: int
    """Summed width of the shared experts; 0 when there are none."""
    shared_count: int
    """Shared experts as wide as the others, where their own width is not given."""
    width: int
    """Of what goes into an expert: the hidden size, or a latent narrower one."""
    dense_inter: int
    """Width of the plain MLP in the layers that have no experts."""

    @property
    def shared_inter(self) -> int:
        """Summed width of the shared experts."""
        return self.shared or self.shared_count * (self.inter or 0)


class Tower(msgspec.Struct, frozen=True, kw_only=True):
    """What encodes images or sound."""

    kind: str
    pixels_per_token: int
    tokens_per_item: int
    elements: int = 0
    """Its weights, from its own config; 0 where that does not say."""


UNDESCRIBED = Tower(kind="vision", pixels_per_token=3 * 28 * 28, tokens_per_item=0)
"""A tower that only the number of parameters betrays: patches of 14 pixels, four to a token, as most have."""


def mla_of(read: Reader, family: Family) -> Mla | None:
    rank = read.integer("kv_lora_rank", high=2**16)
    rope = read.integer("qk_rope_head_dim", high=2**12)
    if rank is None or rope is None:
        return None
    return Mla(
        kv_rank=rank,
        q_rank=read.integer("q_lora_rank", high=2**16) or 0,
        rope=rope,
        nope=read.integer("qk_nope_head_dim", high=2**12) or 128,
        value=read.integer("v_head_dim", high=2**12) or 128,
        latent=family.latent,
    )


def moe_of(read: Reader, family: Family, hidden: int) -> Moe | None:
    experts = read.integer(*EXPERT_COUNTS, low=2, high=2**13)
    if experts is None:
        return None
    plain = read.integer("intermediate_size", "ffn_hidden_size", high=2**22) or 4 * hidden
    inter = read.integer("moe_intermediate_size", "expert_ffn_hidden_size", "moe_ffn_hidden_size", high=2**20)
    if inter is None and family.expert_width:
        inter = plain
    latent = read.integer("moe_latent_size", "routed_expert_hidden_size", high=2**18)
    shared = read.integer(
        "shared_expert_intermediate_size",
        "shared_intermediate_size",
        "moe_shared_expert_intermediate_size",
        low=0,
        high=2**22,
    )
    count = read.integer(*_SHARED, low=0, high=256) or 0
    if family.one_shared_expert:
        count = 1
    return Moe(
        experts=experts,
        top_k=read.integer(*_TOP_K, high=256) or 0,
        inter=inter,
        shared=shared or 0,
        shared_count=0 if shared else count,
        width=latent or hidden,
        dense_inter=read.integer("intermediate_size_mlp", "dense_intermediate_size", high=2**22) or plain,
    )


def tower_of(config: Mapping[str, Any], arch: str) -> Tower | None:
    vision = config.get("vision_config") or config.get("vision_tower_config") or config.get("visual")
    audio = config.get("audio_config")
    if not isinstance(vision, dict) or not vision:
        if isinstance(audio, dict) and audio:
            sound = _tower_elements(Reader(audio))
            return Tower(kind="audio", pixels_per_token=0, tokens_per_item=0, elements=sound)
        return UNDESCRIBED if _sees(arch) else None
    read = Reader(vision, config)
    patch = read.integer("patch_size", high=1024) or 14
    merge = read.integer("spatial_merge_size", high=64) or 0
    tokens = read.integer("mm_tokens_per_image", high=2**20) or 0
    image = read.integer("image_size", high=2**16) or 0
    pixels = 3 * image * image // tokens if tokens and image else 3 * (patch * (merge or 1)) ** 2
    if not tokens and image and merge:
        tokens = (image // (patch * merge)) ** 2
    elements = _tower_elements(Reader(vision))
    return Tower(kind="vision", pixels_per_token=pixels, tokens_per_item=tokens, elements=elements)


def _tower_elements(read: Reader) -> int:
    """Weights of an encoder: attention and a two-matrix MLP (three where it says so) in each layer."""
    hidden = read.integer("hidden_size", "embed_dim", "d_model", "width", high=2**16)
    layers = read.integer("num_hidden_layers", "depth", "encoder_layers", "layers", high=1024)
    if hidden is None or layers is None:
        return 0
    inter = read.integer("intermediate_size", "encoder_ffn_dim", high=2**20) or int(
        hidden * (read.number("mlp_ratio", high=64) or 4)
    )
    gated = read.text("hidden_act") == "silu"
    return layers * (4 * hidden * hidden + (3 if gated else 2) * hidden * inter)


def _sees(arch: str) -> bool:
    return "ForConditionalGeneration" in arch or "VL" in arch or "Vision" in arch or "Omni" in arch


def no_experts(config: Config | None) -> bool:
    """Whether config.json is known and names no routed experts, as vLLM counts them (config/model.py)."""
    if config is None or is_moe(config):
        return False
    text = text_config(config)
    # A list names the experts of each modality; Nemotron's blocks have configs of their own.
    counts = (text.get(key) for key in EXPERT_COUNTS)
    return not text.get("block_configs") and not any(isinstance(n, list) or positive(n) for n in counts)
