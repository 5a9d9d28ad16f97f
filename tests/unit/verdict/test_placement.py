"""Placement: as good as trying everything where that can be done, and bounded where it can't."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.verdict.placement import Need, Offer, Placement, place

KINDS = ("H100", "A100", "L4", "L40S", "H200")


def needs(*wanted: dict[str, int]) -> list[Need]:
    return [Need(model=f"m{number}", options=options) for number, options in enumerate(wanted)]


def offers(*given: tuple[str, int] | tuple[str, int, int]) -> list[Offer]:
    return [
        Offer(node=f"n{number}", kind=entry[0], free=entry[1], size=entry[2] if len(entry) > 2 else 0)
        for number, entry in enumerate(given)
    ]


def most_by_trying(wants: list[Need], given: list[Offer]) -> int:
    free = [offer.free for offer in given]

    def go(index: int, placed: int) -> int:
        best = placed
        if index == len(wants):
            return best
        for spot, offer in enumerate(given):
            units = wants[index].options.get(offer.kind, 0)
            if units and free[spot] >= units:
                free[spot] -= units
                best = max(best, go(index + 1, placed + 1))
                free[spot] += units
        return max(best, go(index + 1, placed))

    return go(0, 0)


def check(placement: Placement, wants: list[Need], given: list[Offer]) -> None:
    """No node gives more than it has, no model is split, forgotten or put on a kind that can't serve it."""
    used: Counter[tuple[str, str]] = Counter()
    options = {need.model: need.options for need in wants}
    for made in placement.placed:
        assert options[made.model][made.kind] == made.units
        used[made.node, made.kind] += made.units
    free = {(offer.node, offer.kind): offer.free for offer in given}
    assert all(used[spot] <= free[spot] for spot in used)
    names = [made.model for made in placement.placed] + list(placement.unplaced)
    assert sorted(names) == sorted(need.model for need in wants)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from("ABC"), st.integers(1, 4), max_size=3), max_size=6),
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 4)), max_size=4),
)
def test_small_ones_are_as_good_as_trying_everything(
    wanted: list[dict[str, int]], given_: list[tuple[str, int]]
) -> None:
    wants, nodes = needs(*wanted), offers(*given_)
    placement = place(wants, nodes)
    check(placement, wants, nodes)
    assert placement.exact and len(placement.placed) == most_by_trying(wants, nodes)
    assert placement.all_together == (not placement.unplaced) == (not placement.missing)


@pytest.mark.parametrize("crowded", [False, True])
def test_a_hundred_models_on_five_thousand_nodes_take_two_seconds_at_most(crowded: bool) -> None:
    chance = random.Random(4)
    free = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2] if crowded else [0, 1, 2, 4, 8]
    nodes = [
        Offer(node=f"n{number}", kind=chance.choice(KINDS), free=chance.choice(free), size=8)
        for number in range(5000)
    ]
    wants = needs(
        *({kind: chance.choice((1, 2, 4, 8)) for kind in chance.sample(KINDS, 2)} for _ in range(100))
    )
    start = time.process_time()
    placement = place(wants, nodes)
    assert time.process_time() - start <= 2.0
    check(placement, wants, nodes)
    assert placement.all_together is not crowded


class Ticks:
    """A clock that counts how often it is looked at: once before the search, then at each of its steps."""

    def __init__(self, step: float = 1.0) -> None:
        self.looks, self.step = 0, step

    def __call__(self) -> float:
        self.looks += 1
        return (self.looks - 1) * self.step


def test_when_the_time_is_over_the_best_so_far_is_returned_and_said() -> None:
    chance = random.Random(1)
    nodes = offers(*((chance.choice(KINDS), chance.randint(1, 8)) for _ in range(40)))
    wants = needs(*({kind: chance.randint(1, 8) for kind in chance.sample(KINDS, 2)} for _ in range(100)))
    placement = place(wants, nodes, seconds=300, clock=Ticks())
    check(placement, wants, nodes)
    assert not placement.exact and placement.placed


