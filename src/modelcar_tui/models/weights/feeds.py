"""The weights of MLPs and mixtures of experts on one GPU (vLLM's layers/linear.py and layers/fused_moe)."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.core.rounding import ceil_div
from modelcar_tui.models.parts import Moe
from modelcar_tui.models.shape import Shape
from modelcar_tui.models.weights.weight import Weight

_PADDED = (0, 27)
"""From here on Kimi's experts are padded where a GPU's part would be too narrow (vllm kimi_k3 KimiMoE)."""


def mlp(shape: Shape, inter: int, tp: int) -> Iterator[Weight]:
    """An MLP `inter` wide."""
    part = ceil_div(inter, tp)
    rows = part * (2 if shape.gated else 1)
    yield Weight("gate_up_proj" if shape.gated else "up_proj", rows, shape.hidden)
    yield Weight("down_proj", shape.hidden, part)
    if shape.family.biased or shape.family.mlp_biased:
        yield Weight("MLP bias", shape.hidden + rows, 1, 1, "plain")


def experts(
    shape: Shape, moe: Moe, tp: int, ep: int, spread: int, release: tuple[int, ...]
) -> Iterator[Weight]:
    """A mixture of experts, with what its layer holds beside the routed ones.

    Args:
        ep: GPUs that share the experts; 1 without expert parallelism.
        spread: GPUs that cut each expert without expert parallelism.
    """
    count = ceil_div(moe.experts, ep) if ep > 1 else moe.experts
    part = (moe.inter or 0) if ep > 1 else _part(shape, moe, spread, release)
    rows = part * (2 if shape.gated or not shape.family.one_part_layers else 1)
    known = moe.experts + moe.routed_besides + moe.pictures[0]
    yield Weight("router", known, shape.hidden, 1, "plain", width=moe.router_bytes)
    if part:
        yield Weight("experts' gate_up", count * rows, moe.width, 1, "expert", rows)
        yield Weight("experts' down", count * moe.width, part, 1, "expert", moe.width)
        if shape.family.expert_bias:
            yield Weight("experts' bias", count * (rows + moe.width) + moe.experts, 1, 1, "plain")
        if moe.width != shape.hidden:
            yield Weight("latent projections", 2 * moe.width, shape.hidden)
    if moe.pictures[0]:
        of_each = ceil_div(moe.pictures[1], spread) if ep == 1 else moe.pictures[1]
        pictures = ceil_div(moe.pictures[0], ep)
        yield Weight("experts' gate_up", pictures * 2 * of_each, moe.width, 1, "expert", 2 * of_each)
        yield Weight("experts' down", pictures * moe.width, of_each, 1, "expert", moe.width)
    if moe.shared_inter:
        yield from mlp(shape, moe.shared_inter, tp)
        if shape.family.shared_gate:
            yield Weight("shared expert's gate", 1, shape.hidden, 1, "plain")


def _part(shape: Shape, moe: Moe, spread: int, release: tuple[int, ...]) -> int:
    """Width of one expert on one GPU."""
    part = ceil_div(moe.inter or 0, spread)
    least = shape.family.least_expert if spread > 1 and part and release >= _PADDED else 0
    return max(part, least)
