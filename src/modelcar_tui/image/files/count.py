"""From tensors to numbers of weights: packed integers are unpacked, scales and indices are no weights."""

from __future__ import annotations

import re
from math import prod

from modelcar_tui.image.files.safetensors import BITS
from modelcar_tui.models import TensorGroup

_NOT_WEIGHTS = re.compile(
    r"(?:[._](?:weight_scale(?:_inv|_2)?|input_scale|output_scale|scales?|[kvq]_scale|zero_point|weight_zero_point"
    r"|input_zero_point|qzeros|zeros|g_idx|weight_g_idx|weight_shape|absmax|nested_absmax|quant_map|nested_quant_map"
    r"|input_global_scale|weight_global_scale|global_scale|SCB|weight_format|inv_freq|position_ids)"
    r"|_scales|_scale_inv|quant_state\.bitsandbytes__\w+)$"
)
_PACKED = re.compile(r"(?:\.weight_packed|\.qweight|_packed|_blocks)$")


def count_parameters(groups: tuple[TensorGroup, ...], bits: int | None) -> int:
    """The weights of a checkpoint, as its publisher would count them.

    Args:
        groups: All tensors.
        bits: Bits of a quantized weight, to unpack I32 and U8; None or 16 when nothing is packed.
    """
    total = 0
    for group in groups:
        if _NOT_WEIGHTS.search(group.pattern):
            continue
        total += group.count * prod(group.shape) * _unpack(group, bits)
    return total


def dominant_bits(groups: tuple[TensorGroup, ...]) -> int | None:
    """Bits of the dtype that holds most of the bytes of two-dimensional weights."""
    held: dict[int, int] = {}
    for group in groups:
        width = BITS.get(group.dtype)
        if width is not None and len(group.shape) >= 2 and not _NOT_WEIGHTS.search(group.pattern):
            held[width] = held.get(width, 0) + group.count * prod(group.shape) * width
    return max(held, key=lambda width: held[width], default=None)


def _unpack(group: TensorGroup, bits: int | None) -> int:
    width = BITS.get(group.dtype, 8)
    if group.dtype in ("F4", "F6_E2M3", "F6_E3M2") or not bits or bits >= width:
        return 1
    packed = _PACKED.search(group.pattern) is not None
    if group.dtype in ("I32", "U32", "I64") and packed:
        return width // bits
    if group.dtype in ("U8", "I8") and bits == 4 and (packed or group.pattern.endswith(".weight")):
        return 2
    return 1