PIGEONS = needs(*({"A": 3} for _ in range(8))), offers(*(("A", 5) for _ in range(7)))
"""Eight models of three units, and seven nodes of five: one too many, which units alone do not show."""


@pytest.mark.parametrize(("after", "exact"), [(1.5, True), (1.51, False), (0.0, True)])
def test_the_search_has_a_second_and_a_half(after: float, exact: bool) -> None:
    first = iter([10.0])
    placement = place(*PIGEONS, clock=lambda: next(first, 10.0 + after))
    assert placement.exact is exact
    assert len(placement.placed) == 7


def test_without_a_search_the_clock_is_looked_at_once() -> None:
    clock = Ticks()
    assert place(needs({"A": 1}, {"B": 9}), offers(("A", 1)), clock=clock).exact
    assert clock.looks == 1


@pytest.mark.parametrize("seed", range(60))
def test_where_units_are_scarce_the_search_is_as_good_as_trying_everything(seed: int) -> None:
    """Greed alone places too few in a third of these."""
    chance = random.Random(seed)
    nodes = offers(*((chance.choice("AB"), chance.randint(2, 6)) for _ in range(chance.randint(2, 4))))
    wants = needs(
        *(
            {kind: chance.randint(1, 4) for kind in chance.sample("AB", chance.randint(1, 2))}
            for _ in range(chance.randint(4, 7))
        )
    )
    placement = place(wants, nodes)
    check(placement, wants, nodes)
    assert placement.exact
    assert len(placement.placed) == most_by_trying(wants, nodes)


def hard(seed: int, models: int, nodes: int, least: int, most: int) -> tuple[list[Need], list[Offer]]:
    chance = random.Random(seed)
    wants = needs(
        *({kind: chance.randint(least, most) for kind in chance.sample("ABC", 2)} for _ in range(models))
    )
    return wants, offers(*((chance.choice("ABC"), chance.randint(4, 8)) for _ in range(nodes)))


@pytest.mark.parametrize(
    ("case", "steps", "placed"),
    [
        (PIGEONS, 16, 7),
        ((needs(*[{"A": 3}] * 5, *[{"A": 2}] * 6), offers(*[("A", 4)] * 6)), 69, 9),
        (hard(4, 14, 7, 2, 5), 475, 12),
        (hard(3, 16, 9, 1, 8), 2319, 14),
    ],
)
def test_a_hard_case_is_proven_in_few_steps(
    case: tuple[list[Need], list[Offer]], steps: int, placed: int
) -> None:
    """What can't help is not tried: states seen before, too few units left, all but the tightest fit."""
    placement = place(*case, seconds=steps, clock=Ticks())
    check(placement, *case)
    assert placement.exact
    assert len(placement.placed) == placed


def test_of_placements_that_are_as_good_the_first_one_is_kept() -> None:
    assert place(*hard(15, 10, 5, 1, 6)).unplaced == ("m3", "m7")


def test_a_model_is_never_split_over_nodes_and_the_gap_is_named() -> None:
    placement = place(needs({"H100": 4}), offers(("H100", 3, 8), ("H100", 3, 8)))
    assert placement.placed == ()
    assert placement.missing == ("H100: 1 more node with 4 free, for m0 (6 are free, at most 3 on one node)",)


def test_the_scarce_kind_is_left_to_the_model_that_needs_it() -> None:
    placement = place(needs({"A": 1, "B": 1}, {"A": 1}), offers(("A", 1), ("B", 1)))
    assert placement.all_together
    assert {made.model: made.kind for made in placement.placed} == {"m0": "B", "m1": "A"}


def test_greed_alone_is_not_enough_here() -> None:
    placement = place(needs({"A": 3}, {"A": 3}, {"A": 2}, {"A": 2}, {"A": 2}), offers(("A", 6), ("A", 6)))
    assert placement.all_together


def test_missing_nodes_are_shared_by_the_models_that_fit_on_one() -> None:
    placement = place(needs({"L4": 2}, {"L4": 2}, {"L4": 4}), offers(("L4", 0, 8)))
    assert placement.missing == ("L4: 1 more node with 8 free, for m0, m1, m2 (none is free)",)


