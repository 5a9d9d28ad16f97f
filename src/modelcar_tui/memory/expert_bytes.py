"""Bytes of one matrix on a GPU once its kernel has it: experts are padded, re-laid, or lose what only loading
needs."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.rounding import round_up
from modelcar_tui.memory.split import Split
from modelcar_tui.models import Shape
from modelcar_tui.models.quantization import Scheme
from modelcar_tui.models.weights import Weight, stored_bytes

_RELAID, _RELAID_MOST = 0.55, 81e6
"""Share of a layer's down projections that stays idle in the allocator after re-laying, and the most of it;
from two logged out-of-memory reports."""
_ORDERED, _UNORDERED, _ORDER_BYTES = ("compressed-tensors", "gptq"), (0, 30), 8
"""Experts in whole numbers have room for the order of their inputs, twice 4 bytes each, up to a release
(compressed_tensors_moe_wna16.py, auto_gptq.py create_weights)."""
_REPACKS, _REPACKED_INPUTS, _REPACKED_PART = 8.0, 128, 64
"""From this capability on Marlin takes experts of such multiples (marlin_utils.py
check_moe_marlin_supports_layer); it frees that room unless the weights are ordered."""
_TILE = 128
"""Every kernel's tile along an MXFP4 expert (mxfp4_round_up_hidden_size_and_intermediate_size)."""
_GATELESS, _ROOM_FOR_GATES = (0, 28), {"fp8", "fp8-block"}
"""From here on these methods know experts without a gate (fp8.py create_weights)."""
_ALIGNED, _ALIGNMENT = (0, 17), 128
"""From here on FlashInfer's kernels have experts without a gate padded to this multiple
(flashinfer_utils.py, flashinfer_fp4_moe.py min_alignment): 1856 to 1920 in Nemotron 3 Nano in FP8, which six
logs show."""
_FLASHINFER = {"fp8": 9.0, "nvfp4": 10.0}
"""The capabilities from which on these experts run through FlashInfer (flashinfer_cutlass_moe.py)."""


def matrix_bytes(weight: Weight, scheme: Scheme, width: int, split: Split) -> tuple[float, float]:
    """Bytes of one such matrix, and what lies idle beside it after it was re-laid."""
    if weight.role != "expert" or weight.inner == 1:
        return stored_bytes(weight, scheme, width), 0.0
    if scheme.mxfp4:
        return _short_bytes(weight, scheme, split)
    if scheme.short_experts:
        return scheme.expert_bytes(*_tiled(weight)), 0.0
    size = stored_bytes(weight, scheme, width)
    if scheme.name in _ORDERED and split.release < _UNORDERED and not _freed(weight, scheme, split):
        size += _ORDER_BYTES * weight.inner * weight.out / weight.unit
    return size, 0.0


def with_room(shape: Shape, weight: Weight, scheme: Scheme, split: Split) -> Weight:
    """Experts without a gate, whose method had room for one."""
    bare = _gateless(shape) and weight.label == "experts' gate_up"
    if not bare or split.release >= _GATELESS or not {*scheme.ids} & _ROOM_FOR_GATES:
        return weight
    return msgspec.structs.replace(weight, out=2 * weight.out, unit=2 * weight.unit)


def padding(shape: Shape, weight: Weight, scheme: Scheme, split: Split) -> float:
    """Bytes that FlashInfer's kernels want beside one matrix of experts without a gate."""
    least = _FLASHINFER.get(scheme.name, 0.0)
    scaled = bool(scheme.block) or (scheme.name == "fp8" and scheme.scale_bytes > 0)
    if weight.role != "expert" or not _gateless(shape) or not least or scaled or not weight.unit:
        return 0.0
    if split.release < _ALIGNED or split.capability < least:
        return 0.0
    if "down" in weight.label:
        wide = scheme.linear_bytes(weight.out, round_up(weight.inner, _ALIGNMENT))
    else:
        wide = scheme.linear_bytes(_padded(weight, _ALIGNMENT), weight.inner)
    return wide - scheme.linear_bytes(weight.out, weight.inner)


def _gateless(shape: Shape) -> bool:
    return shape.family.one_part_layers and not shape.gated


def _freed(weight: Weight, scheme: Scheme, split: Split) -> bool:
    """Whether the room for an order is freed once Marlin has the weights (process_weights_after_loading)."""
    inputs, part = weight.inner, weight.unit // 2
    if "down" in weight.label:
        inputs, part = weight.unit, weight.inner
    whole = not inputs % _REPACKED_INPUTS and not part % max(_REPACKED_PART, scheme.group)
    return whole and not scheme.ordered and split.capability >= _REPACKS


def _short_bytes(weight: Weight, scheme: Scheme, split: Split) -> tuple[float, float]:
    """MXFP4 experts, padded to the kernel's tile (vllm fused_moe/oracle/mxfp4.py)."""
    down = "down" in weight.label
    if split.marlin:
        return scheme.linear_bytes(_padded(weight, 256), round_up(weight.inner, 128 if down else 256)), 0.0
    out, inner = (weight.out, round_up(weight.inner, 64)) if down else (_padded(weight, _TILE), weight.inner)
    size = scheme.linear_bytes(out, inner) * split.swizzled
    return size, min(size * _RELAID, _RELAID_MOST) if down else 0.0


def _tiled(weight: Weight) -> tuple[int, int]:
    """Rows and columns of an expert's matrix whose part on this GPU is rounded up to the kernel's tile, that
    of gate and that of up.
    """
    if "down" in weight.label:
        return weight.out, round_up(weight.inner, _TILE)
    return weight.out // weight.unit * 2 * round_up(weight.unit // 2, _TILE), weight.inner


def _padded(weight: Weight, step: int) -> int:
    return weight.out // weight.unit * round_up(weight.unit, step) if weight.unit else weight.out
