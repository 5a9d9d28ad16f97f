"""Manifests of our own in the ways in which public projects write theirs: read, judged and edited as by hand.

`make published` does the same with the published ones, which are not kept here.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

TESTS = Path(__file__).parents[2]
sys.path.insert(0, str(TESTS.parent / "tools"))

from published.answers import edited, rewritten  # noqa: E402
from published.judging import verdicts  # noqa: E402
from published.readings import differences, reading_of  # noqa: E402

FOLDER = TESTS / "data" / "manifests"
RECORDS: list[dict[str, Any]] = yaml.safe_load(
    (TESTS / "data" / "manifests.yaml").read_text(encoding="utf-8")
)
KINDS = {"isvc": "InferenceService", "llm": "LLMInferenceService", "dep": "Deployment", "pod": "Pod"}
EMPTY = {"namespace": "", "source": "", "runtime": "", "image": "", "cpu": "", "memory": ""}
USUAL = {
    **EMPTY,
    "gpus": 1,
    "resource": "nvidia.com/gpu",
    "pods": 1,
    "copies": 1,
    "args": [],
    "environment": {},
}
OPEN_TO_EDITS = 4
"""Edits that are proven at least, of each thing to serve whose arguments are understood."""


def whole(record: dict[str, Any]) -> dict[str, Any]:
    """A record with what its rows leave out."""
    usual = {**USUAL, "kind": KINDS.get(record["file"].partition("-")[0], "")}
    return {**record, "models": [{**usual, **row} for row in record["models"]]}


def test_every_manifest_has_its_rows_and_forty_are_there() -> None:
    files = {record["file"] for record in RECORDS}
    assert files == {path.name for path in FOLDER.glob("*.yaml")}
    assert sum(bool(record["models"]) for record in RECORDS) >= 40


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record["file"])
def test_it_is_read_as_by_hand_and_edited_in_its_places_alone(record: dict[str, Any]) -> None:
    data = (FOLDER / record["file"]).read_bytes()
    read = reading_of(data, record["file"])
    assert list(differences(read, whole(record))) == []
    for row in record["models"]:
        assert sorted({one.code for one in read.models[row["name"]].open}) == row.get("open", []), row["name"]
    proven, refused, faults = edited(data, read, seed=record["file"], most=8)
    assert faults == []
    _, faults = rewritten(data, read, seed=record["file"], most=1)
    assert faults == []
    assert record.get("unclear") or proven >= OPEN_TO_EDITS * len(record["models"]), refused


@pytest.mark.parametrize(
    ("file", "word"),
    [
        ("isvc-runtime-in-file.yaml", "UNKNOWN"),
        ("isvc-two-namespaces.yaml", "UNKNOWN"),
        ("isvc-amd-limits-only.yaml", "NO-GO"),
        ("llm-data-parallel.yaml", "NO-GO"),
        ("llm-flow-cpu.yaml", "UNKNOWN"),
        ("dep-nothing-asked.yaml", "NO-GO"),
        ("lws-ray.yaml", "NO-GO"),
        ("sts-anchors.yaml", "GO"),
    ],
)
def test_it_is_judged_without_a_network(file: str, word: str) -> None:
    data = (FOLDER / file).read_bytes()
    found = verdicts(data, file, reading_of(data, file))
    assert {one["eight"].partition(":")[0].split(" ")[0].rstrip(",") for one in found.values()} == {word}
