"""Reading a cluster that is slow, changes underneath, breaks off or is odd."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from cluster_support import as_node, flavours, look_at, options

from modelcar_tui.cluster.look import read_cluster, refresh_cluster
from modelcar_tui.cluster.types import AcceleratorReport, Inventory
from modelcar_tui.demo.kube import StubCluster, start_stub_cluster
from modelcar_tui.demo.kube_objects import NODES, PODS, node, nvidia, pod
from modelcar_tui.demo.kube_rights import Fault
from modelcar_tui.demo.kube_scenarios import Scenario, large, openshift_ai


def free(report: AcceleratorReport) -> int:
    return sum(pool.free or 0 for node in report.inventory.nodes for pool in node.pool)


def units(report: AcceleratorReport) -> int:
    return sum(pool.units for node in report.inventory.nodes for pool in node.pool)


async def test_the_demo_cluster(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path) as cluster:
        report, seen = await look_at(cluster)
    nodes = {node.name: node for node in report.inventory.nodes}
    assert [nodes[name].pool[0].free for name in ("gpu-h100-0", "gpu-h100-1", "gpu-l40s-0")] == [4, 6, 3]
    assert [(p.resource, p.free) for p in nodes["gpu-a100-mig-0"].pool] == [
        ("nvidia.com/gpu", 6),
        ("nvidia.com/mig-2g.20gb", 4),
    ]
    assert nodes["gpu-l40s-old"].why == "cordoned"
    assert report.inventory.nodes_seen == 12
    assert len(report.inventory.others) == 7
    assert not report.inventory.partial
    assert [(one.could_add_gpus, one.product) for one in report.inventory.scale_up] == [(8, "L40S")]
    assert seen[0].partial


async def test_every_flavour_through_the_wire(tmp_path: Path) -> None:
    scenario = Scenario(objects={NODES: [as_node(one) for one in flavours()], PODS: []})
    with start_stub_cluster(scenario, folder=tmp_path) as cluster:
        report, _ = await look_at(cluster)
    names = {node.name for node in report.inventory.nodes}
    assert names == {one["id"] for one in flavours() if one["expect"]["vendor"]}


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """1,200 nodes of which 40 have GPUs, so that lists have several pages."""
    scenario, expected = large(nodes=1200, pods=2400, gpu_nodes=40)
    with start_stub_cluster(scenario, folder=tmp_path_factory.mktemp("wide"), tls=False) as cluster:
        yield cluster, expected


async def test_pages_and_first_rows_after_the_first(wide: tuple[StubCluster, int]) -> None:
    cluster, expected = wide
    report, seen = await look_at(cluster)
    assert (report.inventory.nodes_seen, len(report.inventory.nodes), free(report)) == (1200, 40, expected)
    assert [one.nodes_seen for one in seen[:3]] == [500, 1000, 1200]


@pytest.mark.parametrize("fresh", [True, False], ids=["fresh-token", "no-token"])
async def test_a_list_that_expires_in_the_middle_is_the_same_list(
    wide: tuple[StubCluster, int], fresh: bool
) -> None:
    cluster, expected = wide
    undisturbed, _ = await look_at(cluster)
    cluster.server.faults.append(Fault(r"/nodes\?.*continue", "expire", fresh=fresh, times=1))
    report, _ = await look_at(cluster)
    assert not report.inventory.partial
    assert report.inventory.nodes == undisturbed.inventory.nodes
    assert free(report) == expected


async def test_a_list_that_always_expires_is_partial(wide: tuple[StubCluster, int]) -> None:
    cluster, _ = wide
    fault = Fault(r"/nodes\?.*continue", "expire", fresh=False)
    cluster.server.faults.append(fault)
    try:
        report, _ = await look_at(cluster)
    finally:
        cluster.server.faults.remove(fault)
    assert report.inventory.partial
    assert report.inventory.known
    assert "too old" in str(report.inventory.problems[0])


@pytest.mark.parametrize("kind", ["cut", "length", "close", "silent", "garbage"])
async def test_a_broken_second_page_leaves_a_partial_inventory(
    wide: tuple[StubCluster, int], kind: str
) -> None:
    cluster, _ = wide
    fault = Fault(r"/nodes\?.*continue", kind, seconds=3)
    cluster.server.faults.append(fault)
    try:
        report, _ = await look_at(cluster)
    finally:
        cluster.server.faults.remove(fault)
    assert report.inventory.known
    assert report.inventory.partial
    assert report.inventory.nodes_seen == 500
    assert len(report.inventory.nodes) == 40
    assert report.inventory.problems


@pytest.mark.parametrize("kind", ["cut", "close"])
async def test_a_page_that_breaks_once_is_asked_again(wide: tuple[StubCluster, int], kind: str) -> None:
    cluster, expected = wide
    cluster.server.faults.append(Fault(r"/nodes\?.*continue", kind, times=1))
    report, _ = await look_at(cluster)
    assert not report.inventory.partial
    assert free(report) == expected


async def test_too_many_requests_are_waited_for(wide: tuple[StubCluster, int]) -> None:
    cluster, expected = wide
    cluster.server.faults.append(Fault("/pods", "status", status=429, headers={"Retry-After": "1"}, times=3))
    began = time.monotonic()
    report, _ = await look_at(cluster)
    assert time.monotonic() - began >= 1
    assert free(report) == expected


async def test_a_server_that_throttles_for_long_is_asked_again(wide: tuple[StubCluster, int]) -> None:
    cluster, expected = wide
    cluster.server.faults.append(Fault("/nodes", "status", status=429, headers={"Retry-After": "0"}, times=9))
    report, _ = await look_at(cluster)
    assert not report.inventory.partial
    assert free(report) == expected
    fault = Fault("/nodes", "status", status=429, headers={"Retry-After": "0"})
    cluster.server.faults.append(fault)
    try:
        report, _ = await look_at(cluster)
    finally:
        cluster.server.faults.remove(fault)
    assert not report.inventory.known
    assert "too many requests (429)" in str(report.inventory.problems[0])


async def test_unread_pods_leave_free_unknown_for_their_node_only(wide: tuple[StubCluster, int]) -> None:
    cluster, _ = wide
    fault = Fault("spec.nodeName%3Dnode-00007", "garbage")
    cluster.server.faults.append(fault)
    try:
        report, _ = await look_at(cluster)
    finally:
        cluster.server.faults.remove(fault)
    by_name = {node.name: node.pool[0].free for node in report.inventory.nodes}
    assert by_name["node-00007"] is None
    assert by_name["node-00000"] is not None
    assert report.inventory.partial


async def test_gzip_is_read(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path) as cluster:
        cluster.server.faults.append(Fault("/nodes", "gzip"))
        report, _ = await look_at(cluster)
    assert len(report.inventory.nodes) == 5


async def test_odd_objects_do_not_fail_the_list(tmp_path: Path) -> None:
    taints = [None, {"effect": "NoSchedule"}]
    many = {"nvidia.com/gpu": "many"}
    odd: list[Any] = [
        {"metadata": {"name": "odd-1", "labels": None}, "status": {"allocatable": {"nvidia.com/gpu": 8}}},
        {"metadata": {"name": "odd-2"}, "spec": {"taints": taints}, "status": {"conditions": 7}},
        {"metadata": {"name": "odd-3"}, "status": {"allocatable": many, "capacity": []}},
        node("fine", nvidia("NVIDIA-L40S", 46068, 2, "8.9", "ada-lovelace"), {"nvidia.com/gpu": "2"}),
    ]
    pods = [
        {"metadata": {"name": "p1"}, "spec": {"nodeName": "fine", "containers": None}, "status": None},
        pod("p2", "a", "fine", {"nvidia.com/gpu": "1"}),
    ]
    for one in odd[:3]:
        one.setdefault("spec", None)
    with start_stub_cluster(Scenario(objects={NODES: odd, PODS: pods}), folder=tmp_path) as cluster:
        report, _ = await look_at(cluster)
    assert report.inventory.nodes_seen == 4
    found = {node.name: node for node in report.inventory.nodes}
    assert found["fine"].pool[0].free == 1
    assert found["odd-1"].pool[0].units == 8
    assert found["odd-1"].pool[0].mem_mib is None


async def test_no_gpus_is_said_only_after_looking(tmp_path: Path) -> None:
    with start_stub_cluster(Scenario(objects={NODES: [node("n")], PODS: []}), folder=tmp_path) as cluster:
        report, _ = await look_at(cluster)
        assert report.gpu_available is False
        assert not any("/pods" in line for line in cluster.requests)
        cluster.server.faults.append(Fault("/nodes", "status", status=500))
        report, _ = await look_at(cluster)
        assert report.gpu_available is None


async def test_cancelling_is_immediate(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path) as cluster:
        cluster.server.faults.append(Fault("/nodes", "silent", seconds=30))
        reached = asyncio.Event()
        wanted = options(cluster.kubeconfig_path, read_timeout_s=30.0, request_timeout_s=30.0)
        task = asyncio.create_task(read_cluster(wanted, on_access=lambda _: reached.set()))
        await asyncio.wait_for(reached.wait(), 5)
        while not any("/nodes" in line for line in cluster.requests):
            await asyncio.sleep(0.005)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 10, "the answer would be silent for 30 s"


async def test_many_gpu_nodes_are_read_from_one_list(tmp_path: Path) -> None:
    scenario, expected = large(nodes=820, pods=4300, gpu_nodes=820)
    with start_stub_cluster(scenario, folder=tmp_path, tls=False) as cluster:
        report, _ = await look_at(cluster)
        assert not any("spec.nodeName" in line for line in cluster.requests)
    assert free(report) == expected


async def test_progress_never_shrinks(wide: tuple[StubCluster, int]) -> None:
    cluster, _ = wide
    _, seen = await look_at(cluster)
    counts = [len(one.nodes) for one in seen]
    assert counts == sorted(counts)
    assert all(isinstance(one, Inventory) and one.partial for one in seen)


def test_the_scenario_has_what_the_demo_tells() -> None:
    assert len(openshift_ai().objects[NODES]) == 12


async def test_a_refresh_reads_only_what_changes(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path) as cluster:
        report, _ = await look_at(cluster)
        cluster.store.put(PODS, [pod("new", "team-a", "gpu-h100-0", {"nvidia.com/gpu": "4"})])
        before = len(cluster.requests)
        again = await refresh_cluster(options(cluster.kubeconfig_path), report)
        asked = cluster.requests[before:]
    by_name = {one.name: one.pool[0].free for one in again.inventory.nodes}
    assert by_name["gpu-h100-0"] == 0
    assert by_name["gpu-h100-1"] == 6
    assert sum("/pods?" in line for line in asked) == 6  # a list for each of five nodes, and the queue
    others = ("/resourcequotas", "/limitranges", "/localqueues", "/llminferenceservices")
    assert [line for line in asked if "/pods?" not in line and not any(o in line for o in others)] == []
    assert again.inventory.others == report.inventory.others
    assert not again.inventory.partial


async def test_a_refresh_of_a_cluster_that_came_back_looks_anew(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path) as cluster:
        fault = Fault("/nodes", "status", status=500)
        cluster.server.faults.append(fault)
        report, _ = await look_at(cluster)
        assert not report.inventory.known
        cluster.server.faults.remove(fault)
        again = await refresh_cluster(options(cluster.kubeconfig_path), report)
    assert len(again.inventory.nodes) == 5
