"""What must be right before a model-car can be served, read over the wire."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cluster_support import look_at
from old_operators import openshift_ai_216

from modelcar_tui.cluster.image_checks import ImageNeed, check_images, check_waiting, pull_seconds
from modelcar_tui.cluster.types import AcceleratorReport, Check, GpuNode, Inventory, OtherNode, State, Waiting
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_objects import (
    CONFIG_MAPS,
    DSC,
    DSCI,
    LIMIT_RANGES,
    LOCAL_QUEUES,
    NODES,
    PODS,
    QUOTAS,
    node,
)
from modelcar_tui.demo.kube_operators import condition
from modelcar_tui.demo.kube_rights import Fault, Right, User
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai


async def report_on(scenario: Scenario, folder: Path) -> AcceleratorReport:
    with start_stub_cluster(scenario, folder=folder, tls=False) as cluster:
        return (await look_at(cluster))[0]


def check(report: AcceleratorReport, code: str) -> Check:
    return next(one for one in report.checks if one.code == code)


async def test_a_healthy_cluster(tmp_path: Path) -> None:
    report = await report_on(openshift_ai(), tmp_path)
    assert {one.state for one in report.checks} == {State.OK}
    versions = report.versions
    assert (versions.openshift, versions.ai, versions.kserve) == (
        "4.21.3",
        "OpenShift AI Self-Managed 3.4.0",
        "v0.17.0",
    )


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ('{"enableModelcar": true}', State.OK),
        ('{"enableModelcar": false}', State.BLOCKED),
        ('{"enableOciModelSupport": false, "enableModelcar": true}', State.OK),
        ("{}", State.WARNING),
        ("not json", State.UNKNOWN),
        ("[]", State.UNKNOWN),
    ],
)
async def test_the_model_car_switch(tmp_path: Path, settings: str, state: State) -> None:
    scenario = openshift_ai()
    scenario.objects[CONFIG_MAPS][0]["data"]["storageInitializer"] = settings
    found = check(await report_on(scenario, tmp_path), "model-car-switch")
    assert found.state is state
    assert state is State.OK or "inferenceservice-config" in found.fix


def removed(scenario: Scenario) -> None:
    scenario.objects[DSC][0]["spec"]["components"]["kserve"]["managementState"] = "Removed"


def says(kind: str, *words: str) -> Callable[[Scenario], None]:
    """The DataScienceCluster with this condition in place of its own."""

    def change(scenario: Scenario) -> None:
        conditions = scenario.objects[DSC][0]["status"]["conditions"]
        (at,) = (index for index, one in enumerate(conditions) if one["type"] == kind)
        conditions[at] = condition(kind, *words)

    return change


def uninitialized(scenario: Scenario) -> None:
    scenario.objects[DSCI] = []


def none(scenario: Scenario) -> None:
    scenario.objects[DSC] = []


@pytest.mark.parametrize(
    ("change", "state", "words"),
    [
        (removed, State.BLOCKED, "removed"),
        (says("KserveReady", "False", "Failed", "no\x1b[2J cert-manager"), State.WARNING, "cert-manager"),
        (
            says("KserveReady", "False", "DeploymentsNotReady", "0/2 deployments ready"),
            State.BLOCKED,
            "KServe is not running",
        ),
        (
            says("RayReady", "False", "Removed", "Component ManagementState is set to Removed"),
            State.OK,
            "ready",
        ),
        (uninitialized, State.OK, "ready"),
        (none, State.BLOCKED, "no Data"),
    ],
)
async def test_the_operators_health(
    tmp_path: Path, change: Callable[[Scenario], None], state: State, words: str
) -> None:
    scenario = openshift_ai()
    change(scenario)
    found = check(await report_on(scenario, tmp_path), "data-science-cluster")
    assert found.state is state
    assert words in found.what
    assert "\x1b" not in found.what


async def test_an_older_cluster_is_as_healthy_in_its_older_form(tmp_path: Path) -> None:
    report = await report_on(openshift_ai_216(), tmp_path)
    assert {one.state for one in report.checks} == {State.OK}
    assert report.versions.ai == "OpenShift AI Self-Managed 2.16.3"


async def test_a_missing_initialization_is_told_beside_the_cluster(tmp_path: Path) -> None:
    scenario = openshift_ai()
    uninitialized(scenario)
    found = check(await report_on(scenario, tmp_path), "dsc-initialization")
    assert (found.state, found.fix) == (State.WARNING, "create one in the OpenShift AI operator")


@pytest.mark.parametrize("kind", ["close", "status"])
async def test_an_operator_that_can_not_be_asked_is_unknown(tmp_path: Path, kind: str) -> None:
    with start_stub_cluster(folder=tmp_path, tls=False) as cluster:
        cluster.server.faults.append(Fault("datasciencecluster.opendatahub.io", kind))
        report, _ = await look_at(cluster)
    assert [one.code for one in report.checks if one.state is State.UNKNOWN] == ["data-science-cluster"]


async def test_the_version_that_wants_no_conversion_is_asked_first(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path, tls=False) as cluster:
        report, _ = await look_at(cluster)
        asked = [line for line in cluster.requests if "/datascienceclusters" in line]
    assert check(report, "data-science-cluster").state is State.OK
    assert len(asked) == 1
    assert "/v2/" in asked[0]


async def test_quotas_limits_and_queues_are_told(tmp_path: Path) -> None:
    scenario = openshift_ai()
    gpus = {"requests.nvidia.com/gpu": "4"}
    quota = {"metadata": {"name": "gpus", "namespace": "default"}, "status": {"hard": gpus, "used": gpus}}
    scenario.objects[QUOTAS] = [quota]
    scenario.objects[LIMIT_RANGES] = [
        {
            "metadata": {"name": "l", "namespace": "default"},
            "spec": {"limits": [{"type": "Container", "max": {"nvidia.com/gpu": "2", "cpu": "8"}}]},
        }
    ]
    scenario.objects[LOCAL_QUEUES] = [
        {
            "metadata": {"name": "team", "namespace": "default"},
            "spec": {"clusterQueue": "gpus"},
            "status": {"pendingWorkloads": 3},
        }
    ]
    report = await report_on(scenario, tmp_path)
    assert check(report, "quota").what == "quota gpus leaves 0 of 4 nvidia.com/gpu"
    assert check(report, "limit-range").what == "a Container in default may have at most 2 nvidia.com/gpu"
    assert check(report, "queue").what == "Kueue admits workloads by the queue team (of gpus): 3 waiting"


async def test_few_rights_leave_checks_unknown(tmp_path: Path) -> None:
    scenario = openshift_ai()
    scenario.user = User("alice", rights=(Right("nodes"), Right("templates.template.openshift.io", "*")))
    report = await report_on(scenario, tmp_path)
    assert check(report, "model-car-switch").state is State.UNKNOWN
    assert check(report, "data-science-cluster").state is State.UNKNOWN
    assert check(report, "rights").state is State.WARNING
    assert (report.versions.openshift, report.versions.inferred) == ("4.21", True)


async def test_a_cluster_without_kserve(tmp_path: Path) -> None:
    report = await report_on(Scenario(objects={NODES: [node("n")], PODS: []}), tmp_path)
    assert [(one.code, one.state) for one in report.checks] == [("kserve", State.BLOCKED)]
    assert report.versions.openshift is None


async def test_a_server_that_goes_away_after_the_nodes_takes_nothing_along(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path, tls=False) as cluster:
        cluster.server.faults.append(Fault("dscinit|templates|configmaps|datascience|quota|/apis$", "close"))
        report, _ = await look_at(cluster)
    assert len(report.inventory.nodes) == 5
    assert report.access.healthy
    assert report.runtime is None
    assert report.runtime_problem is not None


async def test_the_total_limit_keeps_what_was_read(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path, tls=False) as cluster:
        cluster.server.faults.append(Fault("machinesets", "silent", seconds=20))
        report, _ = await look_at(cluster, total_timeout_s=2.0, read_timeout_s=20.0, request_timeout_s=20.0)
    assert len(report.inventory.nodes) == 5
    assert report.inventory.partial
    assert "after its limit of 2 s" in str(report.inventory.problems[-1])


GPU_NODE = GpuNode(name="g", vendor="nvidia", arch="amd64", ephemeral_mib=100 * 1024)


@pytest.mark.parametrize(
    ("size_gib", "code", "state"),
    [
        (15, "pull-time", State.OK),
        (45, "pull-time", State.WARNING),
        (80, "pull-time", State.WARNING),
        (140, "ephemeral-storage", State.BLOCKED),
    ],
)
def test_image_size_against_the_nodes(size_gib: int, code: str, state: State) -> None:
    checks = check_images([ImageNeed(model="m", size_bytes=size_gib * 2**30)], Inventory(nodes=(GPU_NODE,)))
    assert (code, state) in [(one.code, one.state) for one in checks]
    assert all(one.what.startswith("m: ") for one in checks)


def test_an_unknown_size_is_no_check() -> None:
    assert check_images([ImageNeed(model="m")], Inventory(nodes=(GPU_NODE,))) == ()


def test_one_small_node_of_two_is_a_warning() -> None:
    large = GpuNode(name="h", vendor="nvidia", ephemeral_mib=500 * 1024)
    checks = check_images([ImageNeed(model="m", size_bytes=140 * 2**30)], Inventory(nodes=(GPU_NODE, large)))
    assert checks[0].state is State.WARNING
    assert checks[0].what.startswith("m: 1 of 2 nodes: g has 100.0 GiB of local storage")


@pytest.mark.parametrize(
    ("archs", "state"),
    [(("amd64",), None), (("arm64", "amd64"), None), (("arm64",), State.BLOCKED), ((), None)],
)
def test_architectures(archs: tuple[str, ...], state: State | None) -> None:
    checks = check_images([ImageNeed(model="m", architectures=archs)], Inventory(nodes=(GPU_NODE,)))
    assert [one.state for one in checks] == ([state] if state else [])


def test_architectures_of_cpu_nodes_count_where_there_are_no_gpus() -> None:
    inventory = Inventory(others=(OtherNode(name="z", arch="s390x"),))
    checks = check_images([ImageNeed(model="m", architectures=("amd64",))], inventory)
    assert [one.code for one in checks] == ["architecture"]


def test_the_estimate_covers_what_was_measured() -> None:
    for size, seconds in ((14e9, 363), (140e9, 4603)):
        low, high = pull_seconds(int(size))
        assert low * 0.9 <= seconds <= high * 1.1


def test_pods_that_wait_for_the_same_cards_are_mentioned() -> None:
    one, many = (Waiting(resource="nvidia.com/gpu", pods=pods, units=4) for pods in (1, 3))
    (told,) = check_waiting(Inventory(waiting=(one,)))
    assert told.what == "1 pod waits for 4 nvidia.com/gpu and may get them first"
    assert told.state is State.WARNING
    assert check_waiting(Inventory(waiting=(many,)))[0].what.startswith("3 pods wait for 4")
    assert check_waiting(Inventory()) == ()
