"""Layers into groups that share block tables, and the bytes of one block id, by release.

vllm v1/core/kv_cache_utils.py `get_kv_cache_groups` (from 0.33 on v1/core/kv_cache_planning.py). Each request
holds blocks in every group; a block id of the pool has room for the largest group's pages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from modelcar_tui.core.rounding import ceil_div
from modelcar_tui.memory.kv.specs import Layers, Spec

_PADS_TO_MOST = ((0, 18), 1.5), ((0, 12), 1.25)
"""Since when groups are as large as the largest kind, where it is less than so many times the smallest."""
_STRIDED = (0, 24)
"""From here on a page that does not divide the largest is padded to it; before, vLLM stopped."""
_OWN_SLOTS, _PACKED_BY_SLOT = (0, 23), (0, 27)
"""From the first on a packed block has a slot for each layer of each page size, before as many of each size;
from the second on, the largest group's bytes."""
_ANY_TYPE = (0, 29)
"""From here on any type is split whose page sizes have as many layers each; before, all but the latents."""


class Group(msgspec.Struct, frozen=True):
    """Layers that share block tables."""

    spec: Spec
    """Of one of them; all hold the same number of blocks."""
    layers: int
    """Layers that really are in it, without padding."""
    page: int
    """Bytes of one block in all of them."""
    padded: int = 0
    """The same with each page padded to its slot; 0: none is."""

    @property
    def room(self) -> int:
        """Bytes of one block in all of them, with what pads their pages."""
        return self.padded or self.page

    @property
    def kind(self) -> str:
        """As the specs'."""
        return self.spec.kind


class Grouping(msgspec.Struct, frozen=True):
    """How the layers of one GPU are grouped."""

    groups: tuple[Group, ...]
    block_bytes: int
    """Bytes of one block id, padding included."""
    checked_bytes: int
    """What the start-up check counts for one."""
    refused: str = ""
    """Why vLLM stops, if it does."""


@lru_cache(maxsize=512)
def grouped(layers: Layers, packed: bool, release: tuple[int, int]) -> Grouping:
    """The groups of `layers` in a release.

    Args:
        packed: the attention backends want the layers' pages side by side in one block.
    """
    if len({spec.type for spec, _ in layers}) == 1:
        return _one_type(layers)
    if packed and len({spec.page for spec, _ in layers}) > 1:
        return _side_by_side(layers, release)
    even = _one_page(layers, release)
    if even is None:
        return Grouping((), 1, 1, "the pages of its kinds of layers can't be made equal")
    return _equal_groups(even, release)


def _one_type(layers: Layers) -> Grouping:
    """All layers in one group, whatever their pages."""
    page = sum(spec.page * count for spec, count in layers)
    own = sum(count for spec, count in layers if not spec.beside)
    return Grouping((Group(layers[0][0], own, page),), page, page)


def _one_page(layers: Layers, release: tuple[int, int]) -> Layers | None:
    """All pages as large as the largest: longer blocks where it is a multiple, else padding
    (`unify_kv_cache_spec_page_size`).
    """
    most = max(spec.page for spec, _ in layers)
    even: list[tuple[Spec, int]] = []
    for spec, count in layers:
        times, rest = divmod(most, spec.page)
        if not rest and spec.kind != "state":
            one = msgspec.structs.replace(spec, page=most, block=spec.block * times)
        elif rest and (spec.kind == "mla" or (release < _STRIDED and spec.kind != "state")):
            return None
        else:
            one = msgspec.structs.replace(spec, page=most)
        even.append((one, count))
    return tuple(even)


def _equal_groups(layers: Layers, release: tuple[int, int]) -> Grouping:
    """Groups of one size, the last of a kind padded (`_get_kv_cache_groups_uniform_page_size`)."""
    kinds: Counter[Spec] = Counter()
    for spec, count in layers:
        kinds[spec] += count
    least, most = min(kinds.values()), max(kinds.values())
    ratio = next((ratio for since, ratio in _PADS_TO_MOST if release >= since), 1.0)
    size = most if most < ratio * least else least
    groups: list[Group] = []
    for spec, count in kinds.items():
        number = ceil_div(count, size)
        sizes = (len(range(index, count, number)) for index in range(number))
        groups += [Group(spec, own, spec.page * own) for own in sizes]
    block = layers[0][0].page * size
    return Grouping(tuple(groups), block, block)


