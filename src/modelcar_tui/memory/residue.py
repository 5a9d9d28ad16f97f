"""What PyTorch's caching allocator keeps of a GPU beside the weights when work after loading is over.

A model that pads, converts or re-lays its weights frees the old ones and whatever it needed meanwhile. Freed
blocks stay with the allocator; a segment of which a new tensor took a part can't be given back at all. The
sequence of one model's allocations is played through the allocator's own rules
(c10/cuda/CUDACachingAllocator.cpp): the smallest free block that is large enough, what is left of it split
off, free neighbours joined, `empty_cache` for segments that are free as a whole.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from functools import lru_cache

import msgspec

from modelcar_tui.core.facts import MIB
from modelcar_tui.core.rounding import round_up
from modelcar_tui.memory.allocator import allocated

_PAD, _PADDED_ROWS = 256, 512
"""Bytes behind each row, of matrices whose rows are a multiple of so many."""
_SMALL, _LARGE = MIB, 10 * MIB
_SMALL_SEGMENT, _SEGMENT, _STEP = 2 * MIB, 20 * MIB, 2 * MIB
_PLAYED, _UNSTEADY = 28, 4
"""Layers that are played, and how many of them until each adds as much as those before it; the rest between
them is a multiple of every period that layers repeat in."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One module's matrices and what is done to them after loading, in this order."""

    matrices: tuple[tuple[int, int], ...]
    """Rows, and bytes of a row."""
    shrunk: int = 1
    """Times the bytes that they were loaded in."""
    masked: bool = False
    """A mask of a byte a number is made of each (normalize_e4m3fn_to_e4m3fnuz)."""
    requantized: tuple[int, ...] = ()
    """Rows of parts that get one scale: each in 16 bits twice, then once in 8 (requantize_with_max_scale)."""
    padded: bool = False
    """Copied with longer rows, after which what is free is given back."""
    copied: bool = False
    """All of them copied before the old ones are freed, as AITER's shuffle does."""


class Held(msgspec.Struct, frozen=True):
    """Bytes that the allocator keeps beyond those that the loaded weights count as allocated."""

    cached: float
    """At the end of loading, when nothing was given back."""
    kept: float
    """After `empty_cache`: longer rows, and parts of segments that are in use."""


@lru_cache(maxsize=256)
def held(layers: tuple[tuple[Step, ...], ...]) -> Held:
    """What loading these layers leaves with the allocator."""
    played, memory = layers[:_PLAYED], _Allocator()
    loaded = [[_load(memory, step) for step in layer] for layer in played]
    weights = sum(_counted(step) for layer in played for step in layer)
    before = memory.reserved
    unsteady = before
    for index, (steps, blocks) in enumerate(zip(played, loaded, strict=True)):
        for step, own in zip(steps, blocks, strict=True):
            _process(memory, step, own)
        if index < _UNSTEADY:
            unsteady = memory.reserved
    after = memory.reserved
    memory.empty()
    free = after - memory.reserved
    cached = float(after - weights)
    if len(layers) > len(played):
        more = len(layers) - len(played)
        cached += (before - weights) / len(played) * more
        cached += (after - unsteady) / (len(played) - _UNSTEADY) * more
    return Held(cached, cached - free)


class _Block:
    """A part of a segment, between its neighbours."""

    __slots__ = ("after", "before", "free", "place", "size", "small")

    def __init__(self, size: int, place: int, *, small: bool) -> None:
        self.size, self.place, self.small = size, place, small
        self.free = False
        self.before: _Block | None = None
        self.after: _Block | None = None


class _Allocator:
    """Segments of one GPU; `reserved` is what the device counts."""

    def __init__(self) -> None:
        self.reserved = 0
        self._free: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        self._at: dict[int, _Block] = {}
        self._end = 0

    def take(self, size: int) -> _Block:
        """A block for a tensor of `size` bytes."""
        size = round_up(max(size, 1), 512)
        small = size <= _SMALL
        block = self._best(size, small=small) or self._segment(size, small=small)
        self._split(block, size)
        block.free = False
        return block

    def give(self, block: _Block) -> None:
        """Free a block; free neighbours become one with it."""
        before, after = block.before, block.after
        if before is not None and before.free:
            self._forget(before)
            before.size += block.size
            self._join(before, after)
            block = before
        if after is not None and after.free:
            self._forget(after)
            block.size += after.size
            self._join(block, after.after)
        self._keep(block)

    def empty(self) -> None:
        """Give back the segments of which nothing is in use (`torch.cuda.empty_cache`)."""
        for pool in self._free:
            whole = [key for key in pool if not (self._at[key[1]].before or self._at[key[1]].after)]
            self.reserved -= sum(size for size, _ in whole)
            if whole:
                pool[:] = [key for key in pool if key not in set(whole)]

    def _best(self, size: int, *, small: bool) -> _Block | None:
        pool = self._free[small]
        at = bisect_left(pool, (size, -1))
        return self._at[pool.pop(at)[1]] if at < len(pool) else None

    def _segment(self, size: int, *, small: bool) -> _Block:
        whole = _SMALL_SEGMENT if small else _SEGMENT if size < _LARGE else round_up(size, _STEP)
        self.reserved += whole
        self._end += whole
        block = _Block(whole, self._end - whole, small=small)
        self._at[block.place] = block
        return block

    def _split(self, block: _Block, size: int) -> None:
        rest = block.size - size
        if rest < 512 if block.small else rest <= _SMALL:
            return
        other = _Block(rest, block.place + size, small=block.small)
        self._at[other.place] = other
        block.size = size
        self._join(other, block.after)
        self._join(block, other)
        self._keep(other)

    def _join(self, one: _Block, other: _Block | None) -> None:
        one.after = other
        if other is not None:
            other.before = one

    def _keep(self, block: _Block) -> None:
        block.free = True
        insort(self._free[block.small], (block.size, block.place))

    def _forget(self, block: _Block) -> None:
        pool = self._free[block.small]
        del pool[bisect_left(pool, (block.size, block.place))]


def _load(memory: _Allocator, step: Step) -> list[_Block]:
    return [memory.take(rows * row * step.shrunk) for rows, row in step.matrices]


def _counted(step: Step) -> float:
    return sum(allocated(rows * row) for rows, row in step.matrices)


def _process(memory: _Allocator, step: Step, own: list[_Block]) -> None:
    for index, (rows, row) in enumerate(step.matrices):
        if step.shrunk > 1:
            own[index] = _replaced(memory, own[index], rows * row)
        if step.masked:
            memory.give(memory.take(rows * row))
        for part in step.requantized:
            _requantize(memory, part * row)
    for index, (rows, row) in enumerate(step.matrices):
        if step.padded and not row % _PADDED_ROWS:
            wider = memory.take(rows * (row + _PAD))
            memory.empty()
            memory.give(own[index])
            own[index] = wider
    if step.copied:
        copies = [memory.take(rows * row) for rows, row in step.matrices]
        for block in own:
            memory.give(block)
        own[:] = copies


def _replaced(memory: _Allocator, old: _Block, size: int) -> _Block:
    new = memory.take(size)
    memory.give(old)
    return new


def _requantize(memory: _Allocator, size: int) -> None:
    wide = memory.take(2 * size)
    scaled = _replaced(memory, wide, 2 * size)
    memory.give(memory.take(size))
    memory.give(scaled)
