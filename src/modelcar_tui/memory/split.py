"""How a model is spread over GPUs, and what of the release and the GPU decides about its layers' layout."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from modelcar_tui.models import Shape
from modelcar_tui.models.weights import NEWEST_LAYOUT, Weight, layer_weights

_CUT = {"heads": ("qkv_proj", "qkv bias"), "mlp": ("qkv_proj", "qkv bias", "o_proj"), "whole": ()}
"""What is cut of a layer beside what is whole (`Split.uncut`)."""

SWIZZLED, SWIZZLED_EARLY = 1.09, 1.0653
"""Triton's layout of MXFP4 weights beside the plain one: measured 1.085 to 1.095 with 1, 2 and 4 GPUs on
0.19, 1.0653 on 0.11 (one side padded from 2880 to 3072)."""


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is spread."""

    tp: int
    pp: int
    ep: int
    """GPUs that share the experts; 1 without expert parallelism."""
    spread: int = 0
    """GPUs that cut each expert without expert parallelism: tensor x data parallelism; 0: `tp`."""
    uncut: str = ""
    """What of the layers is whole on every GPU: `whole`, `heads` or `mlp`, nothing."""
    swizzled: float = SWIZZLED
    release: tuple[int, ...] = NEWEST_LAYOUT
    """vLLM's, where layouts differ."""
    marlin: bool = False
    """MXFP4 experts run through Marlin (GPUs before Hopper)."""
    nests: bool = False
    """bitsandbytes' scales stay quantized where the checkpoint's are."""
    capability: float = 9.0
    """CUDA's compute capability; 0 on other GPUs."""


def layer_on_a_gpu(shape: Shape, kind: str, split: Split, *, experts: bool) -> Iterator[Weight]:
    """One layer's weights, cut where vLLM cuts them."""
    release, ep = split.release, split.ep
    cut = layer_weights(
        shape, kind, experts=experts, tp=split.tp, ep=ep, spread=split.spread, release=release
    )
    if not split.uncut:
        yield from cut
        return
    parts = {weight.label: weight for weight in cut if weight.label in _CUT[split.uncut]}
    for weight in layer_weights(shape, kind, experts=experts, tp=1, ep=ep, release=release):
        yield parts.get(weight.label, weight)
