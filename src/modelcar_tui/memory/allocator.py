"""What PyTorch's caching allocator really takes for a tensor.

Blocks of 10 MiB and more come in steps of 2 MiB, and a rest of at most 1 MiB is not split off; smaller ones
share 20 MiB segments (c10 CUDACachingAllocator). Over the layers of a model this is up to 1 % of its weights.
"""

from __future__ import annotations

from modelcar_tui.core.facts import MIB
from modelcar_tui.core.rounding import round_up

_STEP = 2 * MIB
_LARGE = 10 * MIB
_SEGMENT = 20 * MIB
_SMALL = MIB


def allocated(size: float) -> float:
    """Bytes that count as allocated for one tensor of `size` bytes among many of its kind."""
    if size <= _SMALL:
        return float(round_up(int(size), 512))
    if size < _LARGE:
        fit = int(_SEGMENT // size)
        rest = _SEGMENT - fit * size
        return size + (rest / fit if rest <= _SMALL else 0.0)
    rest = -size % _STEP
    return size + (rest if rest <= _SMALL else 0.0)
