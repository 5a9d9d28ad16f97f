"""The weights of state-space and linear-attention mixers on one GPU.

Sources: vLLM's model_executor/layers/mamba (mamba_mixer.py, mamba_mixer2.py, short_conv.py, gdn/,
linear_attn.py) and layers/kda.py. Decays are kept in 32 bits; everything else is in the model's dtype.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.core.rounding import ceil_div
from modelcar_tui.models.states import StateLayer
from modelcar_tui.models.weights.weight import FLOAT32, Weight

STATE_PARTS = frozenset(
    {
        "in_proj",
        "out_proj",
        "conv",
        "x_proj",
        "dt_proj",
        "A",
        "decay and gate down",
        "decay and gate up",
        "mixer's vectors",
    }
)
"""Labels of the weights of mixers."""


def mixer(state: StateLayer, hidden: int, tp: int) -> Iterator[Weight]:
    """The weights of one mixer in a model `hidden` wide."""
    part = max(1, state.inner // tp)
    yield Weight("in_proj", _inputs(state, tp), hidden)
    channels = (
        part + _groups(state, tp) * 2 * state.state_b if state.kind == "mamba2" else _channels(state, tp)
    )
    if channels:
        taps = state.conv_kernel + (state.kind in ("mamba1", "mamba2"))  # these have a bias
        width = FLOAT32 if state.kind == "kda" else 0
        # Kimi K3's fused decode kernel has a turned copy (vllm models/kimi_k3/nvidia/kda.py).
        yield Weight("conv", channels, taps, 1 + state.bounded, "plain", width=width)
    yield Weight("out_proj", hidden, part)
    yield from _PARTS.get(state.kind, _nothing)(state, hidden, tp)


def _channels(state: StateLayer, tp: int) -> int:
    return ceil_div(state.conv_channels, tp)


def _groups(state: StateLayer, tp: int) -> int:
    """Groups of B and C on one GPU: what the GPUs can't share is repeated (mamba_utils.py
    extra_groups_for_head_shards)."""
    groups = max(1, (state.conv_channels - state.inner) // max(1, 2 * state.state_b))
    return groups // tp if groups % tp == 0 else 1


def _inputs(state: StateLayer, tp: int) -> int:
    """Rows of the input projection."""
    if state.kind == "mamba2":
        heads = ceil_div(state.heads, tp)
        return 2 * max(1, state.inner // tp) + 2 * _groups(state, tp) * state.state_b + heads
    return ceil_div(2 * state.inner + state.extra_in, tp)


def _mamba1(state: StateLayer, hidden: int, tp: int) -> Iterator[Weight]:
    part = max(1, state.inner // tp)
    yield Weight("x_proj", state.steps + 2 * state.state_b, part)
    yield Weight("dt_proj", part, state.steps)
    yield Weight("A", part, state.state_b, 1, "plain", width=FLOAT32)
    yield Weight("mixer's vectors", 2 * part, 1, 1, "plain")


def _mamba2(state: StateLayer, hidden: int, tp: int) -> Iterator[Weight]:
    yield Weight("mixer's vectors", max(1, state.inner // tp), 1, 1, "plain")
    yield Weight("mixer's vectors", 3 * ceil_div(state.heads, tp), 1, 1, "plain", width=FLOAT32)


def _delta_attention(state: StateLayer, hidden: int, tp: int) -> Iterator[Weight]:
    """Kimi's decay and gate are of low rank, and the first matrices whole on every GPU; Bailing's are of full
    rank, in the input's matrix.
    """
    part = max(1, state.inner // tp)
    ranks = 1 if state.full_gate else 2
    if state.steps:
        yield Weight("decay and gate down", ranks * state.steps, hidden)
        yield Weight("decay and gate up", ranks * part, state.steps)
    yield Weight("mixer's vectors", part + ceil_div(state.heads, tp), 1, 1, "plain", width=FLOAT32)


def _delta_net(state: StateLayer, hidden: int, tp: int) -> Iterator[Weight]:
    yield Weight(
        "mixer's vectors", 2 * ceil_div(state.heads, tp) + state.state_a, 1, 1, "plain", width=FLOAT32
    )


def _nothing(state: StateLayer, hidden: int, tp: int) -> Iterator[Weight]:
    return iter(())


_PARTS = {"mamba1": _mamba1, "mamba2": _mamba2, "kda": _delta_attention, "gdn": _delta_net}
