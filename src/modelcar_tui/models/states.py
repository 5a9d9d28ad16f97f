"""State-space and linear-attention layers, as config.json describes them.

Sizes of the states are those of vLLM's `model_executor/layers/mamba/mamba_utils.py`.
"""

from __future__ import annotations

import msgspec

from modelcar_tui.core.rounding import ceil_div
from modelcar_tui.models.config import Reader


class StateLayer(msgspec.Struct, frozen=True, kw_only=True):
    """A state-space or linear-attention layer; sizes of the whole model, before tensor parallelism."""

    kind: str
    """`mamba2`, `mamba1`, `gdn`, `kda`, `lightning`, `conv`."""
    conv_channels: int
    conv_kernel: int
    heads: int
    state_a: int
    state_b: int
    inner: int
    extra_in: int
    """Outputs of in_proj beyond twice the inner width."""
    steps: int = 0
    """Rank of the time step (Mamba 1), or of the decay and the gate (Kimi Delta Attention)."""
    full_gate: bool = False
    """Kimi Delta Attention's gate is of full rank, in the input's matrix."""
    groups: int = 1
    """Heads share the inputs of a group (Mamba 2)."""
    norm_groups: int = 0
    """Groups of the norm of what it gives, which the GPUs share (Bailing); 0 without."""
    chunk: int = 0
    """Tokens that its kernel takes at once; 0 where config.json does not say."""
    named_dtype: str = ""
    """Of the recurrent state, as config.json has it; the convolution's is the serving dtype."""
    bounded: bool = False
    """Its decay has a lower bound, so that FlashKDA runs it (Kimi K3)."""


def state_of(read: Reader, hidden: int) -> StateLayer | None:
    """The state layer that config.json describes, or None."""
    return (
        _delta_net(read)
        or _delta_attention(read)
        or _full_delta_attention(read)
        or _lightning(read)
        or _short_convolution(read, hidden)
        or _mamba2(read, hidden)
        or _mamba1(read, hidden)
    )


def _delta_net(read: Reader) -> StateLayer | None:
    """Gated delta net: Qwen3-Next and later."""
    if not read.has("linear_num_value_heads"):
        return None
    keys = read.integer("linear_num_key_heads", high=2**12) or 16
    values = read.integer("linear_num_value_heads", high=2**12) or 32
    key_dim = read.integer("linear_key_head_dim", high=2**12) or 128
    value_dim = read.integer("linear_value_head_dim", high=2**12) or 128
    inner = values * value_dim
    return StateLayer(
        kind="gdn",
        conv_channels=2 * keys * key_dim + inner,
        conv_kernel=read.integer("linear_conv_kernel_dim", high=64) or 4,
        heads=values,
        state_a=value_dim,
        state_b=key_dim,
        inner=inner,
        extra_in=2 * keys * key_dim + 2 * values,
        named_dtype=_named_dtype(read),
    )


def _delta_attention(read: Reader) -> StateLayer | None:
    """Kimi Delta Attention (vllm layers/kda.py): one convolution each for Q, K and V, a 32-bit state."""
    found = Reader(read.mapping("linear_attn_config"))
    heads, dim = found.integer("num_heads", high=2**12), found.integer("head_dim", high=2**12)
    if read.has("no_kda_lora"):  # Bailing's third, whose keys stand with the others
        found = read
        heads = read.integer("num_attention_heads", high=2**12)
        dim = read.integer("head_dim", high=2**12)
    if heads is None or dim is None:
        return None
    inner = heads * dim
    gated = bool(found.flag("use_full_rank_gate"))
    return StateLayer(
        kind="kda",
        conv_channels=3 * inner,
        conv_kernel=found.integer("short_conv_kernel_size", high=64) or 4,
        heads=heads,
        state_a=dim,
        state_b=dim,
        inner=inner,
        extra_in=(2 if gated else 1) * inner + heads,
        steps=dim,
        full_gate=gated,
        bounded=found.has("gate_lower_bound") or found.has("lower_bound"),
    )