def _side_by_side(layers: Layers, release: tuple[int, int]) -> Grouping:
    """Layers of one type in as many groups as keep a block small (`_get_packed_kv_cache_groups`, before 0.29
    `_get_kv_cache_groups_uniform_groups`).
    """
    types: dict[tuple[str, int, int, int], Counter[Spec]] = {}
    for spec, count in sorted(layers, key=lambda layer: not layer[0].keeps_all):
        types.setdefault(spec.type, Counter())[spec] += count
    repeats = _repeats(list(types.values()), release)
    room = _slots(layers) if release < _PACKED_BY_SLOT else {}
    groups: list[Group] = []
    widths: Counter[int] = Counter()
    most = 0
    for specs in types.values():
        split = ceil_div(_longest(specs), repeats) if _is_split(specs, release) else 1
        for index in range(split):
            own = [(spec, len(range(index, count, split))) for spec, count in specs.items()]
            groups.append(_packed_group(own, room))
            widths |= _by_page(dict(own), room)
            most = max(most, *_by_page(dict(own)).values())
    even = most * sum(_latent_pages(layers))
    if release < _PACKED_BY_SLOT:
        slots = sum(page * count for page, count in widths.items())
        block = even if release < _OWN_SLOTS else slots
    else:
        block = max(group.page for group in groups)
    return Grouping(tuple(groups), block, block if release >= _ANY_TYPE else even)


def _packed_group(own: list[tuple[Spec, int]], room: dict[int, int]) -> Group:
    first = own[0][0]
    spec = msgspec.structs.replace(first, page=room.get(first.page, first.page))
    padded = sum(room.get(spec.page, spec.page) * count for spec, count in own)
    return Group(spec, sum(count for _, count in own), sum(spec.page * count for spec, count in own), padded)


def _slots(layers: Layers) -> dict[int, int]:
    """The latents' page that each page is padded to."""
    pages = sorted(_latent_pages(layers))
    return {spec.page: next((page for page in pages if page >= spec.page), spec.page) for spec, _ in layers}


def _latent_pages(layers: Layers) -> set[int]:
    return {spec.page for spec, _ in layers if spec.keeps_all}


def _is_split(specs: Counter[Spec], release: tuple[int, int]) -> bool:
    """Whether a type is shared out: its layers of each page size come in turn."""
    if release < _ANY_TYPE:
        return not next(iter(specs)).keeps_all
    return len(set(_by_page(specs).values())) == 1


def _repeats(types: list[Counter[Spec]], release: tuple[int, int]) -> int:
    """Layers of a page size in one group: the number with least padding, not below a type that stays
    whole.
    """
    if release < _ANY_TYPE:
        counts = [_longest(specs) for specs in types]
        least = max(_longest(specs) for specs in types if next(iter(specs)).keeps_all)
    else:
        shared = [specs for specs in types if _is_split(specs, release)]
        counts = [_longest(specs) for specs in shared]
        least = max((_longest(specs) for specs in shared if len(_by_page(specs)) > 1), default=0)
    if not least:
        return max(_longest(specs) for specs in types)
    options = range(least, max(*counts, least) + 1)
    return min(options, key=lambda size: (sum(-count % size for count in counts), -size))


def _by_page(specs: Mapping[Spec, int], room: Mapping[int, int] | None = None) -> Counter[int]:
    """Layers by the bytes of their page, or of the room that it gets."""
    found: Counter[int] = Counter()
    for spec, count in specs.items():
        found[(room or {}).get(spec.page, spec.page)] += count
    return found


def _longest(specs: Counter[Spec]) -> int:
    """The most layers of one page size."""
    return max(_by_page(specs).values())
