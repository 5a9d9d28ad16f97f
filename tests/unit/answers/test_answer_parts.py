"""Ids and four operations: what may be said of which facts, and what stands first."""

from __future__ import annotations

import pytest

from modelcar_tui.supervisor.answers import Part, PartError, Rules, RunFact, WhatIf, rendered
from modelcar_tui.supervisor.answers.parts import THEIR_CANNOT
from support.scenarios import VLLM, E, G, L, Q, W, finished

BASE = "base-l40s"


@pytest.fixture
def rules() -> Rules:
    return Rules(finished(BASE), vllm=VLLM)


def lines(rules: Rules, *parts: Part, asked: tuple[str, ...] = ()) -> list[str]:
    return rendered(parts, rules.facts, asked)[0]


def test_the_bad_news_stands_first_though_nobody_chose_it(rules: Rules) -> None:
    told = lines(rules, Part(ids=(f"model/{L}/parameters",)))
    assert told[0].startswith(f"{L} is NO-GO: ")
    told = lines(rules, Part(ids=("verdict/with_changes",)))
    assert told[0].startswith("This run says NO-GO: ") and len(told) == 2
    told = lines(rules, Part(ids=tuple(f"model/{name}/weights" for name in (G, Q, W, E))))
    assert told[0].startswith("This run says NO-GO: ") and len(told) == 5, "of many models the run's own"


def test_a_model_that_the_question_names_is_told_with_its_verdict(rules: Rules) -> None:
    told = lines(rules, Part(ids=("gpu/free",)), asked=(L,))
    assert told[0].startswith(f"{L} is NO-GO: ")
    with pytest.raises(PartError, match="no fact of the model that the question names"):
        lines(rules, Part(ids=(f"model/{G}/weights",)), asked=(L,))


def test_a_what_if_carries_its_terms_and_this_run_s_verdict_whatever_of_it_is_chosen(rules: Rules) -> None:
    rules.attempt(WhatIf(model=L, arguments={"--tensor-parallel-size": "8"}, gpu="B200:8"))
    told = lines(rules, Part(ids=("what-if-1/kv_cache",)))
    head = f"With --tensor-parallel-size=8 on 8 x B200 {L} would be GO (this run, as it is: NO-GO): "
    assert told[0].startswith(head) and told[1].startswith(f"  Then {L} leaves ") and len(told) == 2
    told = lines(rules, Part(ids=("what-if-1/verdict",)), asked=(L,))
    assert told[0].startswith(head) and len(told) == 1
    told = lines(rules, Part(do="compare", ids=("what-if-1/need", f"model/{L}/need")))
    assert told[0].startswith(f"{L} is NO-GO") and "with --tensor-parallel-size=8 on 8 x B200" in told[-1]


def test_what_is_calculated_names_its_operands(rules: Rules) -> None:
    told = lines(rules, Part(do="calc", how="sum", ids=(f"model/{G}/weights", f"model/{Q}/weights")))
    assert told[-1] == (f"Size of the weights, in all: {G} (15.22 GiB) + {Q} (5.31 GiB) = 20.53 GiB.")
    two = (f"model/{L}/weights_each", f"model/{L}/gpu_memory")
    assert lines(rules, Part(do="calc", how="difference", ids=two))[-1].endswith(": 86.46 GiB.")
    assert "is 2.92 times" in lines(rules, Part(do="calc", how="ratio", ids=two))[-1]
    assert "is 292 % of" in lines(rules, Part(do="calc", how="percent", ids=two))[-1]
    assert "is more than" in lines(rules, Part(do="compare", ids=two))[-1]


def test_what_is_calculated_with_what_ifs_stands_under_their_verdicts(rules: Rules) -> None:
    rules.attempt(WhatIf(model=L, arguments={"--tensor-parallel-size": "4"}))
    rules.attempt(WhatIf(model=L, arguments={"--tensor-parallel-size": "8"}, gpu="L40S:8"))
    two = ("what-if-1/kv_cache", "what-if-2/kv_cache")
    for part in (Part(do="compare", ids=two), Part(do="calc", how="difference", ids=two)):
        told = lines(rules, part, asked=(L,))
        assert len(told) == 3 and all("(this run, as it is: NO-GO)" in line for line in told[:2])
        assert told[-1].startswith(f"Memory left for the KV cache of {L} with --tensor-parallel-size=4 (")


def test_a_share_of_a_card_reads_as_a_sentence(rules: Rules) -> None:
    rules.mention("how much of an L40S?")
    told = lines(rules, Part(do="calc", how="percent", ids=(f"model/{G}/weights", "card/L40S")))
    assert told[-1] == f"Size of the weights of {G} (15.22 GiB) is 33.8 % of memory of L40S (44.99 GiB)."
    told = lines(rules, Part(do="calc", how="percent", ids=(f"model/{G}/weights", f"model/{G}/gpu_memory")))
    assert told[-1].endswith(f" % of memory of the GPU of {G} (44.99 GiB).")


