"""State-space and linear-attention layers, as config.json describes them.

Sizes of the states are those of vLLM's `model_executor/layers/mamba/mamba_utils.py`.
"""

from __future__ import annotations

import msgspec

from modelcar_tui.models.config import Reader


class State(msgspec.Struct, frozen=True, kw_only=True):
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
    state_bytes: int = 2
    """Of one number of the recurrent state; the convolution's are in the serving dtype."""


def state_of(read: Reader, hidden: int) -> State | None:
    """The state layer that config.json describes, or None."""
    return (
        _delta_net(read)
        or _delta_attention(read)
        or _lightning(read)
        or _short_convolution(read, hidden)
        or _mamba2(read, hidden)
        or _mamba1(read, hidden)
    )


def _delta_net(read: Reader) -> State | None:
    """Gated delta net: Qwen3-Next and later."""
    if not read.has("linear_num_value_heads"):
        return None
    keys = read.integer("linear_num_key_heads", high=2**12) or 16
    values = read.integer("linear_num_value_heads", high=2**12) or 32
    key_dim = read.integer("linear_key_head_dim", high=2**12) or 128
    value_dim = read.integer("linear_value_head_dim", high=2**12) or 128
    inner = values * value_dim
    return State(
        kind="gdn",
        conv_channels=2 * keys * key_dim + inner,
        conv_kernel=read.integer("linear_conv_kernel_dim", high=64) or 4,
        heads=values,
        state_a=value_dim,
        state_b=key_dim,
        inner=inner,
        extra_in=2 * keys * key_dim + 2 * values,
        state_bytes=_state_bytes(read, default=4),
    )


def _delta_attention(read: Reader) -> State | None:
    """Kimi Delta Attention (vllm layers/kda.py): one convolution each for Q, K and V, a 32-bit state."""
    found = Reader(read.mapping("linear_attn_config"))
    heads, dim = found.integer("num_heads", high=2**12), found.integer("head_dim", high=2**12)
    if heads is None or dim is None:
        return None
    inner = heads * dim
    return State(
        kind="kda",
        conv_channels=3 * inner,
        conv_kernel=found.integer("short_conv_kernel_size", high=64) or 4,
        heads=heads,
        state_a=dim,
        state_b=dim,
        inner=inner,
        extra_in=inner + heads,
        steps=dim,
        state_bytes=4,
    )


def _lightning(read: Reader) -> State | None:
    """MiniMax's linear attention (vllm layers/mamba/linear_attn.py): Q, K, V and a gate, no convolution."""
    if not read.listing("attn_type_list"):
        return None
    heads = read.integer("num_attention_heads", high=2**12)
    dim = read.integer("head_dim", high=2**12)
    if heads is None or dim is None:
        return None
    inner = heads * dim
    return State(
        kind="lightning",
        conv_channels=0,
        conv_kernel=1,
        heads=heads,
        state_a=dim,
        state_b=dim,
        inner=inner,
        extra_in=2 * inner,
    )


def _short_convolution(read: Reader, hidden: int) -> State | None:
    """LFM2's gated convolution (vllm layers/mamba/short_conv.py)."""
    taps = read.integer("conv_L_cache", low=2, high=64)
    if taps is None:
        return None
    inner = read.integer("conv_dim", high=2**18) or hidden
    return State(
        kind="conv",
        conv_channels=inner,
        conv_kernel=taps,
        heads=1,
        state_a=0,
        state_b=0,
        inner=inner,
        extra_in=inner,
    )


def _mamba2(read: Reader, hidden: int) -> State | None:
    heads = read.integer("mamba_n_heads", "mamba_num_heads", high=2**14)
    if heads is None:
        return None
    dim = read.integer("mamba_d_head", "mamba_head_dim", high=2**14)
    if dim is None:
        dim = max(1, (read.integer("mamba_expand", "expand", high=64) or 2) * hidden // heads)
    groups = read.integer("mamba_n_groups", "n_groups", high=2**12) or 1
    state = read.integer("mamba_d_state", "ssm_state_size", "state_size", high=2**14) or 128
    return State(
        kind="mamba2",
        conv_channels=heads * dim + 2 * groups * state,
        conv_kernel=read.integer("mamba_d_conv", "conv_kernel", high=64) or 4,
        heads=heads,
        state_a=dim,
        state_b=state,
        inner=heads * dim,
        extra_in=2 * groups * state + heads,
        state_bytes=_state_bytes(read, default=2),
    )


def _mamba1(read: Reader, hidden: int) -> State | None:
    wide = read.integer("mamba_d_state", "state_size", high=2**14)
    if wide is None:
        return None
    own = read.integer("intermediate_size", high=2**20) if read.has("time_step_rank") else None
    inner = own or (read.integer("mamba_expand", "expand", high=64) or 2) * hidden
    return State(
        kind="mamba1",
        conv_channels=inner,
        conv_kernel=read.integer("mamba_d_conv", "conv_kernel", high=64) or 4,
        heads=inner,
        state_a=1,
        state_b=wide,
        inner=inner,
        extra_in=0,
        steps=read.integer("mamba_dt_rank", "time_step_rank", high=2**14) or -(-hidden // 16),
    )


def _state_bytes(read: Reader, *, default: int) -> int:
    named = read.text("mamba_ssm_cache_dtype", "mamba_ssm_dtype")
    return {"float32": 4, "float16": 2, "bfloat16": 2}.get(named, default)
