"""Facts told of a run: the release as the operator gave it, and what changes make of it."""

from __future__ import annotations

import msgspec
import pytest

from modelcar_tui.cluster.types import AcceleratorReport, Inventory
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest.plan import Change, Operation, Plan
from modelcar_tui.supervisor.answers import RunFact, run_facts, sentence
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict.reports import DecisionReport, Verdict


def facts(state: RunState) -> dict[str, RunFact]:
    return {fact.id: fact for fact in run_facts(state)}


def test_the_release_is_told_as_the_operator_gave_it() -> None:
    cluster = AcceleratorReport(access=Access(rung=Rung.OK), inventory=Inventory())
    assert facts(RunState(cluster=cluster))["runtime/vllm"].value is None
    told = facts(RunState(cluster=cluster, vllm="0.11.2"))["runtime/vllm"]
    assert (told.value, told.source) == ("0.11.2", "operator")


@pytest.mark.parametrize(
    ("count", "words"), [(1, "With the proposed change"), (2, "With the 2 proposed changes")]
)
def test_what_changes_make_of_it_is_told_with_what_fits_at_once(count: int, words: str) -> None:
    changes = tuple(
        Change(id=str(number), model="a", operation=Operation.ADD, flag="--x", reason="r")
        for number in range(count)
    )
    plan = Plan(base="x", base_sha256="", target="y", changes=changes)
    report = DecisionReport(verdict=Verdict.NO_GO, why="w", plan=plan, with_changes=Verdict.GO)
    assert sentence(facts(RunState(decision=report))["verdict/with_changes"]) == f"{words} it would be GO."
    tight = msgspec.structs.replace(report, together="4 of 5 fit at once", missing=("1 x L40S",))
    told = sentence(facts(RunState(decision=tight))["verdict/with_changes"])
    assert told == f"{words} it would be GO, each model alone; 4 of 5 fit at once."
