"""Facts told of a run: the release as the operator gave it, and no more requests than are allowed."""

from __future__ import annotations

import msgspec
import pytest

from modelcar_tui.cluster.types import AcceleratorReport, Inventory
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest.plan import Change, Operation, Plan
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.supervisor.llm.named import Named, named_facts, verdict_facts
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict.reports import DecisionReport, ModelVerdict, Verdict


def facts(state: RunState) -> dict[str, Named]:
    return {fact.id: fact for fact in named_facts(state)}


def test_the_release_is_told_as_the_operator_gave_it() -> None:
    cluster = AcceleratorReport(access=Access(rung=Rung.OK), inventory=Inventory())
    assert facts(RunState(cluster=cluster))["runtime/vllm"].value == "not known"
    told = facts(RunState(cluster=cluster, vllm="0.11.2"))["runtime/vllm"]
    assert (told.value, told.source) == ("0.11.2", "operator")


@pytest.mark.parametrize(("most", "told"), [(16, 16), (None, 19.56), (32, 19.56)])
def test_requests_at_once_are_never_more_than_max_num_seqs(most: int | None, told: float) -> None:
    estimate = Estimate(
        outcome=Outcome.STARTS,
        why="w",
        max_concurrency=Fact(value=19.56, source=Source.COMPUTED),
        kv_available_gib=Fact(value=1.0, source=Source.COMPUTED),
    )
    model = ModelVerdict(model="a", verdict=Verdict.GO, comparison="", why="w", estimate=estimate)
    found = {fact.id: fact.value for fact in verdict_facts(model, most)}
    assert found["estimate/a/concurrency"] == told


@pytest.mark.parametrize(("count", "words"), [(1, "1 proposed change"), (2, "2 proposed changes")])
def test_what_changes_make_of_it_is_told_with_what_fits_at_once(count: int, words: str) -> None:
    change = Change(id="a", model="a", operation=Operation.ADD, flag="--x", reason="r")
    plan = Plan(base="x", base_sha256="", target="y", changes=(change,) * count)
    report = DecisionReport(verdict=Verdict.NO_GO, why="w", plan=plan, with_changes=Verdict.GO)
    assert facts(RunState(decision=report))["verdict/with_changes"].note == words
    tight = msgspec.structs.replace(report, together="4 of 5 fit at once", missing=("1 x L40S",))
    told = facts(RunState(decision=tight))["verdict/with_changes"].note
    assert told == f"{words}; each alone, 4 of 5 fit at once"
