"""Where something is open an estimate is a range: its lower end is what is promised."""

from __future__ import annotations

import pytest

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.known import known_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args


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


def test_a_range_says_what_it_hangs_on_and_that_its_lower_end_is_the_promise():
    model = known_model("llama-3.1-8b")
    for gpu, words in (("MI300X", "HIP's libraries"), ("H100", "")):
        found = estimate(
            ModelFacts(config=dict(model.config)),
            gpu_for(gpu),
            read_engine_args((), None, "0.18.0"),
            vllm="0.18.0",
        )
        said = [note for note in found.notes if "its lower end is the promise" in note]
        assert bool(said) is bool(words) and all(words in note for note in said)
        assert (found.kv_available_gib.low is not None) is bool(words)
