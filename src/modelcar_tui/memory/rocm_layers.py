"""What vLLM does on ROCm to each layer's weights after loading, as steps for the allocator.

Sources: model_executor/layers/quantization/utils/fp8_utils.py (process_fp8_weight_tensor_strategy,
_channel_strategy, _block_strategy), fp8.py, compressed_tensors_moe.py and
fused_moe/unquantized_fused_moe_method.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from modelcar_tui.core.facts import MIB
from modelcar_tui.core.rounding import round_up
from modelcar_tui.memory.residue import Step
from modelcar_tui.memory.split import Split, layer_on_a_gpu
from modelcar_tui.models import Shape
from modelcar_tui.models.quantization import PLAIN_SCHEME, LayerScheme, Scheme, Storage
from modelcar_tui.models.weights import Weight, distinct_layers

_OWN_METHODS = frozenset({"modelopt-fp8", "quark-fp8"})
"""FP8 whose classes do not lengthen rows."""
_TILE, _TILE_INNER = 128, 64
"""To which MXFP4 experts are padded on CUDA."""
_FUSED = {"gate_up_proj": 2, "qkv_proj": 3, "q_a and kv_a": 2}
"""Matrices of several parts, each with a scale of its own in the checkpoint."""


class Kernels(msgspec.Struct, frozen=True, kw_only=True):
    """What a release and a card do to weights."""

    converts: bool
    """FP8 becomes e4m3fnuz (gfx94x; platforms/rocm.py is_fp8_fnuz)."""
    shuffles: bool
    """AITER's kernels run experts, in a layout of their own."""
    contiguous: bool
    """Padded experts are made contiguous again."""
    copied_back: bool
    """Padded experts are copied into the old ones."""
    quantizes: bool
    """A checkpoint in 16 bits is quantized to FP8 after loading."""


def steps_of(
    shape: Shape, storage: Storage, width: int, split: Split, rank: tuple[int, int], kernels: Kernels
) -> tuple[tuple[Step, ...], ...]:
    """The steps of each layer of a pipeline rank, in the order of its modules."""
    found: list[tuple[Step, ...]] = []
    made: dict[object, tuple[Step, ...]] = {}
    for start, end, own in storage.runs(*rank):
        for index in range(start, end):
            varied, special = shape.varied[index : index + 1], shape.own[index : index + 1]
            key = (id(own), shape.kinds[index], shape.experts_at[index], varied, special)
            if key not in made:
                made[key] = tuple(_layer(shape, own, width, split, index, kernels))
            found.append(made[key])
    return tuple(found)


def short_padding(
    shape: Shape, storage: Storage, split: Split, rank: tuple[int, int], alignment: int
) -> float:
    """Bytes by which MXFP4 experts grow beyond Triton's tile: both widths are rounded up to `alignment`, and
    they are not swizzled (quantization/utils/mxfp4_utils.py _swizzle_mxfp4, StridedLayout)."""
    total = 0.0
    for start, end, own in storage.runs(*rank):
        for one, kind, has_experts, count in distinct_layers(shape, start, end):
            for weight in layer_on_a_gpu(one, kind, split, experts=has_experts):
                scheme = own.of(one, weight, experts=has_experts)
                if weight.role == "expert" and weight.inner > 1 and scheme.mxfp4:
                    total += count * _wider(weight, scheme, alignment)
    return total


def _wider(weight: Weight, scheme: Scheme, alignment: int) -> float:
    """Of one matrix; the narrower one is what `memory.weights` counts."""
    experts, inner = weight.out // weight.unit, round_up(weight.inner, alignment)
    if "down" in weight.label:
        wide = scheme.linear_bytes(experts * round_up(weight.unit, alignment), inner)
        return wide - scheme.linear_bytes(weight.out, round_up(weight.inner, _TILE_INNER))
    wide = scheme.linear_bytes(experts * 2 * round_up(weight.unit // 2, alignment), inner)
    return wide - scheme.linear_bytes(experts * round_up(weight.unit, _TILE), weight.inner)


def _layer(
    shape: Shape, own: LayerScheme, width: int, split: Split, index: int, kernels: Kernels
) -> Iterator[Step]:
    for one, kind, has_experts, _ in distinct_layers(shape, index, index + 1):
        cut = layer_on_a_gpu(one, kind, split, experts=has_experts)
        weights = [weight for weight in cut if weight.elements * width > MIB]
        experts = [weight for weight in weights if weight.role == "expert" and weight.inner > 1]
        for weight in weights:
            if weight.role != "expert":
                scheme = own.of(one, weight, experts=has_experts)
                yield from [_linear(weight, scheme, width, kernels)] * weight.count
        if experts:
            yield _experts(experts, own.of(one, experts[0], experts=has_experts), width, kernels)


def _linear(weight: Weight, scheme: Scheme, width: int, kernels: Kernels) -> Step:
    if scheme.name != "fp8" or scheme.bits >= PLAIN_SCHEME.bits:
        return Step(matrices=(_matrix(weight, scheme, width),))
    parts = _parts(weight) if _one_scale(scheme) and not kernels.quantizes else ()
    longer = scheme.block or (_one_scale(scheme) and _OWN_METHODS.isdisjoint(scheme.ids))
    return Step(
        matrices=(_matrix(weight, scheme, width),),
        shrunk=2 if kernels.quantizes else 1,
        masked=kernels.converts and not kernels.quantizes,
        requantized=parts,
        padded=bool(longer) and not kernels.quantizes,
    )


def _experts(weights: Iterable[Weight], scheme: Scheme, width: int, kernels: Kernels) -> Step:
    matrices = tuple(_matrix(weight, scheme, width) for weight in weights)
    if scheme.bits >= PLAIN_SCHEME.bits:
        copied = kernels.shuffles or kernels.contiguous
        return Step(matrices=matrices, padded=not kernels.copied_back, copied=copied)
    if scheme.name != "fp8":
        return Step(matrices=matrices, copied=not scheme.mxfp4)
    return Step(
        matrices=matrices,
        shrunk=2 if kernels.quantizes else 1,
        masked=kernels.converts and not kernels.quantizes,
        copied=kernels.shuffles,
    )


def _matrix(weight: Weight, scheme: Scheme, width: int) -> tuple[int, int]:
    """Rows, and bytes of a row."""
    if scheme.bits >= PLAIN_SCHEME.bits:
        return weight.out, weight.inner * (weight.width or width)
    return weight.out, max(1, int(weight.inner * scheme.bits / 8))


def _one_scale(scheme: Scheme) -> bool:
    """Whether a whole matrix has one scale."""
    return not (scheme.block or scheme.group or scheme.scale_bytes)


def _parts(weight: Weight) -> tuple[int, ...]:
    """Rows of the parts that get one scale; of attention's three the keys and values are the smaller ones."""
    count = _FUSED.get(weight.label, 1)
    return (
        (weight.out // count,) * count
        if count != 3
        else (weight.out * 2 // 3, weight.out // 6, weight.out // 6)
    )
