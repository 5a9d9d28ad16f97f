"""The judgement of a DataScienceCluster and a DSCInitialization, in states that the operator writes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from modelcar_tui.cluster.data_science_cluster import DataScienceCluster, judged
from modelcar_tui.cluster.operators import Initialization, initialization
from modelcar_tui.cluster.types import State


@cache
def cases() -> list[dict[str, Any]]:
    text = (Path(__file__).parent / "data_science_clusters.yaml").read_text()
    found: list[dict[str, Any]] = yaml.safe_load(text)
    return found


def condition(line: str | dict[str, Any]) -> dict[str, Any]:
    """A line of the table as the operator's JSON."""
    observed = 0
    if isinstance(line, dict):
        line, observed = line["line"], line["observed"]
    head, _, message = line.partition(" | ")
    made = dict(zip(("type", "status", "reason", "severity"), head.split(), strict=False))
    if "reason" in made:
        made["reason"] = made["reason"].replace("_", " ")
    made |= {"message": message} if message else {}
    return made | ({"observedGeneration": observed} if observed else {})


def as_object(case: dict[str, Any]) -> dict[str, Any]:
    """A case as the API's JSON."""
    state = case.get("kserve", "Managed")
    metadata: dict[str, Any] = {"name": "default-dsc", "generation": case.get("generation", 1)}
    if case.get("deleted"):
        metadata["deletionTimestamp"] = "2026-11-01T08:00:00Z"
    status: dict[str, Any] = {"conditions": [condition(line) for line in case["conditions"]]}
    for name, key in (("phase", "phase"), ("observed", "observedGeneration")):
        if name in case:
            status[key] = case[name]
    return {
        "metadata": metadata,
        "spec": {"components": {} if state == "unset" else {"kserve": {"managementState": state}}},
        "status": status,
    }


def read(value: object) -> DataScienceCluster:
    return msgspec.json.decode(msgspec.json.encode(value), type=DataScienceCluster)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_what_the_operator_says_is_judged(case: dict[str, Any]) -> None:
    found = judged([read(as_object(case))])
    assert found.state is State(case["state"]), found.what
    for words in case.get("says", ()):
        assert words in f"{found.what} {found.fix}"
    for words in case.get("never", ()):
        assert words not in found.what
    assert found.what.isprintable()
    assert (found.fix == "") == (found.state is State.OK)


def test_there_are_enough_states_and_each_names_its_source() -> None:
    assert len(cases()) >= 40
    assert all(case["from"] for case in cases())
    assert {case["state"] for case in cases()} == set(State)


def test_a_cluster_without_one_serves_nothing() -> None:
    assert judged([]).state is State.BLOCKED


def test_more_than_one_is_told_with_the_worst_of_them() -> None:
    by_id = {case["id"]: read(as_object(case)) for case in cases()}
    well, removed = by_id["3.4-as-installed"], by_id["kserve-removed"]
    for several, state in (((well, well), State.WARNING), ((well, removed), State.WARNING)):
        found = judged(several)
        assert found.state is state
        assert found.what.startswith("there are 2 DataScienceClusters (default-dsc, default-dsc)")
    assert "component is removed" in judged([well, removed]).what
    assert judged([removed, removed]).state is State.BLOCKED


@pytest.mark.parametrize(
    ("phase", "lines", "says"),
    [
        # rhods-operator, internal/controller/dscinitialization: the older form, in 3.4 too
        ("Ready", ["ReconcileComplete True ReconcileCompleted", "Degraded False ReconcileCompleted"], None),
        ("Ready", ["ReconcileComplete True Done", "CapabilityServiceMesh False Removed | not wanted"], None),
        ("Ready", ["Upgradeable False Any", "Available True Any"], None),
        ("Progressing", ["ReconcileComplete Unknown ReconcileInit | Initializing"], "Initializing"),
        ("Error", ["Degraded True ReconcileFailed | no namespace"], "no namespace"),
        ("Error", ["ReconcileComplete False ReconcileFailed | no namespace"], "no namespace"),
        ("Error", [], "phase is Error"),
        ("", [], None),
    ],
)
def test_an_initialization_is_spoken_of_where_it_is_not_well(
    phase: str, lines: list[str], says: str | None
) -> None:
    value = {"status": {"phase": phase, "conditions": [condition(line) for line in lines]}}
    found = initialization([msgspec.json.decode(msgspec.json.encode(value), type=Initialization)])
    if says is None:
        assert found is None
    else:
        assert found is not None
        assert found.state is State.WARNING
        assert says in found.what


def test_an_initialization_that_is_missing_or_goes_is_told() -> None:
    value = {"metadata": {"deletionTimestamp": "2026-11-01T08:00:00Z"}}
    gone = msgspec.json.decode(msgspec.json.encode(value), type=Initialization)
    assert [found and found.state for found in (initialization([]), initialization([gone]))] == [
        State.WARNING,
        State.WARNING,
    ]
