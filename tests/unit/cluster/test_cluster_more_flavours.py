"""Flavours beyond the shared table, through the command's own path: a file, and the rows of its JSON."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from typing import Any

import cluster_support as fixtures
import msgspec
import pytest

from modelcar_tui.cluster.classify import classify
from modelcar_tui.cluster.report import accelerator_rows
from modelcar_tui.cluster.snapshot import read_snapshot
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Guarantee, OtherNode
from modelcar_tui.kube import objects
from modelcar_tui.kube.types import Access, Rung

MORE = fixtures.more_flavours()
POOL = ("resource", "units", "mem_mib", "mem_guarantee", "mem_from")


def rows_of(path: Path, objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    path.write_bytes(msgspec.json.encode({"apiVersion": "v1", "kind": "List", "items": objects}))
    report = AcceleratorReport(access=Access(rung=Rung.WHAT_IF), inventory=read_snapshot(path).inventory)
    return {str(row["name"]): row for row in accelerator_rows(report)}


def test_there_are_enough_of_them() -> None:
    assert len({flavour["id"] for flavour in MORE}) == len(MORE) >= 60


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    slices = [one for one in map(fixtures.devices, MORE) if one is not None]
    return rows_of(tmp_path_factory.mktemp("more") / "nodes.json", [*map(fixtures.expanded, MORE), *slices])


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


def classified(node: dict[str, Any]) -> GpuNode | OtherNode:
    return classify(msgspec.convert(node, objects.Node))


LOOKS_WHOLE = (
    "two-products",
    "amd-two-kinds",
    "shares-that-gfd-was-not-told-of",
    "shares-that-old-gfd-was-not-told-of",
    "mig-single-more-units-than-slices",
    "mig-mixed-more-units-than-slices",
    "shares-without-those-of-a-sick-card",
    "tiny-display-card-labelled",
    "two-device-ids",
)
"""Two kinds of card on one node, or shares of it: without the labels that contradict each other, or the
units, whole cards of one kind are left."""


@pytest.mark.parametrize(
    "flavour", [one for one in MORE if one["id"] not in LOOKS_WHOLE], ids=lambda one: str(one["id"])
)
def test_no_two_lost_labels_make_a_unit_larger_or_worth_more(flavour: dict[str, Any]) -> None:
    node = fixtures.expanded(flavour)
    whole = classified(node)
    if not isinstance(whole, GpuNode):
        return
    truth = {pool.resource: pool for pool in whole.pool}
    for lost in itertools.combinations(sorted(node["metadata"]["labels"]), 2):
        poorer = copy.deepcopy(node)
        for key in lost:
            del poorer["metadata"]["labels"][key]
        left = classified(poorer)
        for pool in left.pool if isinstance(left, GpuNode) else ():
            known = truth[pool.resource]
            assert pool.units == known.units, lost
            if pool.mem_mib is not None:
                assert known.mem_mib is not None, lost
                assert pool.mem_mib <= known.mem_mib, lost
                assert pool.mem_guarantee in (Guarantee.UNKNOWN, known.mem_guarantee) or whole_unknown(
                    known
                ), lost


def whole_unknown(pool: Any) -> bool:
    """A reconfiguration under way is told by one label; without it the others stand."""
    return pool.mem_guarantee is Guarantee.UNKNOWN and pool.mem_from == "label"