def test_a_model_that_nothing_serves_is_said_so() -> None:
    placement = place(needs({}, {"H100": 1}), offers(("H100", 1)))
    assert placement.unplaced == ("m0",) and "no kind of GPU" in placement.missing[0]


def test_a_node_with_two_kinds_gives_both() -> None:
    nodes = [Offer(node="n", kind="1g", free=2), Offer(node="n", kind="3g", free=1)]
    assert place(needs({"1g": 1}, {"1g": 1}, {"3g": 1}), nodes).all_together


@pytest.mark.parametrize(("models", "exact"), [(400, True), (401, False), (1500, False)])
def test_more_than_400_models_are_placed_without_the_search(models: int, exact: bool) -> None:
    placement = place(needs(*({"A": 1} for _ in range(models))), offers(("A", 8), ("A", 8)))
    assert len(placement.placed) == 16
    assert placement.exact is exact


def homes(placement: Placement) -> list[tuple[str, str, str]]:
    return [(made.model, made.node, made.kind) for made in placement.placed]


def test_the_tightest_node_takes_a_model_and_the_first_by_name_among_equals() -> None:
    given = [
        Offer(node=name, kind="A", free=free, size=8)
        for name, free in (("d", 4), ("b", 2), ("c", 2), ("a", 8), ("e", 0))
    ]
    assert homes(place(needs({"A": 2}, {"A": 2}, {"A": 4}), given)) == [
        ("m0", "b", "A"),
        ("m1", "c", "A"),
        ("m2", "d", "A"),
    ]


def test_models_share_a_node_while_it_has_room() -> None:
    assert homes(place(needs({"A": 1}, {"A": 2}, {"A": 1}), offers(("A", 4)))) == [
        ("m0", "n0", "A"),
        ("m1", "n0", "A"),
        ("m2", "n0", "A"),
    ]


def test_of_two_kinds_that_as_many_want_the_one_that_is_filled_is_taken() -> None:
    assert homes(place(needs({"A": 4, "B": 1}), offers(("A", 4), ("B", 3)))) == [("m0", "n0", "A")]
    assert homes(place(needs({"A": 1, "B": 4}), offers(("A", 2), ("B", 4)))) == [("m0", "n1", "B")]


def test_large_models_come_first_whatever_the_manifest_s_order() -> None:
    """In the order of the manifest the small ones would take the large ones' nodes."""
    wants = needs(*({"A": 1} for _ in range(300)), *({"A": 2} for _ in range(150)))
    placement = place(wants, offers(*(("A", 3) for _ in range(200))))
    assert placement.all_together


def test_a_kind_that_is_free_nowhere_is_no_option() -> None:
    placement = place(needs({"A": 1, "B": 1}), offers(("A", 1), ("B", 0, 8)))
    assert homes(placement) == [("m0", "n0", "A")]
    assert place(needs({"B": 1}), offers(("B", 0, 8))).unplaced == ("m0",)


def test_a_node_without_any_unit_of_a_kind_does_not_offer_it() -> None:
    nodes = [Offer(node="n0", kind="A", free=0, size=8), Offer(node="n1", kind="B", free=0)]
    (told,) = place(needs({"B": 1, "A": 9}), nodes).missing
    assert told == "A: 1 more node with 9 free, for m0 (none is free)"
    assert place(needs({"B": 1, "A": 9}), [nodes[0], Offer(node="n1", kind="B", free=1)]).all_together


def test_options_of_no_units_are_none() -> None:
    placement = place(needs({"A": 0}), offers(("A", 4)))
    assert placement.missing == ("m0: no kind of GPU here serves it",)


# N more nodes.


