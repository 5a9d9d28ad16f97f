"""DeepSeek V4's caches: a window in each layer, compressed latents, and what is about to be compressed.

vllm models/deepseek_v4 (attention.py, compressor.py; before 0.29 model_executor/models/deepseek_v4.py).
"""

from __future__ import annotations

from collections import Counter

from modelcar_tui.core.rounding import round_up
from modelcar_tui.memory.kv.flight import in_flight
from modelcar_tui.memory.kv.specs import Layers, Spec
from modelcar_tui.memory.start import Start
from modelcar_tui.models import OVERLAPPING_RATIO, CompressedAttention

_BLOCK = 256
"""Tokens of a block before compression (its indexer's only size)."""
_WINDOW_BLOCK = 64
_LATENT = 584
"""Bytes of one latent: 448 in 8 bits, 64 in 16 bits, 8 of scales (`fp8_ds_mla`)."""
_ALIGNED = 576
"""Pages are multiples of it."""
_STATE_BLOCKS = {True: 4, False: 8}
"""Tokens in a compressor's block: of groups that overlap by half, of which it keeps two with twice the
numbers, and of the others."""


def compressed_layers(start: Start, own: CompressedAttention, rank: tuple[int, int]) -> Layers:
    """The caches of the layers `rank`."""
    found: Counter[Spec] = Counter()
    for ratio, count in Counter(own.ratios[rank[0] : rank[1]]).items():
        for spec in _layer(start, own, ratio):
            found[spec] += count
    return tuple(found.items())


def _layer(start: Start, own: CompressedAttention, ratio: int) -> list[Spec]:
    block, ahead = start.args.block_size or _BLOCK, in_flight(start)
    found = [_window(_WINDOW_BLOCK, _LATENT, own.window, ahead)]
    if ratio <= 1:
        return found
    overlaps = ratio == OVERLAPPING_RATIO
    groups, states = (2, _STATE_BLOCKS[True]) if overlaps else (1, _STATE_BLOCKS[False])
    if overlaps:
        keys = own.index_dim + own.index_dim // 128 * 4
        found.append(_kept(block, ratio, keys))
        found.append(_window(states, 4 * own.index_dim * 4, groups * ratio, ahead))
    found.append(_kept(block, ratio, _LATENT))
    found.append(_window(states, groups * 2 * start.model.shape.head_dim * 4, groups * ratio, ahead))
    return found


def _kept(block: int, ratio: int, size: int) -> Spec:
    """One entry of `size` bytes for `ratio` tokens, of all tokens."""
    return Spec(kind="mla", block=block, page=round_up(max(block // ratio, 1) * size, _ALIGNED))


def _window(block: int, size: int, window: int, ahead: int) -> Spec:
    """`size` bytes for each of the last `window` tokens."""
    page, reach = round_up(block * size, _ALIGNED), window - 1 + ahead
    return Spec(kind="window", block=block, page=page, window=window, reach=reach, spare=1)
