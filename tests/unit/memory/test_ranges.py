"""Where something is open an estimate is a range: its lower end is what is promised."""

from __future__ import annotations

import pytest

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.memory.types import Estimate, Outcome


def starting(requests: Fact[float]) -> Estimate:
    return Estimate(outcome=Outcome.STARTS, why="", max_concurrency=requests)


@pytest.mark.parametrize(
    ("low", "tight"), [(1.1, True), (1.4, False), (None, False)], ids=["below", "above", "exact"]
)
def test_a_start_is_tight_where_its_lower_end_is(low, tight):
    requests = Fact(value=2.0, source=Source.COMPUTED, low=low, high=None if low is None else 3.0)
    assert starting(requests).tight is tight


def test_what_can_be_counted_on_is_the_lower_bound_or_the_value_and_nothing_of_what_is_unknown():
    assert Fact(value=5, low=3.0, high=9.0).least == 3.0
    assert Fact(value=5).least == 5
    assert Fact[int](low=3.0).least is None
