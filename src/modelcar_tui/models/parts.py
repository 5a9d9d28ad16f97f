"""The parts of a model beyond plain attention and MLP, as config.json describes them."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.rounding import round_up
from modelcar_tui.models.config import EXPERT_COUNTS, Config, Reader, positive, text_config
from modelcar_tui.models.families import Family
from modelcar_tui.models.quantization.declared import is_moe
from modelcar_tui.models.weights.weight import FLOAT32

_TOP_K = ("num_experts_per_tok", "num_experts_per_token", "top_k_experts", "moe_top_k", "moe_topk", "moe_k")
_SHARED = ("n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts")

_WIDTHS = ("moe_intermediate_size", "expert_ffn_hidden_size", "moe_ffn_hidden_size")
_SHARED_WIDTHS = (
    "shared_expert_intermediate_size",
    "shared_intermediate_size",
    "moe_shared_expert_intermediate_size",
    "share_expert_dim",
)


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
    router_bytes: int = 0
    """Of one number of the router where it is not in the model's dtype."""
    routed_besides: int = 0
    """Experts that the router knows and that are none of the routed: shared ones, or such as do nothing."""
    pictures: tuple[int, int] = (0, 0)
    """Experts for pictures beside those for text: how many, and how wide one is."""

    @property
    def shared_inter(self) -> int:
        """Summed width of the shared experts."""
        return self.shared or self.shared_count * (self.inter or 0)


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
    counts, widths = _pair(read, "moe_num_experts"), _pair(read, "moe_intermediate_size")
    experts = read.integer(*EXPERT_COUNTS, low=2, high=2**13) or counts[0] or None
    if experts is None:
        return None
    plain = read.integer("intermediate_size", "ffn_hidden_size", high=2**22) or 4 * hidden
    inter = read.integer(*_WIDTHS, high=2**20) or widths[0] or (plain if family.expert_width else None)
    shared, count = _shared(read, family, plain)
    return Moe(
        experts=experts,
        top_k=read.integer(*_TOP_K, high=256) or 0,
        inter=inter,
        shared=shared,
        shared_count=0 if shared else count,
        width=read.integer("moe_latent_size", "routed_expert_hidden_size", high=2**18) or hidden,
        dense_inter=read.integer("intermediate_size_mlp", "dense_intermediate_size", high=2**22) or plain,
        router_bytes=_router_bytes(read, family),
        routed_besides=_routed_besides(read, family, count),
        pictures=(counts[1] or experts, widths[1]) if widths[1] else (0, 0),
    )


def _shared(read: Reader, family: Family, plain: int) -> tuple[int, int]:
    """Summed width of the shared experts where it is told, and how many there are."""
    count = 1 if family.one_shared_expert else read.integer(*_SHARED, low=0, high=256) or 0
    if read.flag("residual_moe"):  # Grok 2 adds a whole MLP to its experts (vllm models/grok1.py)
        return plain, count
    return read.integer(*_SHARED_WIDTHS, low=0, high=2**22) or 0, count


def _routed_besides(read: Reader, family: Family, shared: int) -> int:
    return round_up(shared, 8) if family.routed_shared else read.integer("zero_expert_num", high=2**13) or 0


def _router_bytes(read: Reader, family: Family) -> int:
    told = read.text("router_dtype") or (read.text("moe_router_dtype") if family.router_bytes else "")
    if told:
        return FLOAT32 if told in ("fp32", "float32") else 0
    return family.router_bytes


def _pair(read: Reader, name: str) -> tuple[int, int]:
    """Two numbers, for text and for pictures (ERNIE 4.5 VL); zeros without."""
    found = read.listing(name, most=2)
    good = len(found) == 2 and all(isinstance(each, int) and 0 < each < 2**20 for each in found)
    return (found[0], found[1]) if good else (0, 0)


def no_experts(config: Config | None) -> bool:
    """Whether config.json is known and names no routed experts, as vLLM counts them (config/model.py)."""
    if config is None or is_moe(config):
        return False
    text = text_config(config)
    # A list names the experts of each modality; Nemotron's blocks have configs of their own.
    counts = (text.get(key) for key in EXPERT_COUNTS)
    return not text.get("block_configs") and not any(isinstance(n, list) or positive(n) for n in counts)
