"""The KV cache as vLLM plans it: groups of layers, blocks, tokens, concurrency, longest context."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

import msgspec

from modelcar_tui.core.rounding import ceil_div
from modelcar_tui.memory.kv.grouping import Group, grouped
from modelcar_tui.memory.kv.layers import layers_of, packed
from modelcar_tui.memory.kv.specs import Spec
from modelcar_tui.memory.start import Start

_BLOCKS_COUNT = (0, 27)
"""From here on a request's blocks are added up; before, its bytes were, in pages of the first group."""
_ONE_LAYER_COUNTS = (0, 24)
"""From here on these pages are those of one layer of a group (generate_scheduler_kv_cache_config came first);
before, those of all layers in it."""


class Held(msgspec.Struct, frozen=True):
    """What one request holds in the layers of one kind."""

    kind: str
    layers: int
    pages: int
    """Blocks of each layer."""
    page: int
    """Bytes of one of them."""

    @property
    def bytes(self) -> int:
        """Of all these layers."""
        return self.layers * self.pages * self.page


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How one GPU's KV cache is cut."""

    groups: tuple[Group, ...]
    block_bytes: int
    """Bytes of one block id over all layers of a group, padding included."""
    checked_bytes: int
    """What the start-up check counts for one."""
    by_pages: bool
    """A request's blocks are counted in pages of the first group."""
    whole_groups: bool = False
    """Those of all layers in a group, and not of one."""
    context_split: int
    """Decode context parallelism."""

    @property
    def block(self) -> int:
        """Tokens in the smallest block of a layer that keeps tokens; of any, where none does."""
        kept = [group.spec.block for group in self.groups if group.kind not in ("state", "cross")]
        return min(kept or [group.spec.block for group in self.groups])

    def held(self, length: int) -> tuple[Held, ...]:
        """What one request of `length` tokens holds, by kind of layer."""
        layers: Counter[Spec] = Counter()
        for group in self.groups:
            layers[group.spec] += group.layers
        return tuple(Held(spec.kind, count, spec.blocks(length), spec.page) for spec, count in layers.items())

    def request_blocks(self, length: int) -> int:
        """Block ids of one request of `length` tokens over all groups."""
        held = [
            (group.spec.blocks(length), group.room if self.whole_groups else group.spec.page)
            for group in self.groups
        ]
        if self.by_pages:
            return ceil_div(sum(blocks * page for blocks, page in held), held[0][1])
        return sum(blocks for blocks, _ in held)

    def needed(self, length: int, *, padded: bool) -> int:
        """Bytes that vLLM's start-up check asks for one request of `length` tokens."""
        return _needed(self._weighed(padded=padded), length)

    def longest(self, available: float, limit: int, *, padded: bool) -> int:
        """The longest context whose check passes, at most `limit`; 0 when not even one token fits."""
        weighed = self._weighed(padded=padded)
        return bisect_right(range(1, limit + 1), available, key=lambda length: _needed(weighed, length))

    def _weighed(self, *, padded: bool) -> Counter[Spec]:
        """Bytes that the check counts for a block of each spec, all its groups together."""
        found: Counter[Spec] = Counter()
        for group in self.groups:
            found[group.spec] += self.checked_bytes if padded else group.page
        return found

    def block_count(self, available: float) -> int:
        """Block ids that `available` bytes hold."""
        return max(0, int(available // self.block_bytes))

    def tokens(self, blocks: int, length: int, *, as_concurrency: bool) -> int:
        """What the log calls `GPU KV cache size`."""
        if as_concurrency:
            return int(self.concurrency(blocks, length) * length)
        least = min(group.spec.block for group in self.groups)
        return blocks // len(self.groups) * least * self.context_split

    def concurrency(self, blocks: int, length: int) -> float:
        """Requests of `length` tokens that fit at once."""
        return blocks / self.request_blocks(length)

    @property
    def bytes_per_token(self) -> float:
        """Bytes of one more token of context in the layers that keep every token."""
        return sum(group.page / group.spec.block for group in self.groups if group.spec.keeps_all)


def _needed(weighed: Counter[Spec], length: int) -> int:
    return sum(spec.blocks(length) * size for spec, size in weighed.items())


def plan_for(start: Start, *, rank: tuple[int, int]) -> Plan | str | None:
    """The plan of one GPU of the pipeline rank `rank`.

    Returns:
        None for a model without a KV cache; why vLLM stops, where its layers can't share a pool.
    """
    layers = layers_of(start, rank)
    if not layers:
        return None
    release = start.profile.release
    found = grouped(layers, packed(start.model.shape), release)
    if found.refused:
        return found.refused
    return Plan(
        groups=found.groups,
        block_bytes=found.block_bytes,
        checked_bytes=found.checked_bytes,
        by_pages=release < _BLOCKS_COUNT,
        whole_groups=packed(start.model.shape) and release < _ONE_LAYER_COUNTS,
        context_split=start.args.dcp,
    )
