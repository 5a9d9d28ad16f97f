"""The stub cluster answers as a real API server does: the same questions to both, field by field."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from server import Account, ApiServer
from shapes import DEFINITIONS

from modelcar_tui.demo.kube import StubCluster, start_stub_cluster
from modelcar_tui.demo.kube_operators import APPLICATIONS
from modelcar_tui.demo.kube_rights import Right, User
from modelcar_tui.demo.kube_scenarios import openshift_ai

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
PODS_OF_ALICE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}


class Side(NamedTuple):
    """One of the two servers, and the tokens of its users."""

    api: httpx.Client
    tokens: dict[str, str]

    def ask(self, path: str, who: str = "admin", body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if self.tokens[who] else {}
        if body is None:
            return self.api.get(path, headers=headers)
        return self.api.post(path, headers=headers, json=body)


class Both(NamedTuple):
    real: Side
    stub: Side
    server: ApiServer
    cluster: StubCluster
    alice: Account


@pytest.fixture(scope="module")
def both(server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    scenario = openshift_ai()
    server.load(scenario, DEFINITIONS)
    scenario.version = server.get("/version")["gitVersion"]
    alice = server.account()
    server.grant(alice, PODS_OF_ALICE, namespace="team-a")
    folder = tmp_path_factory.mktemp("stub")
    with start_stub_cluster(scenario, folder=folder, tls=False) as cluster:
        cluster.server.self_subject_reviews = False
        cluster.server.users[alice.token] = User(
            alice.name, ("system:authenticated",), (Right("pods", "team-a", ("get", "list")),)
        )
        tokens = {"admin": server.admin.token, "alice": alice.token, "wrong": "sha256~x", "": ""}
        with server.client() as near, httpx.Client(base_url=cluster.url, timeout=10, trust_env=False) as far:
            stub = Side(far, {**tokens, "admin": cluster.token})
            yield Both(Side(near, tokens), stub, server, cluster, alice)


def answers(
    both: Both, path: str, who: str = "admin", body: Any = None
) -> tuple[httpx.Response, httpx.Response]:
    return both.real.ask(path, who, body), both.stub.ask(path, who, body)


LONG = "?fieldSelector=spec.odd%3D1"
ERRORS = {
    "a wrong token": ("/api/v1/nodes", "wrong"),
    "a wrong token at a path for all": ("/version", "wrong"),
    "nobody lists": ("/api/v1/nodes", ""),
    "nobody discovers": ("/apis", ""),
    "nobody, a group that is not there": ("/apis/no.such/v1/things", ""),
    "no right, whole cluster": ("/api/v1/nodes", "alice"),
    "no right, one object": ("/api/v1/nodes/gpu-h100-0", "alice"),
    "no right, other namespace": ("/api/v1/namespaces/team-b/pods", "alice"),
    "right in the namespace only": ("/api/v1/pods", "alice"),
    "no right, custom resource": ("/apis/template.openshift.io/v1/templates", "alice"),
    "no right, group that is not there": ("/apis/no.such/v1/things", "alice"),
    "no right, kind that is not there": ("/api/v1/nothings", "alice"),
    "group that is not there": ("/apis/no.such/v1/things", "admin"),
    "version that is not there": ("/apis/template.openshift.io/v9/templates", "admin"),
    "core kind that is not there": ("/api/v1/nothings", "admin"),
    "custom kind that is not there": ("/apis/template.openshift.io/v1/nothings", "admin"),
    "no such node": ("/api/v1/nodes/none", "admin"),
    "no such pod": ("/api/v1/namespaces/team-a/pods/none", "admin"),
    "no such namespace": ("/api/v1/namespaces/none", "admin"),
    "no such template": (f"/apis/template.openshift.io/v1/namespaces/{APPLICATIONS}/templates/none", "admin"),
    "bad field selector, nodes": (f"/api/v1/nodes{LONG}", "admin"),
    "bad field selector, pods": (f"/api/v1/namespaces/team-a/pods{LONG}", "admin"),
    "bad field selector, custom": (f"/apis/template.openshift.io/v1/templates{LONG}", "admin"),
    "bad token": ("/api/v1/nodes?limit=2&continue=xyz", "admin"),
    "path of nothing for alice": ("/nothing", "alice"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(both: Both, case: str) -> None:
    real, stub = answers(both, *ERRORS[case])
    assert stub.status_code == real.status_code, (real.text, stub.text)
    assert stub.headers["Content-Type"].split(";")[0] == real.headers["Content-Type"].split(";")[0]
    if real.headers["Content-Type"].startswith("application/json"):
        mine, its = stub.json(), real.json()
        if case == "bad token":  # the rest is a remark of Go's decoder
            its["message"] = its["message"][: len(mine["message"])]
        assert mine == its
    else:
        assert stub.text == real.text


def test_lists(both: Both) -> None:
    for path in (
        "/api/v1/nodes",
        "/api/v1/pods",
        f"/apis/template.openshift.io/v1/namespaces/{APPLICATIONS}/templates",
        "/api/v1/namespaces/team-a/pods",
        "/api/v1/namespaces/none/pods",
        "/apis/serving.kserve.io/v1alpha1/servingruntimes",
    ):
        real, stub = (answer.json() for answer in answers(both, path))
        assert (stub["kind"], stub["apiVersion"]) == (real["kind"], real["apiVersion"])
        assert [one["metadata"]["name"] for one in stub["items"]] == [
            one["metadata"]["name"] for one in real["items"]
        ]
        custom = "openshift.io" in path or "kserve" in path
        for one in real["items"]:
            # Custom resources carry their kind in lists, the built-in ones do not.
            assert ("kind" in one) is custom
        for one in stub["items"]:
            assert "kind" not in one or custom


SELECTORS = (
    "/api/v1/pods?fieldSelector=spec.nodeName%3Dgpu-h100-1",
    "/api/v1/pods?fieldSelector=spec.nodeName%3Dgpu-h100-1,status.phase!%3DSucceeded,status.phase!%3DFailed",
    "/api/v1/pods?fieldSelector=spec.nodeName%3D",
    "/api/v1/pods?fieldSelector=metadata.namespace%3Dteam-b",
    "/api/v1/pods?fieldSelector=status.phase%3DPending",
    "/api/v1/pods?resourceVersion=0&fieldSelector=spec.nodeName%3Dgpu-h100-1,status.phase!%3DSucceeded",
    "/api/v1/nodes?fieldSelector=metadata.name%3Dgpu-h100-1",
    "/api/v1/nodes?fieldSelector=spec.unschedulable%3Dtrue",
    "/api/v1/nodes?labelSelector=nvidia.com/gpu.product%3DNVIDIA-L40S",
    "/api/v1/nodes?labelSelector=nvidia.com/gpu.product!%3DNVIDIA-L40S",
    "/api/v1/nodes?labelSelector=nvidia.com/gpu.present",
    "/api/v1/nodes?labelSelector=!nvidia.com/gpu.present",
    "/api/v1/nodes?labelSelector=nvidia.com/gpu.product%20in%20(NVIDIA-L40S,%20x)",
    "/api/v1/nodes?labelSelector=nvidia.com/gpu.product%20notin%20(NVIDIA-L40S,%20x)",
    "/apis/template.openshift.io/v1/templates?labelSelector=opendatahub.io/dashboard%3Dtrue",
    "/apis/template.openshift.io/v1/templates?labelSelector=opendatahub.io/dashboard",
)


@pytest.mark.parametrize("path", SELECTORS)
def test_selectors(both: Both, path: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        real, stub = answers(both, path)
        assert (stub.status_code, real.status_code) == (200, 200), (real.text, stub.text)
        names = [[one["metadata"]["name"] for one in answer.json()["items"]] for answer in (real, stub)]
        # `resourceVersion=0` is answered from a cache that may lag behind what was just written.
        if names[0] == names[1] or "resourceVersion=0" not in path or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    assert names[0] == names[1]
    assert names[0] or "%3D,status" in path or path.endswith("true")


def pages(side: Side, path: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        answer = side.ask(f"{path}limit={limit}" + (f"&continue={token}" if token else ""))
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        token = found[-1]["metadata"].get("continue", "")
        if not token:
            return found


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nodes?",
        "/api/v1/pods?",
        "/apis/template.openshift.io/v1/templates?",
        "/api/v1/pods?fieldSelector=status.phase%3DRunning&",
        "/api/v1/nodes?labelSelector=nvidia.com/gpu.present&",
    ],
)
def test_pages(both: Both, path: str) -> None:
    real, stub = pages(both.real, path, 4), pages(both.stub, path, 4)
    for side in (real, stub):
        assert len({page["metadata"]["resourceVersion"] for page in side}) == 1
    shape = [
        [
            (
                len(page["items"]),
                page["metadata"].get("remainingItemCount"),
                bool(page["metadata"].get("continue")),
            )
            for page in one
        ]
        for one in (real, stub)
    ]
    assert shape[0] == shape[1]


def test_a_list_out_of_the_cache_ignores_the_limit(both: Both) -> None:
    for answer in answers(both, "/api/v1/nodes?limit=2&resourceVersion=0"):
        assert len(answer.json()["items"]) == 12
        assert "continue" not in answer.json()["metadata"]


def test_a_list_that_is_too_old(both: Both) -> None:
    firsts = [answer.json() for answer in answers(both, "/api/v1/nodes?limit=5")]
    both.server.compact()
    both.cluster.store.compact()
    gone = []
    for side, first in zip((both.real, both.stub), firsts, strict=True):
        answer = side.ask(f"/api/v1/nodes?limit=5&continue={first['metadata']['continue']}")
        assert answer.status_code == 410
        gone.append(answer.json())
        rest = side.ask(f"/api/v1/nodes?limit=50&continue={gone[-1]['metadata'].pop('continue')}").json()
        names = [one["metadata"]["name"] for one in first["items"] + rest["items"]]
        assert names == sorted(set(names))
        assert len(names) == 12
    assert gone[1] == gone[0]


def test_single_objects(both: Both) -> None:
    for path in (
        "/api/v1/nodes/gpu-h100-0",
        "/api/v1/namespaces/team-a/pods/granite-predictor-0",
        f"/apis/template.openshift.io/v1/namespaces/{APPLICATIONS}/templates/vllm-cuda-runtime-template",
        "/apis/dscinitialization.opendatahub.io/v2/dscinitializations/default-dsci",
        "/api/v1/namespaces/team-a",
    ):
        real, stub = (answer.json() for answer in answers(both, path))
        assert (stub["kind"], stub["apiVersion"]) == (real["kind"], real["apiVersion"])
        assert stub["metadata"]["name"] == real["metadata"]["name"]
        for part in ("objects", "data"):
            assert stub.get(part) == real.get(part)


@pytest.mark.parametrize("who", ["admin", "alice", ""])
@pytest.mark.parametrize(
    "asked",
    [
        {"verb": "list", "resource": "nodes"},
        {"verb": "list", "resource": "pods"},
        {"verb": "list", "resource": "pods", "namespace": "team-a"},
        {"verb": "delete", "resource": "pods", "namespace": "team-a"},
        {
            "verb": "create",
            "group": "serving.kserve.io",
            "resource": "inferenceservices",
            "namespace": "team-b",
        },
    ],
    ids=lambda asked: "-".join(asked.values()),
)
def test_access_reviews(both: Both, who: str, asked: dict[str, str]) -> None:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
    real, stub = answers(both, REVIEWS, who, body)
    assert stub.status_code == real.status_code, (real.text, stub.text)
    if real.status_code == 403:
        assert stub.json() == real.json()
        return
    assert real.status_code == 201
    assert stub.json()["status"]["allowed"] is real.json()["status"]["allowed"]
    assert stub.json()["spec"] == real.json()["spec"]
    assert stub.json()["kind"] == real.json()["kind"]


def test_reviews_of_oneself_that_the_server_does_not_know(both: Both) -> None:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    for who in ("admin", "alice"):
        real, stub = answers(both, "/apis/authentication.k8s.io/v1/selfsubjectreviews", who, body)
        assert (stub.status_code, stub.json()) == (real.status_code, real.json()), who


def test_discovery(both: Both) -> None:
    real, stub = (answer.json() for answer in answers(both, "/apis"))
    assert stub["kind"] == real["kind"]
    groups = {group["name"]: group for group in real["groups"]}
    for group in stub["groups"]:
        if group["name"] in ("resource.k8s.io", "user.openshift.io"):
            continue
        assert set(group) <= set(groups[group["name"]])
        assert group["preferredVersion"] in groups[group["name"]]["versions"]
    real, stub = (answer.json() for answer in answers(both, "/apis/template.openshift.io/v1"))
    kinds = {one["name"]: one for one in real["resources"]}
    for one in stub["resources"]:
        assert (one["kind"], one["namespaced"]) == (
            kinds[one["name"]]["kind"],
            kinds[one["name"]]["namespaced"],
        )
    real, stub = (answer.json() for answer in answers(both, "/version", ""))
    assert {key: real[key] for key in stub} == stub


def test_large_answers_are_zipped_on_wish(both: Both) -> None:
    path = f"/apis/template.openshift.io/v1/namespaces/{APPLICATIONS}/templates"
    for side in (both.real, both.stub):
        answer = side.api.get(
            path, headers={"Authorization": f"Bearer {side.tokens['admin']}", "Accept-Encoding": "gzip"}
        )
        assert json.loads(answer.content)["kind"] == "TemplateList"
