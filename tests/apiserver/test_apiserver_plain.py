"""A Kubernetes without OpenShift that has a node of every flavour: each is accepted, read back and
classified."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from cluster_support import as_node, assert_answer, flavours, options
from server import ApiServer

from modelcar_tui.cluster.look import read_cluster
from modelcar_tui.cluster.report import accelerator_rows
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.demo.kube_objects import NODES


@pytest.fixture(scope="module")
def report(server: ApiServer) -> AcceleratorReport:
    for one in flavours():
        server.make(NODES, as_node(one))
    return asyncio.run(read_cluster(options(server.kubeconfig(), read_timeout_s=10, request_timeout_s=20)))


@pytest.mark.parametrize("flavour", flavours(), ids=lambda one: one["id"])
def test_every_flavour_gives_its_answer(report: AcceleratorReport, flavour: dict[str, Any]) -> None:
    assert_answer(next(one for one in accelerator_rows(report) if one["name"] == flavour["id"]), flavour)


def test_what_is_not_there_is_said(report: AcceleratorReport) -> None:
    """No Templates, no KServe, no Dynamic Resource Allocation in a server of this age; the GPUs all the
    same."""
    assert report.access.healthy
    assert report.inventory.nodes_seen == len(flavours())
    assert not report.inventory.partial
    assert report.inventory.problems == ()
    assert report.runtime is None
    assert "it is not OpenShift" in str(report.runtime_problem)
    assert [(check.code, check.state.value) for check in report.checks] == [("kserve", "blocked")]
