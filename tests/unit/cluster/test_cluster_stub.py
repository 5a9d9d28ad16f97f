"""The stub behaves as the server that it stands for; its objects pass Kubernetes' own schemas."""

from __future__ import annotations

import gzip
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from cluster_support import as_node, expanded, flavour_file, flavours, more_flavours, options

from modelcar_tui.demo.kube import StubCluster, start_stub_cluster
from modelcar_tui.demo.kube_objects import NODES, PODS, SECRETS, SERVICE_ACCOUNTS, node
from modelcar_tui.demo.kube_rights import Right, User
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai
from support.ladder import probe


def ask(stub: StubCluster, path: str, token: str | None = None, body: Any = None) -> tuple[int, Any]:
    """Status and body, JSON where it is."""
    request = urllib.request.Request(stub.url + path, json.dumps(body).encode() if body is not None else None)
    if token != "":
        request.add_header("Authorization", f"Bearer {token or stub.token}")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            status, data = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, data = error.code, error.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    return status, json.loads(data) if data[:1] == b"{" else data.decode()


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with start_stub_cluster(folder=tmp_path_factory.mktemp("stub"), tls=False) as cluster:
        yield cluster


def test_lists_have_one_version_over_all_pages_and_no_kinds(stub: StubCluster) -> None:
    names, token, versions, remaining = [], "", set(), []
    while True:
        _, page = ask(stub, f"/api/v1/nodes?limit=5&continue={token}")
        assert page["kind"] == "NodeList"
        assert all("kind" not in one and "apiVersion" not in one for one in page["items"])
        names += [one["metadata"]["name"] for one in page["items"]]
        versions.add(page["metadata"]["resourceVersion"])
        remaining.append(page["metadata"].get("remainingItemCount"))
        token = page["metadata"].get("continue", "")
        if not token:
            break
    assert (len(names), names, len(versions), remaining) == (12, sorted(names), 1, [7, 2, None])


def test_pages_show_the_snapshot_although_the_cluster_changes(tmp_path: Path) -> None:
    scenario = Scenario(objects={NODES: [node(f"n{index}") for index in range(4)]})
    with start_stub_cluster(scenario, folder=tmp_path, tls=False) as cluster:
        _, first = ask(cluster, "/api/v1/nodes?limit=2")
        cluster.store.delete(NODES, "n3")
        _, second = ask(cluster, f"/api/v1/nodes?limit=2&continue={first['metadata']['continue']}")
        assert [one["metadata"]["name"] for one in second["items"]] == ["n2", "n3"]
        cluster.store.compact()
        status, gone = ask(cluster, f"/api/v1/nodes?limit=2&continue={first['metadata']['continue']}")
        assert (status, gone["reason"]) == (410, "Expired")
        _, rest = ask(cluster, f"/api/v1/nodes?limit=2&continue={gone['metadata']['continue']}")
        assert [one["metadata"]["name"] for one in rest["items"]] == ["n2"]


def test_a_list_out_of_the_cache_ignores_the_limit(stub: StubCluster) -> None:
    _, page = ask(stub, "/api/v1/nodes?limit=2&resourceVersion=0")
    assert len(page["items"]) == 12


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("fieldSelector=spec.nodeName=gpu-h100-1", {"finished-train", "granite-predictor-0", "notebook-0"}),
        (
            "fieldSelector=spec.nodeName=gpu-h100-1,status.phase!=Succeeded",
            {"granite-predictor-0", "notebook-0"},
        ),
        ("fieldSelector=status.phase=Pending", {"waiting-0"}),
    ],
)
def test_field_selectors(stub: StubCluster, selector: str, names: set[str]) -> None:
    _, page = ask(stub, f"/api/v1/pods?{selector}&limit=500")
    assert {one["metadata"]["name"] for one in page["items"]} == names
    assert "remainingItemCount" not in page["metadata"]


def test_label_selectors(stub: StubCluster) -> None:
    _, page = ask(stub, "/api/v1/nodes?labelSelector=nvidia.com/gpu.product=NVIDIA-L40S")
    assert {one["metadata"]["name"] for one in page["items"]} == {"gpu-l40s-0", "gpu-l40s-old"}
    _, page = ask(stub, "/api/v1/nodes?labelSelector=!nvidia.com/gpu.present")
    assert len(page["items"]) == 7


def test_error_bodies(stub: StubCluster) -> None:
    assert ask(stub, "/api/v1/nodes", token="wrong") == (
        401,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": "Unauthorized",
            "reason": "Unauthorized",
            "code": 401,
        },
    )
    status, body = ask(stub, "/api/v1/nodes", token="")
    assert status == 403
    assert body["message"] == (
        'nodes is forbidden: User "system:anonymous" cannot list resource "nodes" in API group "" '
        "at the cluster scope"
    )
    assert ask(stub, "/apis/no.such/v1/things") == (404, "404 page not found\n")
    status, body = ask(stub, "/api/v1/nothings")
    assert (status, body["message"]) == (404, "the server could not find the requested resource")
    status, body = ask(stub, "/api/v1/nodes?fieldSelector=spec.odd=1")
    assert (status, body["reason"]) == (400, "BadRequest")
    assert ask(stub, "/version", token="")[0] == 200


def test_forbidden_does_not_mean_that_it_exists(tmp_path: Path) -> None:
    scenario = Scenario(objects={NODES: []}, user=User("alice", rights=(Right("pods", "mine"),)))
    with start_stub_cluster(scenario, folder=tmp_path, tls=False) as cluster:
        assert ask(cluster, "/apis/no.such/v1/things")[0] == 403


def test_reviews(stub: StubCluster) -> None:
    review = {"spec": {"resourceAttributes": {"verb": "list", "resource": "nodes"}}}
    status, body = ask(stub, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=review)
    assert (status, body["status"]) == (201, {"allowed": True})


def test_the_kubeconfig_is_private(stub: StubCluster) -> None:
    assert stub.kubeconfig_path.stat().st_mode & 0o777 == 0o600


def test_every_fixture_passes_kubernetes_own_schemas() -> None:
    validate = pytest.importorskip("kubernetes_validate")
    objects: list[dict[str, Any]] = [as_node(one) for one in flavours()]
    scenario = openshift_ai()
    objects += [expanded(one) for one in more_flavours()]
    for kind in (NODES, PODS, SERVICE_ACCOUNTS, SECRETS):
        objects += [{"apiVersion": kind.api, "kind": kind.kind, **one} for one in scenario.objects[kind]]
    objects += [one["object"] for one in flavour_file()["resource_slices"]]
    for one in objects:
        validate.validate(one, "1.34", strict=True)
    assert len(objects) > 140


async def test_its_kubeconfig_can_be_used_from_a_relative_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own").mkdir()
    with start_stub_cluster(folder=Path("own"), tls=True) as cluster:
        access = await probe(options(cluster.kubeconfig_path))
    assert access.healthy, access.problem
