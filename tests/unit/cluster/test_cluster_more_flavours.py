"""Flavours beyond the shared table, through the command's own path: a file, and the rows of its JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cluster_support as fixtures
import msgspec
import pytest
import yaml

from modelcar_tui.cluster.report import rows
from modelcar_tui.cluster.snapshot import read_inventory
from modelcar_tui.cluster.types import AcceleratorReport, Access, Rung

MORE: list[dict[str, Any]] = yaml.safe_load((fixtures.HERE / "more_flavours.yaml").read_text())["nodes"]
POOL = ("resource", "units", "mem_mib", "mem_guarantee", "mem_from")


def expanded(flavour: dict[str, Any]) -> dict[str, Any]:
    """The short form as a core/v1 Node."""
    labels = dict(flavour.get("labels", {}))
    for key, value in flavour.get("gfd", {}).items():
        if key == "cc":
            major, minor = value.split(".")
            labels |= {"nvidia.com/gpu.compute.major": major, "nvidia.com/gpu.compute.minor": minor}
        else:
            labels[f"nvidia.com/gpu.{key}"] = str(value)
    whole = {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"} | labels
    node = fixtures.as_node(
        {
            **flavour, "labels": whole, "capacity": flavour["cap"],
            "allocatable": flavour.get("alloc", flavour["cap"]),
        }
    )  # fmt: skip
    if flavour.get("deleted"):
        node["metadata"]["deletionTimestamp"] = "2026-11-01T00:00:00Z"
    return node


def rows_of(path: Path, objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    path.write_bytes(msgspec.json.encode({"apiVersion": "v1", "kind": "List", "items": objects}))
    report = AcceleratorReport(access=Access(rung=Rung.WHAT_IF), inventory=read_inventory(path))
    return {str(row["name"]): row for row in rows(report)}


def test_there_are_enough_of_them() -> None:
    assert len({flavour["id"] for flavour in MORE}) == len(MORE) >= 60


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return rows_of(tmp_path_factory.mktemp("more") / "nodes.json", [expanded(flavour) for flavour in MORE])


@pytest.mark.parametrize("flavour", MORE, ids=[flavour["id"] for flavour in MORE])
def test_every_further_flavour_gets_the_expected_answer(
    flavour: dict[str, Any], answers: dict[str, dict[str, Any]]
) -> None:
    row = answers[flavour["id"]]
    expect = dict(flavour["expect"])
    if (wanted := expect.pop("pool", None)) is not None:
        assert [tuple(pool[key] for key in POOL) for pool in row["pool"]] == [tuple(pool) for pool in wanted]
    if (note := expect.pop("note", None)) is not None:
        assert any(note in one for one in row["notes"])
    assert {key: row[key] for key in expect} == expect
