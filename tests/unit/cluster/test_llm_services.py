"""LLMInferenceServices: how many GPUs they want in all, by hand, and which of them are worth a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from cluster_support import look_at, options

from modelcar_tui.cluster.llm_services import Service, llm_checks, understood
from modelcar_tui.cluster.look import refresh_cluster
from modelcar_tui.cluster.serving_types import LlmService, LlmServices
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_rights import Right, User
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai
from modelcar_tui.demo.kube_store import Kind

SERVICES = Kind("serving.kserve.io", "v1alpha2", "llminferenceservices", "LLMInferenceService")
OLDER = Kind("serving.kserve.io", "v1alpha1", "llminferenceservices", "LLMInferenceService")
GPU = "nvidia.com/gpu"


def pod(count: int, **more: Any) -> dict[str, Any]:
    main = {"name": "main", "resources": {"limits": {GPU: str(count), "cpu": "4"}}}
    return {"containers": [main, {"name": "proxy"}], **more}


def service(name: str = "s", ready: str = "False", notes: Any = None, **spec: Any) -> dict[str, Any]:
    message = "no \x1b[2J node for\noci://team:hunter2-hunter2@quay.io/x/m:1"
    condition = {"type": "Ready", "status": ready, "reason": "R", "message": message}
    return {
        "metadata": {"name": name, "namespace": "team", "annotations": notes or {}},
        "spec": {"model": {"uri": "oci://quay.io/x/m:1"}, **spec},
        "status": {"conditions": [{"type": "WorkloadsReady", "status": "True"}, condition]},
    }


def read(found: dict[str, Any]) -> LlmService:
    return understood(msgspec.convert(found, Service))


@pytest.mark.parametrize(
    ("spec", "units", "replicas", "most"),
    [
        ({"template": pod(2)}, 2, 1, None),
        ({"template": pod(2), "replicas": 3}, 6, 3, None),
        ({"template": pod(2), "replicas": 0}, 0, 0, None),
        ({"template": pod(1), "prefill": {"template": pod(2), "replicas": 2}}, 5, 3, None),
        # a leader and size - 1 workers a replica; data over data that is local, or the pipeline
        ({"template": pod(8), "worker": pod(8), "parallelism": {"data": 32, "dataLocal": 8}}, 32, 1, None),
        ({"template": pod(4), "worker": pod(4), "parallelism": {"pipeline": 2}, "replicas": 2}, 16, 2, None),
        ({"template": pod(4), "worker": pod(4)}, 4, 1, None),
        ({"worker": pod(4), "parallelism": {"pipeline": 3}}, 12, 1, None),
        ({"worker": pod(4), "parallelism": {"data": 1, "pipeline": 3}}, 4, 1, None),
        ({"template": pod(4), "parallelism": {"data": 16, "dataLocal": 8}}, 4, 1, None),
        ({"template": pod(1), "scaling": {"minReplicas": 2, "maxReplicas": 5}}, 2, 2, 5),
        ({"template": pod(1), "scaling": {"maxReplicas": 5}}, 1, 1, 5),
    ],
)
def test_gpus_of_all_replicas_and_workers(
    spec: dict[str, Any], units: int, replicas: int, most: int | None
) -> None:
    found = read(service(**spec))
    assert (found.gpus, found.replicas, found.most_replicas) == (((GPU, units),), replicas, most)
    assert not found.partial


def test_a_stopped_service_takes_none() -> None:
    found = read(service(notes={"serving.kserve.io/stop": "true"}, template=pod(4)))
    assert found.stopped and dict(found.gpus) == {GPU: 0}
    assert llm_checks(LlmServices(found=(found,)), {GPU}) == ()


@pytest.mark.parametrize("spec", [{}, {"template": {"containers": [{"name": "main"}]}}])
def test_amounts_that_a_configuration_gives_are_said_not_to_be_known(spec: dict[str, Any]) -> None:
    found = read(service(baseRefs=[{"name": "config"}], **spec))
    assert found.partial and found.gpus == ()


@pytest.mark.parametrize(("status", "ready"), [("True", True), ("False", False), ("Unknown", None)])
def test_readiness_is_its_own_condition(status: str, ready: bool | None) -> None:
    found = read(service(ready=status, template=pod(1)))
    assert found.ready is ready
    assert bool(found.why) is (status != "True")
    assert not {"\x1b", "\n", "�"} & {*found.why} and "hunter2" not in found.why


def test_services_that_are_not_up_or_may_grow_are_told_for_what_the_nodes_offer() -> None:
    up = read(service("up", "True", template=pod(2)))
    grows = read(service("grows", "True", template=pod(2), scaling={"maxReplicas": 4}))
    waits = read(service("waits", template=pod(4)))
    second = read(service("second", template=pod(1)))

    def said(*services: LlmService, wanted: str = GPU) -> list[str]:
        return [one.what for one in llm_checks(LlmServices(found=services), {wanted})]

    assert said(up) == []
    assert said(read(service("asleep", "True", template=pod(2), replicas=0))) == []
    (told,) = said(up, waits, second)
    assert told.startswith("LLMInferenceService team/waits and 1 more are not ready")
    assert f"may still take some of the 5 {GPU} asked for" in told
    (told,) = said(grows)
    assert "up to 4 replicas from 1" in told
    assert said(waits, wanted="amd.com/gpu") == []
    (told,) = said(waits, read(service("open")))
    assert f"may still take some of the 4 {GPU} or more asked for" in told
    (told,) = said(read(service("open")))
    assert "may still take some of the GPUs (how many are asked for is not known)" in told
    assert said(read(service("none", replicas=0)), read(service("running", "True"))) == []
    assert llm_checks(None, {GPU}) == ()


async def report_on(scenario: Scenario, folder: Path) -> AcceleratorReport:
    with start_stub_cluster(scenario, folder=folder, tls=False) as cluster:
        return (await look_at(cluster))[0]


@pytest.mark.parametrize("kind", [SERVICES, OLDER])
async def test_whichever_version_is_served_is_read(tmp_path: Path, kind: Kind) -> None:
    scenario = openshift_ai()
    scenario.objects[kind] = [service(template=pod(2))]
    found = (await report_on(scenario, tmp_path)).llm_services
    assert found is not None
    assert (found.version, found.everywhere, len(found.found)) == (kind.version, True, 1)


async def test_a_cluster_without_them_has_none(tmp_path: Path) -> None:
    report = await report_on(openshift_ai(), tmp_path)
    assert report.llm_services == LlmServices()
    assert not [one for one in report.checks if one.code == "llm-services"]


async def test_who_may_not_list_all_sees_those_of_the_namespace(tmp_path: Path) -> None:
    scenario = openshift_ai()
    mine = service("mine", template=pod(2))
    mine["metadata"]["namespace"] = "default"
    scenario.objects[SERVICES] = [mine, service("theirs", template=pod(2))]
    right = Right("llminferenceservices.serving.kserve.io", "default")
    for rights, names, unknown in (((right,), ["mine"], False), ((), [], True)):
        scenario.user = User("alice", rights=(*rights, Right("nodes")))
        found = (await report_on(scenario, tmp_path)).llm_services
        assert found is not None
        assert [one.name for one in found.found] == names
        assert (bool(found.unknown), found.everywhere) == (unknown, False)


async def test_a_refresh_reads_them_again(tmp_path: Path) -> None:
    scenario = openshift_ai()
    scenario.objects[SERVICES] = [service(template=pod(2))]
    with start_stub_cluster(scenario, folder=tmp_path, tls=False) as cluster:
        report, _ = await look_at(cluster)
        assert [one.code for one in report.checks].count("llm-services") == 1
        cluster.store.put(SERVICES, [service(ready="True", template=pod(2))])
        again = await refresh_cluster(options(cluster.kubeconfig_path), report)
    assert "llm-services" not in {one.code for one in again.checks}
    assert again.profiles == report.profiles and again.kserve == report.kserve
