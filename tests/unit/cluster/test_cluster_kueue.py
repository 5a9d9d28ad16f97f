"""Kueue's quotas: the sum as Kueue makes it, and what is said of it over the wire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from cluster_support import look_at

from modelcar_tui.cluster.kueue import ClusterQueue, Room, rooms
from modelcar_tui.cluster.types import Check, State
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_objects import CLUSTER_QUEUES, LOCAL_QUEUES
from modelcar_tui.demo.kube_operators import condition
from modelcar_tui.demo.kube_rights import Right, User
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai
from modelcar_tui.demo.kube_store import Kind

GPU = "nvidia.com/gpu"


def queue(
    name: str, nominal: int, used: int | None, *, cohort: str = "", flavor: str = "h100", **limits: str
) -> dict[str, Any]:
    quota = {"name": GPU, "nominalQuota": str(nominal), **limits}
    spec: dict[str, Any] = {
        "resourceGroups": [
            {
                "coveredResources": ["cpu", GPU],
                "flavors": [{"name": flavor, "resources": [{"name": "cpu", "nominalQuota": "96"}, quota]}],
            }
        ]
    }
    if cohort:
        spec["cohort"] = cohort
    status: dict[str, Any] = {"conditions": [condition("Active", "True", "Ready", "Can admit new workloads")]}
    if used is not None:
        status["flavorsReservation"] = [{"name": flavor, "resources": [{"name": GPU, "total": str(used)}]}]
    return {"metadata": {"name": name}, "spec": spec, "status": status}


def room(*queues: dict[str, Any]) -> Room:
    made = [msgspec.convert(one, ClusterQueue) for one in queues]
    (found,) = rooms(made[0], made, {GPU})
    return found


@pytest.mark.parametrize(
    ("queues", "available", "borrowed"),
    [
        ([queue("a", 8, 3)], 5, 0),
        ([queue("a", 8, 8)], 0, 0),
        ([queue("a", 8, 10)], 0, 0),
        ([queue("a", 8, 3), queue("b", 8, 0)], 5, 0),
        ([queue("a", 8, 3, cohort="ai"), queue("b", 8, 2, cohort="ai")], 11, 6),
        ([queue("a", 8, 8, cohort="ai"), queue("b", 8, 2, cohort="ai")], 6, 6),
        ([queue("a", 8, 8, cohort="ai", borrowingLimit="4"), queue("b", 8, 2, cohort="ai")], 4, 4),
        ([queue("a", 8, 10, cohort="ai", borrowingLimit="4"), queue("b", 8, 2, cohort="ai")], 2, 2),
        ([queue("a", 8, 8, cohort="ai", borrowingLimit="0"), queue("b", 8, 2, cohort="ai")], 0, 0),
        ([queue("a", 8, 8, cohort="ai"), queue("b", 8, 0, cohort="ai", lendingLimit="3")], 3, 3),
        ([queue("a", 8, 0, cohort="ai"), queue("b", 8, 12, cohort="ai")], 4, 0),
        ([queue("a", 8, 0, cohort="ai", lendingLimit="2"), queue("b", 8, 10, cohort="ai")], 6, 0),
        ([queue("a", 8, 3, cohort="ai"), queue("b", 8, 0, cohort="ai", flavor="l40s")], 5, 0),
        ([queue("a", 8, None)], None, 0),
        ([queue("a", 8, 3, cohort="ai"), queue("b", 8, None, cohort="ai")], None, 0),
    ],
    ids=[
        "own",
        "full",
        "over",
        "no-cohort",
        "cohort",
        "all-borrowed",
        "borrowing-limit",
        "partly-borrowed",
        "may-not-borrow",
        "lending-limit",
        "lent-out",
        "kept-back",
        "other-flavor",
        "unknown",
        "unknown-cohort",
    ],
)
def test_what_a_new_workload_could_get(
    queues: list[dict[str, Any]], available: int | None, borrowed: int
) -> None:
    found = room(*queues)
    assert (found.available, found.borrowed) == (available, borrowed)


def scenario_with(
    *queues: dict[str, Any], kind: Kind = CLUSTER_QUEUES, local: Kind = LOCAL_QUEUES
) -> Scenario:
    scenario = openshift_ai()
    scenario.objects[kind] = list(queues)
    scenario.objects[local] = [
        {
            "metadata": {"name": "team", "namespace": "default"},
            "spec": {"clusterQueue": "a"},
            "status": {"pendingWorkloads": 0, "flavors": [{"name": "h100", "resources": [GPU]}]},
        }
    ]
    return scenario


async def quota_checks(scenario: Scenario, folder: Path) -> list[Check]:
    with start_stub_cluster(scenario, folder=folder, tls=False) as cluster:
        report, _ = await look_at(cluster)
    return [check for check in report.checks if check.code == "queue-quota"]


async def test_the_quota_is_told_with_its_numbers(tmp_path: Path) -> None:
    checks = await quota_checks(
        scenario_with(queue("a", 8, 8, cohort="ai"), queue("b", 8, 2, cohort="ai")), tmp_path
    )
    told = (
        f"ClusterQueue a, flavor h100: 6 {GPU} available (quota 8, 8 in use), 6 of them borrowed in cohort ai"
    )
    assert [(check.state, check.what) for check in checks] == [(State.OK, told)]


async def test_no_quota_left_is_a_warning(tmp_path: Path) -> None:
    (check,) = await quota_checks(scenario_with(queue("a", 8, 8)), tmp_path)
    assert check.state is State.WARNING
    assert "0 nvidia.com/gpu available" in check.what


async def test_a_queue_without_accelerators_admits_none(tmp_path: Path) -> None:
    bare = queue("a", 8, 0)
    bare["spec"]["resourceGroups"][0]["flavors"][0]["resources"].pop()
    (check,) = await quota_checks(scenario_with(bare), tmp_path)
    assert check.state is State.WARNING
    assert "has no quota for nvidia.com/gpu" in check.what


async def test_an_inactive_queue_is_told_with_its_reason(tmp_path: Path) -> None:
    inactive = queue("a", 8, 0)
    inactive["status"]["conditions"] = [condition("Active", "False", "FlavorNotFound", "no\x1b[31m h100")]
    (check,) = await quota_checks(scenario_with(inactive), tmp_path)
    assert check.state is State.WARNING
    assert "admits nothing: FlavorNotFound no h100" in check.what


async def test_the_newer_version_is_asked_where_the_older_is_gone(tmp_path: Path) -> None:
    newer = queue("a", 8, 1)
    newer["spec"]["cohortName"] = "ai"
    kind = Kind("kueue.x-k8s.io", "v1beta2", "clusterqueues", "ClusterQueue", namespaced=False)
    local = Kind("kueue.x-k8s.io", "v1beta2", "localqueues", "LocalQueue")
    scenario = scenario_with(newer, kind=kind, local=local)
    status = scenario.objects[local][0]["status"]
    status["flavorsReservation"] = [{"name": "h100", "resources": [{"name": GPU, "total": "1"}]}]
    del status["flavors"]
    (check,) = await quota_checks(scenario, tmp_path)
    assert f"7 {GPU} available" in check.what


async def test_the_newer_version_s_flavors_are_known_by_what_is_reserved(tmp_path: Path) -> None:
    local = Kind("kueue.x-k8s.io", "v1beta2", "localqueues", "LocalQueue")
    scenario = scenario_with(queue("a", 8, 3), local=local)
    status = scenario.objects[local][0]["status"]
    status["flavorsReservation"] = [{"name": "h100", "resources": [{"name": GPU, "total": "1"}]}]
    del status["flavors"]
    scenario.user = User("alice", rights=READER)
    (check,) = await quota_checks(scenario, tmp_path)
    assert "its flavors: h100" in check.what


READER = (Right("nodes"), Right("pods"), Right("localqueues.kueue.x-k8s.io"))


async def test_without_the_right_to_read_it_the_quota_is_unknown(tmp_path: Path) -> None:
    scenario = scenario_with(queue("a", 8, 3))
    scenario.user = User("alice", rights=READER)
    (check,) = await quota_checks(scenario, tmp_path)
    assert check.state is State.UNKNOWN
    assert "can't be read" in check.what
    assert "its flavors: h100" in check.what


async def test_who_may_get_but_not_list_knows_the_queue_but_not_its_cohort(tmp_path: Path) -> None:
    scenario = scenario_with(queue("a", 8, 3, cohort="ai"), queue("b", 8, 3, cohort="ai"))
    scenario.user = User("alice", rights=(*READER, Right("clusterqueues.kueue.x-k8s.io", verbs=("get",))))
    (check,) = await quota_checks(scenario, tmp_path)
    assert check.state is State.UNKNOWN
    assert "(quota 8, 3 in use), what cohort ai would lend is unknown" in check.what
