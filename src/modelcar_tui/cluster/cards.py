"""Which kinds of accelerator there are, on how many cards: a card that is shared is one card.

Whoever counts cards or names a kind asks here: reports, the dashboard, the language model's facts.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from modelcar_tui.cluster.types import GpuNode, Guarantee, Inventory, Pool
from modelcar_tui.cluster.words import gib
from modelcar_tui.core.counting import several
from modelcar_tui.hardware import unit_word, vendor_title

_UNTOLD = "shared, how is not known"
_UNSURE = "sharing unknown"
_PARTS = {"MIG": "MIG slice", "partition": "partition", "vGPU": "vGPU"}
"""What a part of a card is called that has its memory to itself, by a word of how it is handed out."""
NOTHING = Pool(resource="", units=0)
"""Stands for the units of a node whose card nothing offers."""


class Cards(msgspec.Struct, frozen=True):
    """Cards behind one pool of a node."""

    own: int | None = None
    """None where it is not known how many."""
    among: int = 0
    """Cards that this pool shares with others of its node, which of them is not known; else 0."""


class CardKind(msgspec.Struct, frozen=True, kw_only=True):
    """Units that are alike, over all nodes."""

    vendor: str
    product: str | None
    resource: str
    how: str
    """`whole`, `time-sliced x4`, `MIG 3g.40gb`, `MPS x2`, `vGPU`, ...: how a card is handed out."""
    guarantee: Guarantee
    mem_mib: int | None
    """MiB of one unit, the least of those that read alike."""
    mem_from: tuple[str, ...]
    why: str
    """Why these units don't count; empty where they do."""
    asked_for: bool | None
    members: tuple[tuple[GpuNode, Pool], ...]
    cards: int
    """Cards that are known."""
    unsure: int
    """Nodes of which it is not known how many cards are behind these units."""
    among: int
    """Cards that these units share with other kinds on the same nodes."""
    units: int
    free: int | None
    """Units that no pod has, of usable nodes; None where that is not known of all."""

    @property
    def usable(self) -> bool:
        """Whether pods may get them."""
        return not self.why

    @property
    def name(self) -> str:
        """`L40S`, or the vendor where the product is not known."""
        return self.product or f"{vendor_title(self.vendor)} (product unknown)"

    @property
    def unit(self) -> str:
        """What one of its units is called: `GPU`, `Gaudi card`, `MIG slice`, `share`."""
        return unit_of(self.vendor, self.how)

    @property
    def cards_told(self) -> str:
        """`4`, `of 8` (with other kinds), `4 or more`, `unknown`."""
        if not self.unsure:
            return f"{self.cards:,}"
        if self.cards:
            return f"{self.cards:,} or more"
        return f"of {self.among:,}" if self.among else "unknown"

    @property
    def free_told(self) -> str:
        """`3 of 4`, `unknown of 4`; nothing is free on a node that does not count."""
        return f"{'unknown' if self.free is None else f'{self.free:,}'} of {self.units:,}"