@pytest.mark.parametrize(
    ("wanted", "given", "told"),
    [
        # Two of three fit on one node as large as the largest today.
        (
            [3, 3, 3],
            [(0, 8)],
            "A: 1 more node with 6 free and 1 more node with 3 free, for m0, m1, m2 (none is free)",
        ),
        ([8, 8], [(0, 8)], "A: 2 more nodes with 8 free, for m0, m1 (none is free)"),
        (
            [8, 8, 8, 2],
            [(1, 8)],
            "A: 3 more nodes with 8 free and 1 more node with 2 free, "
            "for m0, m1, m2 and 1 more (1 are free, at most 1 on one node)",
        ),
        ([4, 4, 4, 4, 4], [(0, 4)], "A: 5 more nodes with 4 free, for m0, m1, m2 and 2 more (none is free)"),
        # The large ones are packed first, then the small ones beside them.
        (
            [1, 5, 2, 6],
            [(0, 8)],
            "A: 1 more node with 8 free and 1 more node with 6 free, "
            "for m0, m1, m2 and 1 more (none is free)",
        ),
        ([2, 2, 6, 6], [(0, 8)], "A: 2 more nodes with 8 free, for m0, m1, m2 and 1 more (none is free)"),
        (
            [5, 4, 4],
            [(0, 8)],
            "A: 1 more node with 8 free and 1 more node with 5 free, for m0, m1, m2 (none is free)",
        ),
        # Larger than any node: it would need one of its own size, and that is full then.
        (
            [9, 1],
            [(0, 8)],
            "A: 1 more node with 9 free and 1 more node with 1 free, for m0, m1 (none is free)",
        ),
        (
            [7, 7],
            [(3, 8), (2, 4)],
            "A: 2 more nodes with 7 free, for m0, m1 (5 are free, at most 3 on one node)",
        ),
        (
            [7, 7],
            [(2, 4), (3, 8)],
            "A: 2 more nodes with 7 free, for m0, m1 (5 are free, at most 3 on one node)",
        ),
        (
            [4, 4],
            [(3, 8), (2, 4)],
            "A: 1 more node with 8 free, for m0, m1 (5 are free, at most 3 on one node)",
        ),
        (
            [4, 4],
            [(2, 4), (3, 8)],
            "A: 1 more node with 8 free, for m0, m1 (5 are free, at most 3 on one node)",
        ),
        # What is free is the size where none is told.
        ([4, 4, 4], [(4, 0)], "A: 2 more nodes with 4 free, for m1, m2 (4 are free, at most 4 on one node)"),
    ],
)
def test_the_nodes_that_are_missing_are_as_large_as_today_s_and_as_few_as_can_be(
    wanted: list[int], given: list[tuple[int, int]], told: str
) -> None:
    placement = place(needs(*({"A": units} for units in wanted)), offers(*(("A", *each) for each in given)))
    assert placement.missing == (told,)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"A": 4, "B": 2}, "B"),  # fewer units
        ({"B": 2, "A": 4}, "B"),
        ({"A": 8, "B": 9}, "A"),  # fits on a node of today's size, just so
        ({"A": 9, "B": 8}, "B"),
        ({"A": 9, "C": 1}, "A"),  # too large for today's nodes, yet of a kind that is there
        ({"C": 1, "A": 2}, "A"),
        ({"A": 8, "B": 10}, "A"),
        ({"A": 8, "D": 2}, "A"),  # as many as a node has, and not too many of a smaller one
        ({"A": 9, "D": 1}, "D"),  # fits on a node, though that one is small
    ],
)
def test_the_kind_that_is_missing_is_one_at_hand_on_whose_nodes_it_fits(
    options: dict[str, int], kind: str
) -> None:
    (told,) = place(needs(options), offers(("A", 0, 8), ("B", 0, 8), ("D", 0, 1))).missing
    assert told.startswith(f"{kind}: 1 more node with {options[kind]} free, for m0")


def test_each_kind_that_is_missing_is_told_and_what_nothing_serves_first() -> None:
    placement = place(needs({"A": 1}, {}, {"B": 2}, {"A": 2}), offers(("A", 0, 2), ("B", 0, 2)))
    assert placement.missing == (
        "m1: no kind of GPU here serves it",
        "A: 1 more node with 2 free and 1 more node with 1 free, for m0, m3 (none is free)",
        "B: 1 more node with 2 free, for m2 (none is free)",
    )
