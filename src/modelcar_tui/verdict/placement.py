"""All models of a manifest on all free GPUs: who runs where, and what is missing.

A pod's GPUs must be on one node (tensor parallelism stays within a node). Nodes that have as many free
units of the same kind are alike, so thousands of nodes become a few counts; the search over those is exact
where it ends within its time, and says so where it does not.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate

import msgspec

from modelcar_tui.core.counting import several

_DEEPEST = 400
"""More models than this are placed without the search."""
Bin = tuple[str, int]
"""A kind of unit, and how many of them are free on one node."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """Free units of one kind on one node."""

    node: str
    kind: str
    """What the units are: product, memory and resource; whatever tells them apart."""
    free: int
    size: int = 0
    """All units of this kind on the node; 0 takes `free`."""


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """One pod of a model, and how many units it needs of each kind that serves it."""

    model: str
    options: Mapping[str, int]
    """Units by kind; kinds that are not named can't serve it."""


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """One model on one node."""

    model: str
    node: str
    kind: str
    units: int


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """One way to run as many models together as possible."""

    placed: tuple[Assignment, ...] = ()
    unplaced: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """What would have to be added for the rest, one sentence each; the shortest list that we found."""
    exact: bool
    """Whether it is proven that no more models fit at once."""

    @property
    def all_together(self) -> bool:
        """Whether every model runs at the same time."""
        return not self.unplaced


def place(
    needs: Sequence[Need],
    offers: Iterable[Offer],
    *,
    seconds: float = 1.5,
    clock: Callable[[], float] = time.process_time,
) -> Placement:
    """Put as many models as possible on the free units.

    Args:
        needs: the models, in the manifest's order.
        offers: every node's free units; a node with two kinds has two offers.
        seconds: CPU time for the search; when it is over, the best placement so far is returned.
        clock: what measures it.
    """
    offered = [offer for offer in offers if offer.free > 0 or offer.size > 0]
    bins = Counter((offer.kind, offer.free) for offer in offered)
    largest: Counter[str] = Counter()
    for kind, free in bins:
        largest[kind] = max(largest[kind], free)
    usable = [{k: n for k, n in _served(need).items() if n <= largest[k]} for need in needs]
    search = _Search(usable, bins, clock() + seconds, clock)
    choice = search.run()
    placed = _materialise(needs, choice, offered)
    lost = [number for number in range(len(needs)) if number not in choice]
    return Placement(
        placed=placed,
        unplaced=tuple(needs[number].model for number in lost),
        missing=_missing([needs[number] for number in lost], offered),
        exact=search.exact,
    )


class _OverError(Exception):
    """The time for the search is over."""


class _Search:
    """Depth-first over the models, hardest first, with the counts of free bins as its state.

    Models that no free node can take are left out.
    """

    def __init__(
        self, options: list[dict[str, int]], bins: Counter[Bin], deadline: float, clock: Callable[[], float]
    ) -> None:
        self._options = {number: wants for number, wants in enumerate(options) if wants}
        self._bins = bins
        self._deadline, self._clock = deadline, clock
        self._least = {number: min(wants.values()) for number, wants in self._options.items()}
        self._order = sorted(self._options, key=lambda n: (len(self._options[n]), -self._least[n]))
        self._best: dict[int, Bin] = {}
        self._now: dict[int, Bin] = {}
        self._seen: set[tuple[int, int, frozenset[tuple[Bin, int]]]] = set()
        self.exact = True

    def run(self) -> dict[int, Bin]:
        """The bin each placed model goes to, as it was before it went there."""
        self._greedy()
        if len(self._best) == len(self._options):
            return self._best
        self.exact = len(self._options) <= _DEEPEST
        if self.exact:
            try:
                self._go(0)
            except _OverError:
                self.exact = False
        return self._best

    def _greedy(self) -> None:
        """Best fit, hardest first, on the kind that the fewest others want: usually places all."""
        wanted = Counter(kind for wants in self._options.values() for kind in wants)
        bins = Counter(self._bins)
        for number in sorted(self._order, key=lambda number: -self._least[number]):
            fits = [
                (wanted[kind], free - units, kind, free, units)
                for kind, units in self._options[number].items()
                for free in _holding(bins, kind, units)
            ]
            if fits:
                _, _, kind, free, units = min(fits)
                _take(bins, (kind, free), units)
                self._best[number] = (kind, free)

    def _go(self, depth: int) -> None:
        """Try the models from `depth` on.

        Raises:
            _OverError: the time is over.
        """
        if self._clock() > self._deadline:
            raise _OverError
        if len(self._now) > len(self._best):
            self._best = dict(self._now)
        state = (depth, len(self._now), frozenset(self._bins.items()))
        if state in self._seen or len(self._now) + self._room(depth) <= len(self._best):
            return
        self._seen.add(state)
        number = self._order[depth]
        for kind, units, free in self._choices(number):
            _take(self._bins, (kind, free), units)
            self._now[number] = (kind, free)
            self._go(depth + 1)
            del self._now[number]
            _give(self._bins, (kind, free), units)
        self._go(depth + 1)

    def _room(self, depth: int) -> int:
        """No more than this many of the models from `depth` on can still be placed, counting units alone."""
        left = sum(free * count for (_, free), count in self._bins.items())
        taken = accumulate(sorted(self._least[number] for number in self._order[depth:]))
        return sum(1 for units in taken if units <= left)

    def _choices(self, number: int) -> list[tuple[str, int, int]]:
        """Where a model may go; a node that it fills exactly is never worse than another of the same kind."""
        found: list[tuple[str, int, int]] = []
        for kind, units in self._options[number].items():
            sizes = _holding(self._bins, kind, units)
            found += [(kind, units, free) for free in ([units] if units in sizes else sizes)]
        return found


