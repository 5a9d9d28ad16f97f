"""Reading a real API server's nodes, pods and templates: flavours, pages, a 410 in the middle, refresh."""

from __future__ import annotations

from typing import Any

import pytest
from cluster_support import options
from server import ApiServer
from shapes import DEFINITIONS

from modelcar_tui.cluster.inventory import read_inventory_of
from modelcar_tui.cluster.look import read_cluster, refresh_cluster
from modelcar_tui.cluster.types import AcceleratorReport, Inventory
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_objects import NODES, PODS, PROFILES, node, nvidia, pod
from modelcar_tui.demo.kube_scenarios import openshift_ai
from modelcar_tui.kube.client import Client
from modelcar_tui.kube.connection import connect
from modelcar_tui.kube.kubeconfig import find_credentials

NODES_IN_ALL = 700
GPU_NODES = 30


def patient(server: ApiServer, **more: Any) -> Any:
    return options(server.kubeconfig(), **{"read_timeout_s": 10, "request_timeout_s": 20, **more})


def free(report: AcceleratorReport) -> int:
    return sum(pool.free or 0 for node in report.inventory.nodes for pool in node.pool)


@pytest.fixture(scope="module")
def wide(server: ApiServer) -> int:
    """Hundreds of nodes, so that the list has several pages; and how many GPUs are free."""
    labels = nvidia("NVIDIA-H100-80GB-HBM3", 81559, 8, "9.0", "hopper")
    server.load(openshift_ai(), DEFINITIONS)
    for index in range(NODES_IN_ALL):
        # GPU nodes are spread over the pages.
        gpu = index % (NODES_IN_ALL // GPU_NODES) == 0 and index // (NODES_IN_ALL // GPU_NODES) < GPU_NODES
        name = f"node-{index:05}"
        server.make(NODES, node(name, labels if gpu else None, {"nvidia.com/gpu": "8"} if gpu else None))
        if gpu:
            server.make(PODS, pod(f"on-{name}", "team-a", name, {"nvidia.com/gpu": "3"}))
            server.make(PODS, pod(f"was-on-{name}", "team-a", name, {"nvidia.com/gpu": "8"}, "Succeeded"))
    return GPU_NODES * 5 + 4 + 6 + 3 + 6 + 4 + 4  # the scenario's own free units follow the first product


async def test_the_same_inventory_as_of_the_stub(server: ApiServer, wide: int, tmp_path: Any) -> None:
    """Every fact of the demo cluster, read from the real server, is the fact that the stub gives."""
    real = await read_cluster(patient(server))
    with start_stub_cluster(openshift_ai(), folder=tmp_path) as cluster:
        stub = await read_cluster(options(cluster.kubeconfig_path))
    mine = {node.name: node for node in real.inventory.nodes}
    for one in stub.inventory.nodes:
        assert mine[one.name] == one
    others = {node.name: node for node in real.inventory.others}
    for other in stub.inventory.others:
        assert others[other.name] == other
    assert real.inventory.scale_up == stub.inventory.scale_up
    assert real.runtime == stub.runtime
    assert real.checks == stub.checks
    assert (real.versions.ai, real.versions.kserve, real.versions.openshift) == (
        stub.versions.ai,
        stub.versions.kserve,
        stub.versions.openshift,
    )


async def test_pages_of_hundreds_of_nodes(server: ApiServer, wide: int) -> None:
    seen: list[Inventory] = []
    report = await read_cluster(patient(server), seen.append)
    assert report.inventory.nodes_seen == NODES_IN_ALL + 12
    assert not report.inventory.partial
    assert free(report) == wide
    assert [one.nodes_seen for one in seen[:2]] == [500, NODES_IN_ALL + 12]
    assert seen[0].partial


class Disturbed(Client):
    """Forgets the history of etcd after the first page of nodes, so that the second one is too old."""

    server_under_test: ApiServer
    times = 1
    statuses: list[int]

    async def _ask(self, method: str, path: str, query: Any, body: Any) -> Any:
        if path.endswith("/nodes") and query and query.get("continue") and self.times:
            self.times -= 1
            self.server_under_test.compact()
        answer = await super()._ask(method, path, query, body)
        if path.endswith("/nodes"):
            self.statuses.append(answer.status)
        return answer


async def test_a_list_that_expires_in_the_middle(server: ApiServer, wide: int) -> None:
    settings = patient(server)
    async with connect(find_credentials(settings), settings) as client:
        undisturbed = await read_inventory_of(client, lambda _: None)
        client.__class__ = Disturbed
        client.server_under_test, client.statuses = server, []  # type: ignore[attr-defined]
        inventory = await read_inventory_of(client, lambda _: None)
    assert client.statuses == [200, 410, 200]  # type: ignore[attr-defined]
    assert not inventory.partial
    assert inventory.problems == ()
    assert inventory.nodes == undisturbed.nodes
    assert inventory.nodes_seen == undisturbed.nodes_seen


async def test_refresh_reads_what_changes(server: ApiServer, wide: int) -> None:
    report = await read_cluster(patient(server))
    before = free(report)
    server.make(PODS, pod("newcomer", "team-a", "node-00000", {"nvidia.com/gpu": "2"}))
    later = await refresh_cluster(patient(server), report)
    assert free(later) == before - 2
    server.api.delete("/api/v1/namespaces/team-a/pods/newcomer", params={"gracePeriodSeconds": "0"})
    assert free(await refresh_cluster(patient(server), later)) == before


async def test_a_pod_that_is_going_counts_until_it_is_gone(server: ApiServer, wide: int) -> None:
    report = await read_cluster(patient(server))
    before = free(report)
    server.make(PODS, pod("leaving", "team-a", "node-00000", {"nvidia.com/gpu": "2"}))
    server.api.delete("/api/v1/namespaces/team-a/pods/leaving")
    found = server.get("/api/v1/namespaces/team-a/pods/leaving")
    assert found["metadata"]["deletionTimestamp"]
    assert free(await refresh_cluster(patient(server), report)) == before - 2
    server.api.delete("/api/v1/namespaces/team-a/pods/leaving", params={"gracePeriodSeconds": "0"})


async def test_hardware_profiles_fill_in_for_nodes(server: ApiServer, wide: int) -> None:
    account = server.account()
    accelerator = {
        "identifier": "nvidia.com/gpu",
        "displayName": "GPU",
        "minCount": 1,
        "defaultCount": "1",
        "resourceType": "Accelerator",
    }
    meta = {"name": "gpu", "namespace": "redhat-ods-applications"}
    server.make(PROFILES, {"metadata": meta, "spec": {"identifiers": [accelerator]}})
    templates = {"apiGroups": ["template.openshift.io"], "resources": ["templates"], "verbs": ["list"]}
    profiles = {"apiGroups": [PROFILES.group], "resources": [PROFILES.plural], "verbs": ["list"]}
    server.grant(account, templates, profiles, namespace="redhat-ods-applications")
    report = await read_cluster(options(server.kubeconfig(account), read_timeout_s=10))
    assert not report.inventory.known
    assert report.runtime is not None
    assert report.runtime.name == "vllm-cuda-runtime-template"
    assert "the nodes can't be looked at" in report.runtime.why
