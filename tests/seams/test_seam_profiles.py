"""From the objects of OpenShift AI to the verdict: profiles, queues, KServe's modes, LLM services."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from test_seam_placements import L40S, QUIET, gpus, model_of, node, taint

from modelcar_tui.cluster.limit_types import Behind, Queue, Room
from modelcar_tui.cluster.limits import NamespaceLimits
from modelcar_tui.cluster.look import read_cluster
from modelcar_tui.cluster.serving_types import HardwareProfile, Offered, Profiles
from modelcar_tui.cluster.types import AcceleratorReport, Check, State
from modelcar_tui.demo import kube_objects as ko
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_operators import APPLICATIONS
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai
from modelcar_tui.kube.types import ClusterOptions
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model, overall, preflight
from modelcar_tui.verdict.reports import Holds, ModelVerdict, Verdict
from support.configs import LLAMA_8B

Object = dict[str, Any]
TAINT = "nvidia.com/gpu"
TAINTED = {"taints": taint(TAINT), "labels": {**L40S, "pool": "l40s"}}
TOLERATES = [{"key": TAINT, "operator": "Exists"}]


def profile(name: str, most: int | None = None, **scheduling: Any) -> Object:
    gpu = {"displayName": "GPU", "identifier": "nvidia.com/gpu", "minCount": 1, "defaultCount": 1}
    return {
        "apiVersion": "infrastructure.opendatahub.io/v1",
        "kind": "HardwareProfile",
        "metadata": {"name": name, "namespace": APPLICATIONS},
        "spec": {
            "identifiers": [{**gpu, "maxCount": most} if most else gpu],
            "scheduling": scheduling,
        },
    }


def tolerating(name: str, **more: Any) -> Object:
    return profile(name, type="Node", node={"tolerations": TOLERATES, **more})


def accelerator(name: str) -> Object:
    spec = {"displayName": name, "enabled": True, "identifier": "nvidia.com/gpu", "tolerations": TOLERATES}
    return {
        "apiVersion": "dashboard.opendatahub.io/v1",
        "kind": "AcceleratorProfile",
        "metadata": {"name": name, "namespace": APPLICATIONS},
        "spec": spec,
    }


async def seen(items: list[Object], folder: Path) -> AcceleratorReport:
    path = folder / "inventory.json"
    path.write_text(json.dumps({"kind": "List", "items": items}))
    return await read_cluster(ClusterOptions(inventory=str(path), kubeconfig=str(folder / "none")))


def verdict_of(report: AcceleratorReport, count: int = 1) -> ModelVerdict:
    return decide_model(model_of(count, LLAMA_8B, 15), report, candidates(report), "0.18.0")


@pytest.mark.parametrize(
    ("profiles", "condition", "settles"),
    [
        ([], f"if its pod tolerates {TAINT}:NoSchedule", "by a hardware profile"),
        ([profile("plain")], f"if its pod tolerates {TAINT}:NoSchedule", "by a hardware profile"),
        (
            [profile("plain"), tolerating("l40s", nodeSelector={"pool": "l40s"})],
            f"if it is served with hardware profile l40s, which tolerates {TAINT}:NoSchedule",
            "opendatahub.io/hardware-profile-name=l40s",
        ),
        (
            [tolerating("h100", nodeSelector={"pool": "h100"})],
            f"if its pod tolerates {TAINT}:NoSchedule",
            "by a hardware profile",
        ),
        (
            [accelerator("migrated")],
            f"if it is served with accelerator profile migrated, which tolerates {TAINT}:NoSchedule",
            "choose accelerator profile migrated in the dashboard",
        ),
    ],
)
async def test_a_tainted_node_is_unknown_and_names_the_profile_that_gets_a_pod_there(
    profiles: list[Object], condition: str, settles: str, tmp_path: Path
) -> None:
    """The suite's pod names no profile, so that the condition is not known to hold."""
    report = await seen([node("n", units=gpus(4), **TAINTED), QUIET, *profiles], tmp_path)
    found = verdict_of(report)
    assert found.verdict is Verdict.UNKNOWN
    (told,) = found.conditions
    assert (told.text, told.holds) == (condition, Holds.UNKNOWN)
    assert settles in told.settles and settles in found.settle


async def test_a_node_without_the_taint_beside_it_is_go_without_a_word_of_profiles(tmp_path: Path) -> None:
    items = [node("n", units=gpus(4), **TAINTED), node("m", L40S, gpus(4)), QUIET, tolerating("l40s")]
    found = verdict_of(await seen(items, tmp_path))
    assert (found.verdict, found.conditions, found.nodes) == (Verdict.GO, (), ("m",))


async def test_a_profile_s_labels_outlive_the_report_s_way_through_a_journal(tmp_path: Path) -> None:
    items = [node("n", units=gpus(4), **TAINTED), QUIET, tolerating("l40s", nodeSelector={"pool": "l40s"})]
    report = await seen(items, tmp_path)
    assert [one.labels for one in report.inventory.nodes] == [{"pool": "l40s"}]
    again = msgspec.json.decode(msgspec.json.encode(report), type=AcceleratorReport)
    assert again == report
    assert verdict_of(again).conditions == verdict_of(report).conditions


