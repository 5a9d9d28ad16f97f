"""What runs in a namespace, read for `--from-cluster`: what is taken, what is left out, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cluster_support import options

from modelcar_tui.cluster.serving_objects import ServingObjects, read_serving_objects
from modelcar_tui.core.errors import UserError
from modelcar_tui.demo.kube import StubCluster, start_stub_cluster
from modelcar_tui.demo.kube_objects import RUNTIMES, SERVICES
from modelcar_tui.demo.kube_operators import APPLICATIONS
from modelcar_tui.demo.kube_rights import Fault, Right, User
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai
from modelcar_tui.demo.kube_store import Kind
from support.roles import bound, of, used

LLM = Kind("serving.kserve.io", "v1alpha2", "llminferenceservices", "LLMInferenceService")
OLDER = Kind("serving.kserve.io", "v1alpha1", "llminferenceservices", "LLMInferenceService")
CONFIGS = Kind("serving.kserve.io", "v1alpha2", "llminferenceserviceconfigs", "LLMInferenceServiceConfig")
CLUSTER_RUNTIMES = Kind(
    "serving.kserve.io", "v1alpha1", "clusterservingruntimes", "ClusterServingRuntime", namespaced=False
)
DEPLOYMENTS = Kind("apps", "v1", "deployments", "Deployment")
SETS = Kind("apps", "v1", "statefulsets", "StatefulSet")
SECRET = "hunter2-hunter2"


def meta(name: str, **more: Any) -> dict[str, Any]:
    """As a server writes it."""
    return {
        "name": name,
        "namespace": "prod",
        "uid": "c0ffee",
        "resourceVersion": "41",
        "generation": 3,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": SECRET},
        **more,
    }


def service(name: str, runtime: str | None = "vllm-cuda", **status: Any) -> dict[str, Any]:
    model: dict[str, Any] = {"modelFormat": {"name": "vLLM"}, "storageUri": "oci://quay.io/x/m:1"}
    if runtime is not None:
        model["runtime"] = runtime
    return {"metadata": meta(name), "spec": {"predictor": {"model": model}}, "status": status}


def runtime(name: str, **more: Any) -> dict[str, Any]:
    container = {"name": "kserve-container", "image": "quay.io/x/vllm:1", "args": ["--port=8080"]}
    return {"metadata": meta(name, **more), "spec": {"containers": [container]}}


def workload(name: str, image: str = "quay.io/x/vllm:1", **more: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "main", "image": image}]}
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {"metadata": meta(name, **more), "spec": spec}


def owned_by(kind: str, name: str, group: str = "serving.kserve.io") -> dict[str, Any]:
    reference = {"apiVersion": f"{group}/v1", "kind": kind, "name": name, "uid": "1", "controller": True}
    return {"ownerReferences": [reference]}


def scenario() -> Scenario:
    found = openshift_ai()
    found.objects |= {
        SERVICES: [service("chat")],
        RUNTIMES: [runtime("vllm-cuda"), runtime("other")],
        CLUSTER_RUNTIMES: [runtime("everywhere", namespace="")],
        LLM: [
            {"metadata": meta("big"), "spec": {"model": {"uri": "hf://a/b"}, "baseRefs": [{"name": "base"}]}}
        ],
        CONFIGS: [{"metadata": meta("base"), "spec": {"replicas": 2}}],
        DEPLOYMENTS: [
            workload("own"),
            workload("web", "quay.io/x/nginx:1"),
            workload("chat-predictor", **owned_by("InferenceService", "chat")),
        ],
        SETS: [workload("group", **owned_by("LeaderWorkerSet", "group", "leaderworkerset.x-k8s.io"))],
    }
    return found


@contextmanager
def cluster(tmp_path: Path, found: Scenario | None = None) -> Iterator[StubCluster]:
    with start_stub_cluster(found or scenario(), folder=tmp_path) as stub:
        yield stub


def read(stub: StubCluster, name: str = "", kind: str = "", namespace: str = "prod") -> ServingObjects:
    return asyncio.run(read_serving_objects(options(stub.kubeconfig_path), namespace, name, kind))


def names(found: ServingObjects) -> list[str]:
    return [f"{one['kind']}/{one['metadata']['name']}" for one in found.objects]


def test_what_serves_and_what_it_names_is_read_without_what_the_server_adds(tmp_path: Path) -> None:
    with cluster(tmp_path) as stub:
        found = read(stub)
    assert names(found) == [
        "InferenceService/chat",
        "LLMInferenceService/big",
        "Deployment/own",
        "ServingRuntime/vllm-cuda",
        "LLMInferenceServiceConfig/base",
    ]
    assert not found.unread
    assert [one["apiVersion"] for one in found.objects[:3]] == [
        "serving.kserve.io/v1beta1",
        "serving.kserve.io/v1alpha2",
        "apps/v1",
    ]
    for one in found.objects:
        assert set(one) == {"apiVersion", "kind", "metadata", "spec"}
        assert one["metadata"] == {"name": one["metadata"]["name"], "namespace": "prod"}
    assert SECRET not in repr(found)


def test_its_roles_are_enough_and_each_of_their_rights_is_asked_for(tmp_path: Path) -> None:
    roles = ("from-cluster", "from-cluster-wide", "from-cluster-applications")
    few = tuple(Right(kind, space, (verb,)) for kind, space, verb in bound(*roles, namespace="prod"))
    asked = set[tuple[str, str]]()
    for at, name in enumerate(("vllm-cuda", "everywhere", None)):
        found = scenario()
        found.objects[SERVICES] = [service("chat", name)]
        found.objects[CONFIGS] = [{"metadata": meta("base", namespace=APPLICATIONS), "spec": {"replicas": 2}}]
        (folder := tmp_path / str(at)).mkdir()
        with cluster(folder, found) as stub:
            all_of_it = names(read(stub))
            stub.requests.clear()
            stub.server.users[stub.token] = User("reader", rights=few)
            seen = read(stub)
            assert (names(seen), seen.unread) == (all_of_it, ())
            assert all_of_it[-1] == "LLMInferenceServiceConfig/base"
            asked |= used(stub.requests)
    assert asked == of(*roles)


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("chat", "", ["InferenceService/chat", "ServingRuntime/vllm-cuda"]),
        ("own", "", ["Deployment/own"]),
        ("own", "deploy", ["Deployment/own"]),
        ("big", "LLMInferenceService", ["LLMInferenceService/big", "LLMInferenceServiceConfig/base"]),
        ("", "isvc", ["InferenceService/chat", "ServingRuntime/vllm-cuda"]),
    ],
)
def test_one_is_read_by_its_name_and_kind(tmp_path: Path, name: str, kind: str, expected: list[str]) -> None:
    with cluster(tmp_path) as stub:
        assert names(read(stub, name, kind)) == expected


@pytest.mark.parametrize(
    ("name", "kind", "what", "fix"),
    [
        (
            "caht",
            "",
            "nothing called 'caht' here runs vLLM",
            "chat",
        ),
        ("web", "", "'web' here runs vLLM", "there are"),
        ("chat-predictor", "", "is made by InferenceService chat, which tells more", "prod/chat"),
        ("group", "sts", "is made by LeaderWorkerSet group, which is not read", "StatefulSet are read"),
        ("", "sts", "no StatefulSet here runs vLLM; not read: LeaderWorkerSet/group", "oc get"),
        ("chat", "pod", "'pod' is no kind that can be read", "isvc"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(
    tmp_path: Path, name: str, kind: str, what: str, fix: str
) -> None:
    with cluster(tmp_path) as stub, pytest.raises(UserError) as refused:
        read(stub, name, kind)
    (problem,) = refused.value.problems
    assert what in problem.what
    assert fix in problem.fix
    assert refused.value.status == 2


def test_an_older_server_is_asked_for_its_own_version(tmp_path: Path) -> None:
    older = scenario()
    older.objects[OLDER] = older.objects.pop(LLM)
    with cluster(tmp_path, older) as stub:
        (found, *_) = read(stub, "big").objects
    assert found["apiVersion"] == "serving.kserve.io/v1alpha1"


def test_a_cluster_without_kserve_has_its_deployments(tmp_path: Path) -> None:
    found = scenario()
    for kind in (SERVICES, LLM, RUNTIMES, CLUSTER_RUNTIMES, CONFIGS):
        del found.objects[kind]
    with cluster(tmp_path, found) as stub:
        assert names(read(stub)) == ["Deployment/own"]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (service("chat", "everywhere"), ["ClusterServingRuntime/everywhere"]),
        (service("chat", None, servingRuntimeName="other"), ["ServingRuntime/other"]),
        (service("chat", "gone"), []),
        (service("chat", "../../../secrets/pull"), []),
        (
            service("chat", None),
            ["ServingRuntime/other", "ServingRuntime/vllm-cuda", "ClusterServingRuntime/everywhere"],
        ),
    ],
)
def test_runtimes_are_those_that_kserve_takes(
    tmp_path: Path, made: dict[str, Any], expected: list[str]
) -> None:
    with cluster(tmp_path) as stub:
        stub.store.put(SERVICES, [made])
        assert names(read(stub, "chat"))[1:] == expected
        assert not any("secrets" in line for line in stub.requests)


def test_a_kind_that_may_not_be_read_costs_itself_and_names_the_right(tmp_path: Path) -> None:
    found = scenario()
    rights = ("inferenceservices.serving.kserve.io", "servingruntimes.serving.kserve.io")
    found.user = User("dev", rights=tuple(Right(one, "prod") for one in rights))
    with cluster(tmp_path, found) as stub:
        told = read(stub)
    assert names(told) == ["InferenceService/chat", "ServingRuntime/vllm-cuda"]
    assert [str(one) for one in told.unread] == [
        "llminferenceservices.serving.kserve.io: you may not list them in namespace prod; "
        "oc auth can-i list llminferenceservices.serving.kserve.io -n prod",
        "deployments.apps: you may not list them in namespace prod; "
        "oc auth can-i list deployments.apps -n prod",
        "statefulsets.apps: you may not list them in namespace prod; "
        "oc auth can-i list statefulsets.apps -n prod",
    ]


def test_where_nothing_may_be_read_the_cluster_is_the_reason(tmp_path: Path) -> None:
    found = scenario()
    found.user = User("dev")
    with cluster(tmp_path, found) as stub, pytest.raises(UserError) as refused:
        read(stub)
    assert refused.value.status == 3
    assert len(refused.value.problems) == 4


def test_a_broken_answer_costs_its_kind_alone(tmp_path: Path) -> None:
    found = scenario()
    found.faults = [Fault("llminferenceservices", "garbage")]
    with cluster(tmp_path, found) as stub:
        told = read(stub)
    assert "Deployment/own" in names(told) and "InferenceService/chat" in names(told)
    assert [one.where for one in told.unread] == ["llminferenceservices.serving.kserve.io"]


def test_no_cluster_is_one_line_with_its_status(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        asyncio.run(read_serving_objects(options(tmp_path / "none"), "prod"))
    assert refused.value.status == 3
