"""`r`: only what changes is read again, quotas come along, and one line says what came out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cluster_support import QUICK, look_at, options
from test_cluster_files import POD, node

from modelcar_tui.cluster.look import NODES_KEEP_S, read_cluster, refresh_cluster
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.demo.kube import StubCluster, start_stub_cluster
from modelcar_tui.demo.kube_objects import PODS, QUOTAS, pod
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai
from modelcar_tui.kube.types import ClusterOptions
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.looking import look_again
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState


def with_quota(used: int) -> dict[str, Any]:
    amounts = {"hard": {"requests.nvidia.com/gpu": "8"}, "used": {"requests.nvidia.com/gpu": str(used)}}
    return {"metadata": {"name": "gpus", "namespace": "default"}, "status": amounts}


def quota(report: AcceleratorReport) -> str:
    return next(check.what for check in report.checks if check.code == "quota")


async def test_quotas_are_read_again_and_nodes_are_not(tmp_path: Path) -> None:
    scenario: Scenario = openshift_ai()
    scenario.objects[QUOTAS] = [with_quota(2)]
    with start_stub_cluster(scenario, folder=tmp_path, tls=False) as cluster:
        report, _ = await look_at(cluster)
        assert quota(report) == "quota gpus leaves 6 of 8 nvidia.com/gpu"
        cluster.store.put(QUOTAS, [with_quota(8)])
        asked = len(cluster.requests)
        again = await refresh_cluster(options(cluster.kubeconfig_path), report)
        assert not any("/nodes" in request or "templates" in request for request in cluster.requests[asked:])
    assert quota(again) == "quota gpus leaves 0 of 8 nvidia.com/gpu"
    assert [check.code for check in again.checks].count("quota") == 1
    assert len(again.checks) == len(report.checks)


async def test_nodes_that_were_read_long_ago_are_read_again_however_often_pods_were(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path, tls=False) as cluster:
        report, _ = await look_at(cluster)
        again = await refresh_cluster(options(cluster.kubeconfig_path), report)
        assert again.inventory.nodes_at == report.inventory.nodes_at
        assert again.inventory.at > report.inventory.at
        old = msgspec.structs.replace(again.inventory, nodes_at=again.inventory.nodes_at - NODES_KEEP_S - 1)
        asked = len(cluster.requests)
        await refresh_cluster(options(cluster.kubeconfig_path), msgspec.structs.replace(again, inventory=old))
        assert any("/api/v1/nodes" in request for request in cluster.requests[asked:])


async def say_again(stub: StubCluster, report: AcceleratorReport | None) -> tuple[str, list[e.AnyEvent]]:
    said: list[e.AnyEvent] = []
    settings = Settings(manifest="m.yaml", kubeconfig=str(stub.kubeconfig_path))
    line = await look_again(settings, RunState(cluster=report), said.append)
    return line, said


async def test_the_line_says_what_changed(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path, tls=False) as cluster:
        report, _ = await look_at(cluster)
        line, said = await say_again(cluster, report)
        assert line.endswith("MIG slices free, as before")
        cluster.store.put(PODS, [pod("more", "team-a", "gpu-h100-0", {"nvidia.com/gpu": "2"})])
        line, said = await say_again(cluster, report)
    told = re.fullmatch(
        r"read again: (\d+) of (\d+) GPUs and (.*) free; before: (\d+) of (\d+) GPUs and (.*) free", line
    )
    assert told, line
    assert int(told[1]) == int(told[4]) - 2
    assert told.group(2, 3) == told.group(5, 6)
    assert [type(one) for one in said] == [e.ClusterRead, e.Noticed]


async def test_a_cluster_that_went_away_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path, tls=False) as cluster:
        report, _ = await look_at(cluster)
    line, said = await say_again(cluster, report)
    assert "could not look again: " in line
    assert line.endswith("the figures are the older ones")
    assert isinstance(said[0], e.ClusterRead)
    kept = said[0].report.inventory
    assert kept.known
    assert (kept.nodes, kept.at) == (report.inventory.nodes, report.inventory.at)


async def test_a_stated_inventory_is_read_from_its_file_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_RUNTIME_IMAGE", "quay.io/vllm@sha256:0")
    path = tmp_path / "nodes.json"
    path.write_text(json.dumps([node(), POD]))
    asked = ClusterOptions(inventory=str(path), **QUICK)
    report = await read_cluster(asked)
    path.write_text(json.dumps([node(), POD, node("n1")]))
    again = await refresh_cluster(asked, report)
    assert (report.inventory.nodes_seen, again.inventory.nodes_seen) == (1, 2)
    flags = Settings(manifest="m.yaml", gpus=("L40S:4",))
    said: list[e.AnyEvent] = []
    stated = await read_cluster(ClusterOptions(gpus=("L40S:4",), **QUICK))
    assert await look_again(flags, RunState(cluster=stated), said.append) == (
        "GPUs stated by --gpu: nothing to read again"
    )
    assert said == []