@pytest.mark.parametrize(("most", "told"), [(2, True), (4, False), (None, False)])
async def test_fewer_gpus_than_the_model_asks_for_in_every_profile_is_a_check_and_no_bar(
    most: int | None, told: bool, tmp_path: Path
) -> None:
    report = await seen([node("n", L40S, gpus(4)), QUIET, profile("p", most)], tmp_path)
    assert verdict_of(report, 4).verdict is Verdict.GO
    checks = [one for one in preflight((model_of(4, LLAMA_8B, 15),), report) if one.code == "profile-count"]
    assert bool(checks) is told
    assert not told or "no hardware profile allows more than 2 nvidia.com/gpu, m asks for 4" in checks[0].what


def queue(name: str, available: int) -> Queue:
    rooms = tuple(
        Room(flavor="f", resource=resource, nominal=amount, used=0, available=amount, most=amount)
        for resource, amount in (("nvidia.com/gpu", available), ("cpu", 99_000), ("memory", 2**40))
    )
    behind = Behind(groups=(("nvidia.com/gpu", "cpu", "memory"),), rooms=rooms)
    return Queue(name=name, cluster_queue=f"of-{name}", behind=behind)


@pytest.mark.parametrize(
    ("managed", "named", "verdict"),
    [
        (True, "free", Verdict.UNKNOWN),
        (True, "default", Verdict.NO_GO),
        (True, "nowhere", Verdict.NO_GO),
        (True, "", Verdict.NO_GO),
    ],
)
async def test_the_queue_of_a_profile_is_a_way_in_where_the_default_one_is_full(
    managed: bool, named: str, verdict: Verdict, tmp_path: Path
) -> None:
    report = await seen([node("n", L40S, gpus(4)), QUIET], tmp_path)
    limits = NamespaceLimits(
        namespace="n",
        managed=managed,
        queues=(queue("default", 0), queue("free", 4)),
        groups=("kueue.x-k8s.io",),
    )
    one = HardwareProfile(name="p", namespace="a", offers=(Offered(resource="nvidia.com/gpu"),), queue=named)
    found = verdict_of(msgspec.structs.replace(report, limits=limits, profiles=Profiles(found=(one,))))
    assert found.verdict is verdict, found.why
    named_so = "if it is served with hardware profile p, whose queue free lets it in"
    assert [one.text for one in found.conditions] == ([named_so] if verdict is Verdict.UNKNOWN else [])


async def of_stub(scenario: Scenario, folder: Path) -> AcceleratorReport:
    with start_stub_cluster(scenario, folder=folder, tls=False) as cluster:
        return await read_cluster(ClusterOptions(kubeconfig=str(cluster.kubeconfig_path)))


def with_settings(**settings: Object) -> Scenario:
    scenario = openshift_ai()
    data = scenario.objects[ko.CONFIG_MAPS][0]["data"]
    data.update({key: json.dumps(value) for key, value in settings.items()})
    return scenario


def check(checks: tuple[Check, ...], code: str) -> Check | None:
    return next((one for one in checks if one.code == code), None)


@pytest.mark.parametrize(
    ("kubernetes", "verdict"), [("v1.30.6", Verdict.NO_GO), ("v1.33.5", Verdict.GO), ("v1.35.1", Verdict.GO)]
)
async def test_image_volumes_on_a_release_without_them_bar_every_model(
    kubernetes: str, verdict: Verdict, tmp_path: Path
) -> None:
    scenario = with_settings(storageInitializer={"enableModelcar": True, "ociModelMode": "native"})
    scenario.version = kubernetes
    report = await of_stub(scenario, tmp_path)
    checks = preflight((), report)
    found = check(checks, "model-car-switch")
    assert found is not None
    assert found.state is (State.BLOCKED if verdict is Verdict.NO_GO else State.OK), found.what
    assert overall((), checks)[0] is verdict


async def test_serverless_without_knative_is_a_warning_since_the_suite_names_its_own_mode(
    tmp_path: Path,
) -> None:
    report = await of_stub(with_settings(deploy={"defaultDeploymentMode": "Serverless"}), tmp_path)
    checks = preflight((), report)
    found = check(checks, "deployment-mode")
    assert found is not None and found.state is State.WARNING
    assert "the cluster has no Knative Serving" in found.what
    assert overall((), checks)[0] is Verdict.GO


@pytest.mark.parametrize(
    ("gib", "mode", "verdict"),
    [
        (10, "fetch", Verdict.NO_GO),
        (28, "fetch", Verdict.GO),
        (28, "modelcar", Verdict.UNKNOWN),
        (30, "modelcar", Verdict.GO),
    ],
)
async def test_an_image_that_is_fetched_into_the_pod_has_the_line_of_pods(
    gib: int, mode: str, verdict: Verdict, tmp_path: Path
) -> None:
    """15 GiB of the model and 10 of the runtime: 25 of 28 GiB are under 90 %, and over 85."""
    scenario = with_settings(storageInitializer={"enableModelcar": True, "ociModelMode": mode})
    made = node("n", L40S, gpus(4))
    for part in ("allocatable", "capacity"):
        made["status"][part]["ephemeral-storage"] = f"{gib}Gi"
    scenario.objects[ko.NODES] = [made]
    scenario.objects[ko.PODS] = []
    found = verdict_of(await of_stub(scenario, tmp_path))
    assert found.verdict is verdict, found.why