def _holding(bins: Counter[Bin], kind: str, units: int) -> list[int]:
    """How much is free on the nodes that have `units` of a kind, the tightest first."""
    return sorted(free for other, free in bins if other == kind and free >= units)


def _take(bins: Counter[Bin], spot: Bin, units: int) -> None:
    kind, free = spot
    bins[kind, free - units] += 1
    _less(bins, spot)


def _give(bins: Counter[Bin], spot: Bin, units: int) -> None:
    kind, free = spot
    bins[spot] += 1
    _less(bins, (kind, free - units))


def _less(bins: Counter[Bin], spot: Bin) -> None:
    bins[spot] -= 1
    if not bins[spot]:
        del bins[spot]


def _served(need: Need) -> dict[str, int]:
    return {kind: units for kind, units in need.options.items() if units > 0}


def _materialise(
    needs: Sequence[Need], choice: Mapping[int, Bin], offers: list[Offer]
) -> tuple[Assignment, ...]:
    """Names for the counted bins, in the order in which the search took them."""
    nodes: dict[Bin, list[str]] = defaultdict(list)
    for offer in sorted(offers, key=lambda offer: offer.node, reverse=True):
        nodes[offer.kind, offer.free].append(offer.node)
    made: dict[int, Assignment] = {}
    for number, (kind, free) in choice.items():
        units = needs[number].options[kind]
        node = nodes[kind, free].pop()
        nodes[kind, free - units].append(node)
        made[number] = Assignment(model=needs[number].model, node=node, kind=kind, units=units)
    return tuple(made[number] for number in sorted(made))


def _missing(lost: list[Need], offers: list[Offer]) -> tuple[str, ...]:
    """The fewest nodes, as large as today's, that would take the rest."""
    sizes: Counter[str] = Counter()
    free: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for offer in offers:
        sizes[offer.kind] = max(sizes[offer.kind], offer.size, offer.free)
        free[offer.kind] += offer.free
        most[offer.kind] = max(most[offer.kind], offer.free)
    told = [f"{need.model}: no kind of GPU here serves it" for need in lost if not _served(need)]
    groups: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for need in lost:
        options = _served(need)
        if options:
            kind = min(
                options,
                key=lambda kind: (kind not in sizes, options[kind] > sizes[kind], options[kind]),
            )
            groups[kind].append((options[kind], need.model))
    for kind, wants in groups.items():
        told += _nodes(kind, wants, sizes[kind], free[kind], most[kind])
    return tuple(told)


def _nodes(kind: str, wants: list[tuple[int, str]], size: int, free: int, most: int) -> list[str]:
    room: list[list[int]] = []
    for units, _ in sorted(wants, reverse=True):
        for node in room:
            if node[0] >= units:
                node[0] -= units
                node[1] += units
                break
        else:
            room.append([size - units, units])
    counted = Counter(node[1] for node in room)
    names = list(dict.fromkeys(model for _, model in wants))
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    parts = [
        f"{several(number, 'more node')} with {units} free"
        for units, number in sorted(counted.items(), reverse=True)
    ]
    now = f"{free} are free, at most {most} on one node" if free else "none is free"
    return [f"{kind}: {' and '.join(parts)}, for {shown} ({now})"]
