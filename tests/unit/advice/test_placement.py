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


def test_when_the_time_is_over_the_best_so_far_is_returned_and_said() -> None:
    chance = random.Random(1)
    nodes = offers(*((chance.choice(KINDS), chance.randint(1, 8)) for _ in range(40)))
    wants = needs(*({kind: chance.randint(1, 8) for kind in chance.sample(KINDS, 2)} for _ in range(100)))
    ticks = iter(range(10_000_000))
    placement = place(wants, nodes, seconds=3, clock=lambda: float(next(ticks)))
    check(placement, wants, nodes)
    assert not placement.exact and placement.placed


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


def test_very_many_models_are_placed_without_the_search() -> None:
    placement = place(needs(*({"A": 1} for _ in range(1500))), offers(("A", 8), ("A", 8)))
    assert len(placement.placed) == 16 and not placement.exact