def _full_delta_attention(read: Reader) -> StateLayer | None:
    """The same with decay and gate of full rank (vllm models/bailing_moe_v3.py)."""
    heads, dim = read.integer("num_attention_heads", high=2**12), read.integer("head_dim", high=2**12)
    if not read.flag("no_kda_lora") or heads is None or dim is None:
        return None
    inner = heads * dim
    return StateLayer(
        kind="kda",
        conv_channels=3 * inner,
        conv_kernel=read.integer("short_conv_kernel_size", high=64) or 4,
        heads=heads,
        state_a=dim,
        state_b=dim,
        inner=inner,
        extra_in=3 * inner + heads,
        full_gate=True,
    )


def _lightning(read: Reader) -> StateLayer | None:
    """MiniMax's linear attention (vllm layers/mamba/linear_attn.py): Q, K, V and a gate, no convolution."""
    if not read.listing("attn_type_list") and not read.has("layer_group_size"):
        return None
    heads = read.integer("num_attention_heads", high=2**12)
    dim = read.integer("head_dim", high=2**12)
    if heads is None or dim is None:
        return None
    inner = heads * dim
    return StateLayer(
        kind="lightning",
        conv_channels=0,
        conv_kernel=1,
        heads=heads,
        state_a=dim,
        state_b=dim,
        inner=inner,
        extra_in=2 * inner,
        norm_groups=read.integer("group_norm_size", high=2**12) or 0,
    )


def _short_convolution(read: Reader, hidden: int) -> StateLayer | None:
    """LFM2's gated convolution (vllm layers/mamba/short_conv.py)."""
    taps = read.integer("conv_L_cache", low=2, high=64)
    if taps is None:
        return None
    inner = read.integer("conv_dim", high=2**18) or hidden
    return StateLayer(
        kind="conv",
        conv_channels=inner,
        conv_kernel=taps,
        heads=1,
        state_a=0,
        state_b=0,
        inner=inner,
        extra_in=inner,
    )


def _mamba2(read: Reader, hidden: int) -> StateLayer | None:
    own = read.text("model_type") == "mamba2"  # its keys have no prefix
    heads = read.integer("mamba_n_heads", "mamba_num_heads", "n_mamba_heads", high=2**14)
    if heads is None and own:
        heads = read.integer("num_heads", high=2**14)
    if heads is None:
        return None
    names = ("mamba_d_head", "mamba_head_dim", "mamba_headdim", *(("head_dim",) if own else ()))
    dim = read.integer(*names, high=2**14)
    if dim is None:
        dim = max(1, (read.integer("mamba_expand", "expand", high=64) or 2) * hidden // heads)
    groups = read.integer("mamba_n_groups", "mamba_ngroups", "n_groups", high=2**12) or 1
    state = read.integer("mamba_d_state", "ssm_state_size", "state_size", high=2**14) or 128
    return StateLayer(
        kind="mamba2",
        conv_channels=heads * dim + 2 * groups * state,
        conv_kernel=read.integer("mamba_d_conv", "conv_kernel", high=64) or 4,
        heads=heads,
        state_a=dim,
        state_b=state,
        inner=heads * dim,
        extra_in=2 * groups * state + heads,
        groups=groups,
        chunk=read.integer("mamba_chunk_size", "chunk_size", high=2**16) or 0,
        named_dtype=_named_dtype(read),
    )


def _mamba1(read: Reader, hidden: int) -> StateLayer | None:
    wide = read.integer("mamba_d_state", "state_size", high=2**14)
    if wide is None:
        return None
    own = read.integer("intermediate_size", high=2**20) if read.has("time_step_rank") else None
    inner = own or (read.integer("mamba_expand", "expand", high=64) or 2) * hidden
    return StateLayer(
        kind="mamba1",
        conv_channels=inner,
        conv_kernel=read.integer("mamba_d_conv", "conv_kernel", high=64) or 4,
        heads=inner,
        state_a=1,
        state_b=wide,
        inner=inner,
        extra_in=0,
        steps=read.integer("mamba_dt_rank", "time_step_rank", high=2**14) or ceil_div(hidden, 16),
    )


def _named_dtype(read: Reader) -> str:
    return read.text("mamba_ssm_cache_dtype", "mamba_ssm_dtype")