def guessed(name: str, value: float, low: float, high: float) -> RunFact:
    more = {"low": low, "high": high}
    return RunFact(id=name, measure="need", model=name, value=value, unit="GiB", guess=True, more=more)


def test_what_is_made_of_a_guess_is_one() -> None:
    sure = RunFact(id="s", measure="need", model="s", value=80.0, unit="GiB")
    facts = {"g": guessed("g", 90.0, 63.0, 116.0), "far": guessed("far", 20.0, 10.0, 30.0), "s": sure}
    for how in ("sum", "difference", "ratio", "percent"):
        told, _ = rendered([Part(do="calc", how=how, ids=("g", "s"))], facts)
        assert told[-1].endswith("(from a guess)."), how
    told, _ = rendered([Part(do="compare", ids=("g", "s"))], facts)
    assert "is by a guess above" in told[-1]
    told, _ = rendered([Part(do="compare", ids=("far", "s"))], facts)
    assert "is below" in told[-1], "whatever it is within its bounds"


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (Part(ids=("model/nobody/weights",)), "an id that is none"),
        (Part(), "without a part"),
        (Part(do="calc", how="sum", ids=(f"model/{G}/weights",)), "two or more facts"),
        (Part(do="calc", how="sum", ids=(f"model/{G}/weights", f"model/{G}/need")), "different measures"),
        (Part(do="calc", how="sum", ids=(f"model/{G}/weights", f"model/{G}/context")), "different units"),
        (Part(do="calc", how="sum", ids=(f"model/{G}/verdict", f"model/{L}/verdict")), "numbers are known"),
        (Part(do="calc", how="sum", ids=(f"model/{L}/help", f"model/{G}/copies")), "numbers are known"),
        (Part(do="calc", how="ratio", ids=tuple(f"model/{one}/weights" for one in (G, Q, W))), "two facts"),
        (Part(do="compare", ids=tuple(f"model/{one}/weights" for one in (G, Q, W))), "needs two facts"),
        *(
            (Part(do="calc", how="sum", ids=tuple(f"model/{one}/{what}" for one in (G, Q))), "not add up")
            for what in ("copies", "gpu_memory", "context", "longest_context", "on/L40S 45 GiB")
        ),
        (Part(do="calc", how="ratio", ids=("gpu/free", "models")), "different units"),
    ],
)
def test_what_makes_no_sense_is_not_said(rules: Rules, part: Part, why: str) -> None:
    with pytest.raises(PartError, match=why):
        lines(rules, part)


def test_a_sum_counts_nothing_twice_and_a_division_needs_something() -> None:
    facts = {
        "a": RunFact(id="a", measure="weights", model="m", value=1, unit="GiB"),
        "b": RunFact(id="b", measure="weights", model="m", value=1, unit="GiB"),
        "c": RunFact(id="c", measure="weights", model="n", value=0, unit="GiB"),
    }
    with pytest.raises(PartError, match="counts one thing twice"):
        rendered([Part(do="calc", how="sum", ids=("a", "b"))], facts)
    with pytest.raises(PartError, match="division by nothing"):
        rendered([Part(do="calc", how="ratio", ids=("a", "c"))], facts)


def test_a_refusal_says_so_before_the_nearest_facts(rules: Rules) -> None:
    told = lines(rules, Part(do="cannot", ids=(f"model/{G}/weights",)), asked=(G,))
    assert told[:2] == [THEIR_CANNOT, "The nearest that it tells:"]
    assert told[2].startswith(f"{G} is GO") and told[3].startswith("The weights of")
    assert lines(rules, Part(do="cannot")) == [THEIR_CANNOT]


def test_an_answer_has_an_end(rules: Rules) -> None:
    parts = [Part(ids=tuple(rules.facts))] * 100
    assert len(lines(rules, *parts)) <= 40


def test_needs_on_each_of_several_gpus_are_no_sum() -> None:
    def need(name: str, gpus: int) -> RunFact:
        return RunFact(id=name, measure="need", model=name, value=17, unit="GiB", more={"gpus": gpus})

    part = Part(do="calc", how="sum", ids=("a", "b"))
    assert rendered([part], {"a": need("a", 1), "b": need("b", 1)})[0][-1].endswith("= 34 GiB.")
    with pytest.raises(PartError, match="not add up"):
        rendered([part], {"a": need("a", 1), "b": need("b", 2)})