class Amount(msgspec.Struct, frozen=True, kw_only=True):
    """Units of usable nodes that are called alike."""

    unit: str
    """`GPU`, `MIG slice`, `share`."""
    units: int
    free: int
    """Known to be free."""
    unsure: bool
    """Whether what is free is unknown of some node."""

    @property
    def text(self) -> str:
        """`3 of 4 GPUs`, `at least 8 of 15 MIG slices`."""
        known = (
            f"{'at least ' * self.unsure}{self.free:,}"
            if self.free or not self.unsure
            else "an unknown number"
        )
        return f"{known} of {several(self.units, self.unit)}"


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over an inventory."""

    nodes: int = 0
    usable_nodes: int = 0
    cards: int = 0
    """Known ones, usable or not."""
    usable_cards: int = 0
    unsure: int = 0
    """Nodes whose number of cards is not known."""
    usable_unsure: int = 0
    units: int = 0
    """Of usable nodes."""
    free: int = 0
    """Known to be free, on usable nodes."""
    free_unsure: bool = False
    """Whether what is free is unknown of some usable node."""
    amounts: tuple[Amount, ...] = ()
    """The units of usable nodes by what they are called."""

    @property
    def free_told(self) -> str:
        """`3 of 4 GPUs and 4 of 6 MIG slices free`, `15 GPUs, how many are free is unknown`."""
        if not self.usable_nodes:
            return "none usable"
        if self.free_unsure and not self.free:
            every = _listed([several(one.units, one.unit) for one in self.amounts])
            return f"{every}, how many are free is unknown"
        return f"{_listed([one.text for one in self.amounts])} free"

    @property
    def cards_told(self) -> str:
        """`5 cards on 2 nodes, all usable`, `at least 6 cards on 3 nodes, 4 cards usable`."""
        every = f"{counted(self.cards, self.unsure)} on {several(self.nodes, 'node')}"
        if self.usable_nodes in (0, self.nodes):
            return f"{every}, all usable" if self.usable_nodes else every
        return f"{every}, {self.usable_cards_told} usable"

    @property
    def usable_cards_told(self) -> str:
        """`5 cards`, `at least 4 cards`, `an unknown number of cards`: those that are usable."""
        return counted(self.usable_cards, self.usable_unsure)


def _listed(texts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(part for part in (", ".join(texts[:-1]), texts[-1]) if part)


def unit_of(vendor: str, how: str) -> str:
    """What a unit is called, by how cards are handed out (`how_shared`): a part of a card is none."""
    if any(word in how for word in ("time-sliced", "MPS", "shared")):
        return "share"
    return next((unit for word, unit in _PARTS.items() if word in how), "") or unit_word(vendor)


def counted(cards: int, unsure: int) -> str:
    """`5 cards`, `at least 4 cards`, `an unknown number of cards`.

    Args:
        cards: those that are known.
        unsure: nodes of which it is not known how many they have.
    """
    if not unsure:
        return several(cards, "card")
    return f"at least {several(cards, 'card')}" if cards else "an unknown number of cards"


def cards_of(node: GpuNode) -> tuple[Cards, ...]:
    """Cards behind each pool of a node, one answer a pool; a node without pools has one answer."""
    if not node.pool:
        return (Cards(node.physical),)
    vendors: dict[str, list[int]] = {}
    for at, pool in enumerate(node.pool):
        vendors.setdefault(node.card(pool).vendor, []).append(at)
    found: dict[int, Cards] = {}
    for places in vendors.values():
        own = [node.pool[at] for at in places]
        physical = max(node.card(pool).physical or 0 for pool in own)
        found.update(zip(places, _shared_out(physical, own), strict=True))
    return tuple(found[at] for at in sorted(found))


def _shared_out(physical: int, pools: list[Pool]) -> list[Cards]:
    """A vendor's cards of a node by pool: units that are cards are themselves, the rest are the others'."""
    if len(pools) == 1 and physical:
        return [Cards(physical)]
    whole = [_units(pool) if pool.mem_guarantee is Guarantee.EXCLUSIVE else None for pool in pools]
    left = physical - sum(cards or 0 for cards in whole)
    rest = Cards() if left <= 0 else Cards(left) if whole.count(None) == 1 else Cards(None, left)
    return [rest if cards is None else Cards(cards) for cards in whole]


def _units(pool: Pool) -> int:
    """Units, healthy or not."""
    return pool.units if pool.capacity is None else pool.capacity


def node_cards(node: GpuNode) -> tuple[int, bool]:
    """Cards of a node that are known, each once, and whether those are all."""
    answers = cards_of(node)
    among: dict[str, int] = {}
    for pool, one in zip(node.pool, answers, strict=False):
        if one.among:
            among[node.card(pool).vendor] = one.among
    known = sum(among.values()) + sum(one.own or 0 for one in answers)
    return known, all(one.own is not None or one.among for one in answers)


def how_shared(node: GpuNode, pool: Pool, cards: Cards) -> str:
    """How a card is handed out by these units: `whole`, `time-sliced x4`, `MIG 3g.40gb`, ..."""
    device = ", DRA" if pool.resource.startswith("dra:") else ""
    return _how(node, pool, cards) + device


def handed_out(node: GpuNode) -> tuple[tuple[Pool, str], ...]:
    """Each pool of a node with how a card is handed out by it (see `how_shared`); of a node without pools
    one of no units, which stands for its card."""
    pools = zip(node.pool or (NOTHING,), cards_of(node), strict=True)
    return tuple((pool, how_shared(node, pool, cards)) for pool, cards in pools)


def _how(node: GpuNode, pool: Pool, cards: Cards) -> str:
    if not pool.resource:
        return "not offered"
    if any(note.startswith("vGPU:") for note in node.notes):
        return "vGPU"
    mig = f"MIG {pool.mig_profile}" if pool.mig_profile else ""
    match pool.mem_guarantee:
        case Guarantee.NONE if pool.resource.startswith("dra:"):
            return f"{mig}, shared by claims".removeprefix(", ")
        case Guarantee.NONE:
            return f"{mig}, time-sliced" if mig else f"time-sliced{_factor(pool, cards)}"
        case Guarantee.HARD_SHARE:
            return f"{mig}, MPS" if mig else f"MPS{_factor(pool, cards)}"
        case Guarantee.HARD_SLICE:
            return mig or _partition(pool)
        case Guarantee.EXCLUSIVE:
            return "whole"
    over = pool.shares or (cards.own is not None and _units(pool) > cards.own)
    return _unknown(node, pool, mig, over=over)


def _factor(pool: Pool, cards: Cards) -> str:
    """` x4` where each card has so many units, more than one."""
    times, rest = divmod(_units(pool), cards.own) if cards.own else (0, 0)
    return f" x{times}" if times > 1 and not rest else ""


def _partition(pool: Pool) -> str:
    return f"partition {pool.partition}".rstrip()


def _unknown(node: GpuNode, pool: Pool, mig: str, *, over: bool) -> str:
    """Units whose worth nothing tells."""
    if pool.partition:
        return _partition(pool)
    shared = pool.resource.endswith(".shared") or (over and not mig)
    if mig:
        return f"{mig}, {_UNTOLD}" if shared else mig
    if node.stated:
        return "whole"
    return _UNTOLD if shared else _UNSURE


def card_kinds(inventory: Inventory) -> tuple[CardKind, ...]:
    """The kinds of units, the usable ones first, those on most cards before others."""
    groups: dict[tuple[object, ...], list[tuple[GpuNode, Pool, Cards]]] = {}
    for node in inventory.nodes:
        for pool, cards in zip(node.pool or (NOTHING,), cards_of(node), strict=True):
            key = (
                node.card(pool).vendor,
                node.card(pool).product,
                pool.resource,
                how_shared(node, pool, cards),
                pool.mem_guarantee,
                gib(pool.mem_mib),
                node.why if not node.usable else "",
                pool.asked_for,
            )
            groups.setdefault(key, []).append((node, pool, cards))
    found = [_kind(members) for members in groups.values()]
    return tuple(
        sorted(found, key=lambda one: (not one.usable, -(one.cards or one.among), one.name, one.how))
    )


def _kind(found: list[tuple[GpuNode, Pool, Cards]]) -> CardKind:
    node, pool, cards = found[0]
    why = "" if node.usable else node.why or "unusable"
    return CardKind(
        vendor=node.card(pool).vendor,
        product=node.card(pool).product,
        resource=pool.resource,
        how=how_shared(node, pool, cards),
        guarantee=pool.mem_guarantee,
        mem_mib=min((pool.mem_mib for _, pool, _ in found if pool.mem_mib is not None), default=None),
        mem_from=tuple(sorted({pool.mem_from for _, pool, _ in found})),
        why=why,
        asked_for=pool.asked_for,
        members=tuple((node, pool) for node, pool, _ in found),
        cards=sum(one.own or 0 for _, _, one in found),
        unsure=sum(one.own is None for _, _, one in found),
        among=sum(one.among for _, _, one in found),
        units=sum(pool.units for _, pool, _ in found),
        free=0 if why else _free(pool for _, pool, _ in found),
    )


def _free(pools: Iterable[Pool]) -> int | None:
    frees = [pool.free for pool in pools]
    return None if None in frees else sum(count or 0 for count in frees)


def card_totals(inventory: Inventory) -> Totals:
    """Sums over all nodes with accelerators; each card counts once."""
    usable = [node for node in inventory.nodes if node.usable]
    cards, unsure = _sums(inventory.nodes)
    usable_cards, usable_unsure = _sums(usable)
    pools = [(node, pool) for node in usable for pool in node.pool]
    return Totals(
        nodes=len(inventory.nodes),
        usable_nodes=len(usable),
        cards=cards,
        usable_cards=usable_cards,
        unsure=unsure,
        usable_unsure=usable_unsure,
        units=sum(pool.units for _, pool in pools),
        free=sum(pool.free or 0 for _, pool in pools),
        free_unsure=any(pool.free is None for _, pool in pools),
        amounts=_amounts(pools),
    )


def _amounts(pools: Iterable[tuple[GpuNode, Pool]]) -> tuple[Amount, ...]:
    alike: dict[str, list[Pool]] = {}
    for node, pool in pools:
        unit = unit_of(node.card(pool).vendor, how_shared(node, pool, Cards()))
        alike.setdefault(unit, []).append(pool)
    return tuple(
        Amount(
            unit=unit,
            units=sum(pool.units for pool in found),
            free=sum(pool.free or 0 for pool in found),
            unsure=any(pool.free is None for pool in found),
        )
        for unit, found in alike.items()
    )


def _sums(nodes: Iterable[GpuNode]) -> tuple[int, int]:
    """Cards that are known, and nodes of which not all are."""
    counts = [node_cards(node) for node in nodes]
    return sum(cards for cards, _ in counts), sum(not whole for _, whole in counts)


def cards_text(kind: CardKind) -> str:
    """`4 x L40S 45 GiB`, `1 x L40S 45 GiB, time-sliced x4: 4 shares`, `2 x A100, MIG 1g.10gb: ...`.

    A card that is shared is one card; where it is not known how many there are, what they offer is told.
    """
    memory = "memory unknown" if kind.mem_mib is None else _rounded(kind)
    if not kind.resource:
        return f"{counted(kind.cards, kind.unsure)}: {kind.name}, {kind.how}"
    if not kind.unsure:
        if kind.how.startswith("whole"):
            return f"{kind.cards:,} x {kind.name} {memory}{kind.how.removeprefix('whole')}"
        if kind.guarantee is Guarantee.NONE and "MIG" not in kind.how:
            return f"{kind.cards:,} x {kind.name} {memory}, {kind.how}: {several(kind.units, 'share')}"
        each = f" of {memory}" if kind.mem_mib is not None else f", {memory}"
        part = kind.unit.removeprefix("MIG ")
        return f"{kind.cards:,} x {kind.name}, {kind.how}: {several(kind.units, part)}{each}"
    return f"{several(kind.units, kind.unit)} of {kind.name} {memory}, {kind.how}, of {_behind(kind)}"


def _behind(kind: CardKind) -> str:
    """`4 cards or more`, `8 cards with other kinds`, `an unknown number of cards`."""
    if kind.cards:
        return f"{several(kind.cards, 'card')} or more"
    return f"{several(kind.among, 'card')} with other kinds" if kind.among else "an unknown number of cards"


def _rounded(kind: CardKind) -> str:
    """Whole GiB of a card; a slice of 19.5 GiB is none of 20."""
    size = (kind.mem_mib or 0) / 1024
    part = kind.guarantee in (Guarantee.HARD_SLICE, Guarantee.HARD_SHARE)
    return f"{size:.3g} GiB" if part else f"{size:.0f} GiB"


def kind_line(kind: CardKind) -> str:
    """`4 x L40S 45 GiB; 3 of 4 free`, with why the kind does not count."""
    return f"{cards_text(kind)}; {f'not usable: {kind.why}' if kind.why else f'{kind.free_told} free'}"
