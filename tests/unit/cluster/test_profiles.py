"""Profiles as the operator's and the dashboard's CRDs have them: what is read of them, what they check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from cluster_support import look_at

from modelcar_tui.cluster.limit_types import NamespaceLimits, Queue
from modelcar_tui.cluster.profile_checks import count_checks, naming_profile, queue_checks
from modelcar_tui.cluster.profiles import Accelerator, Hardware, of_accelerator, of_hardware, promised
from modelcar_tui.cluster.serving_types import HardwareProfile, Offered, ProfileKind, Profiles
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_objects import PROFILES
from modelcar_tui.demo.kube_operators import APPLICATIONS
from modelcar_tui.demo.kube_rights import Fault, Right, User
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai
from modelcar_tui.demo.kube_store import Kind
from modelcar_tui.manifest.scheduling import Toleration

OLDER = Kind("infrastructure.opendatahub.io", "v1alpha1", "hardwareprofiles", "HardwareProfile")
DASHBOARDS = Kind("dashboard.opendatahub.io", "v1alpha1", "hardwareprofiles", "HardwareProfile")
ACCELERATORS = Kind("dashboard.opendatahub.io", "v1", "acceleratorprofiles", "AcceleratorProfile")
TOLERATES = [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
TOLERATION = Toleration(key="nvidia.com/gpu", operator="Exists", effect="NoSchedule")


def identifier(name: str, least: object = 1, default: object = 1, most: object = None) -> dict[str, Any]:
    found = {"displayName": name, "identifier": name, "minCount": least, "defaultCount": default}
    return found if most is None else {**found, "maxCount": most}


def profile(name: str = "gpu", namespace: str = APPLICATIONS, **spec: Any) -> dict[str, Any]:
    whole = {"identifiers": [identifier("cpu"), identifier("nvidia.com/gpu")], **spec}
    return {"metadata": {"name": name, "namespace": namespace, "annotations": {}}, "spec": whole}


def accelerator(name: str = "gpu", *, enabled: bool = True, **spec: Any) -> dict[str, Any]:
    whole = {"displayName": name, "enabled": enabled, "identifier": "nvidia.com/gpu", **spec}
    return {"metadata": {"name": name, "namespace": APPLICATIONS}, "spec": whole}


def read(found: dict[str, Any]) -> HardwareProfile | None:
    return of_hardware(msgspec.convert(found, Hardware))


def test_identifiers_are_numbers_or_quantities() -> None:
    found = read(
        profile(
            identifiers=[
                identifier("cpu", 1, 2, 4),
                identifier("memory", "2Gi", "4Gi", "8Gi"),
                identifier("nvidia.com/gpu", "1", 1, "2"),
                identifier("amd.com/gpu"),
                {"identifier": ""},
            ]
        )
    )
    assert found is not None
    assert found.offers == (
        Offered(resource="cpu", least=1000, default=2000, most=4000),
        Offered(resource="memory", least=2 * 2**30, default=4 * 2**30, most=8 * 2**30),
        Offered(resource="nvidia.com/gpu", least=1, default=1, most=2),
        Offered(resource="amd.com/gpu", least=1, default=1, most=None),
    )


def test_a_queue_takes_the_place_of_tolerations_and_selector_as_in_the_webhook() -> None:
    node = {"nodeSelector": {"pool": "l40s"}, "tolerations": TOLERATES}
    queue = {"localQueueName": "team", "priorityClass": "high"}
    nodes = read(profile(scheduling={"type": "Node", "node": node}))
    queued = read(profile(scheduling={"type": "Queue", "kueue": queue, "node": node}))
    assert nodes is not None and queued is not None
    assert (nodes.selector, nodes.tolerations, nodes.queue) == ((("pool", "l40s"),), (TOLERATION,), "")
    assert (queued.selector, queued.tolerations) == ((), ())
    assert (queued.queue, queued.priority_class) == ("team", "high")


@pytest.mark.parametrize("said", ["true", "false", "", None])
def test_a_disabled_profile_is_none(said: str | None) -> None:
    found = profile()
    if said is not None:
        found["metadata"]["annotations"]["opendatahub.io/disabled"] = said
    assert (read(found) is None) is (said == "true")


def test_the_dashboard_s_own_profile_has_its_scheduling_a_level_up() -> None:
    spec = {"enabled": True, "tolerations": TOLERATES, "nodeSelectors": [{"key": "pool", "value": "a"}]}
    found = read({**profile(**spec), "apiVersion": "dashboard.opendatahub.io/v1alpha1"})
    assert found is not None
    assert (found.kind, found.selector, found.tolerations) == (
        ProfileKind.DASHBOARD,
        (("pool", "a"),),
        (TOLERATION,),
    )
    off = {**profile(enabled=False), "apiVersion": "dashboard.opendatahub.io/v1alpha1"}
    assert read(off) is None


def test_an_accelerator_profile_offers_one_resource_without_bounds() -> None:
    found = of_accelerator(msgspec.convert(accelerator(tolerations=TOLERATES), Accelerator))
    assert found is not None
    assert (found.title, found.offers) == (
        "accelerator profile gpu",
        (Offered(resource="nvidia.com/gpu"),),
    )
    assert found.tolerations == (TOLERATION,)
    assert of_accelerator(msgspec.convert(accelerator(enabled=False), Accelerator)) is None


async def report_on(scenario: Scenario, folder: Path) -> AcceleratorReport:
    with start_stub_cluster(scenario, folder=folder, tls=False) as cluster:
        return (await look_at(cluster))[0]


async def names(scenario: Scenario, folder: Path) -> list[tuple[str, ProfileKind]]:
    found = (await report_on(scenario, folder)).profiles
    assert found is not None and not found.unknown
    return sorted((one.name, one.kind) for one in found.found)


async def test_both_namespaces_are_read_by_whichever_version_is_served(tmp_path: Path) -> None:
    scenario = openshift_ai()
    scenario.objects[PROFILES] = [profile("a"), profile("b", "default"), profile("c", "elsewhere")]
    found = await names(scenario, tmp_path)
    assert found == [("a", ProfileKind.HARDWARE), ("b", ProfileKind.HARDWARE)]
    older = openshift_ai()
    older.objects.pop(PROFILES, None)
    older.objects[OLDER] = [profile("a")]
    assert await names(older, tmp_path) == [("a", ProfileKind.HARDWARE)]


async def test_the_dashboard_s_kinds_count_only_where_no_profile_of_the_platform_has_accelerators(
    tmp_path: Path,
) -> None:
    plain = profile("default-profile", identifiers=[identifier("cpu"), identifier("memory")])
    for own, expected in (
        ([plain], ["default-profile", "older", "old"]),
        ([plain, profile("gpu")], ["default-profile", "gpu"]),
    ):
        scenario = openshift_ai()
        scenario.objects[PROFILES] = own
        scenario.objects[DASHBOARDS] = [profile("old", enabled=True, displayName="Old")]
        scenario.objects[ACCELERATORS] = [accelerator("older"), accelerator("off", enabled=False)]
        assert {name for name, _ in await names(scenario, tmp_path)} == set(expected)


async def test_what_may_not_be_read_is_named_and_costs_nothing_else(tmp_path: Path) -> None:
    scenario = openshift_ai()
    scenario.objects[PROFILES] = [profile("a"), profile("b", "default")]
    scenario.user = User(
        "alice",
        rights=(Right("hardwareprofiles.infrastructure.opendatahub.io", APPLICATIONS), Right("nodes")),
    )
    found = (await report_on(scenario, tmp_path)).profiles
    assert found is not None
    assert [one.name for one in found.found] == ["a"]
    (unknown,) = [one for one in found.unknown if one.startswith("the hardware profiles of default")]
    assert "default" in unknown


async def test_a_server_that_fails_on_profiles_costs_them_alone(tmp_path: Path) -> None:
    scenario = openshift_ai()
    whole = await report_on(scenario, tmp_path)
    scenario = openshift_ai()
    scenario.faults = [Fault("hardwareprofiles", "status", status=500)]
    report = await report_on(scenario, tmp_path)
    assert report.profiles is not None and report.profiles.unknown
    assert report.runtime == whole.runtime and report.inventory.nodes == whole.inventory.nodes


@pytest.mark.odd_objects
async def test_an_odd_profile_costs_itself_alone_and_texts_are_cleaned(tmp_path: Path) -> None:
    odd = profile("odd", identifiers="many", scheduling=[1])
    hostile = profile("x\x1b[2J", scheduling={"node": {"tolerations": [{"key": "a\x1b[31m"}]}})
    scenario = openshift_ai()
    scenario.objects[PROFILES] = [odd, hostile, profile("fine")]
    found = (await report_on(scenario, tmp_path)).profiles
    assert found is not None
    assert {"odd", "fine"} <= {one.name for one in found.found}
    assert "\x1b" not in repr(found)


def offering(name: str = "p", *offers: Offered, **more: Any) -> HardwareProfile:
    return HardwareProfile(name=name, namespace="n", offers=offers, **more)


def gpus(most: int | None, least: int | None = 1, resource: str = "nvidia.com/gpu") -> Offered:
    return Offered(resource=resource, least=least, most=most)


@pytest.mark.parametrize(
    ("offers", "count", "says"),
    [
        ((gpus(2),), 4, "no hardware profile allows more than 2 nvidia.com/gpu, m asks for 4"),
        ((gpus(2), gpus(4)), 4, ""),
        ((gpus(2), gpus(None)), 4, ""),
        ((gpus(2), gpus(3)), 4, "more than 3"),
        ((gpus(8, least=2),), 1, "no hardware profile allows 1 nvidia.com/gpu, m asks for 1"),
        ((gpus(2, resource="amd.com/gpu"),), 4, ""),
        ((), 4, ""),
    ],
)
def test_more_gpus_than_every_profile_allows_is_told_and_bars_nothing(
    offers: tuple[Offered, ...], count: int, says: str
) -> None:
    profiles = Profiles(found=tuple(offering(f"p{i}", one) for i, one in enumerate(offers)))
    checks = count_checks([("small", 2), ("m", count)], ["nvidia.com/gpu"], profiles)
    assert bool(checks) is bool(says)
    for check in checks:
        assert (check.code, check.state) == ("profile-count", "warning")
        assert says in check.what and "the API does" in check.what


def test_profiles_that_were_not_read_check_nothing() -> None:
    assert count_checks([("m", 4)], ["nvidia.com/gpu"], None) == ()
    assert queue_checks(None, NamespaceLimits(namespace="n", managed=True)) == ()


@pytest.mark.parametrize(
    ("managed", "queues", "unknown", "told"),
    [
        (True, ("other",), (), True),
        (True, ("team",), (), False),
        (False, ("other",), (), False),
        (None, (), (), False),
        (True, (), ("queues",), False),
    ],
)
def test_a_queue_that_is_not_there_is_told_where_kueue_manages(
    managed: bool | None, queues: tuple[str, ...], unknown: tuple[str, ...], told: bool
) -> None:
    profiles = Profiles(found=(offering("p", queue="team"), offering("q")))
    found = tuple(Queue(name=name) for name in queues)
    limits = NamespaceLimits(namespace="n", managed=managed, queues=found, unknown=unknown)
    checks = queue_checks(profiles, limits)
    assert bool(checks) is told
    assert not told or "hardware profile p names the queue team, which is not there in n" in checks[0].what


def test_how_a_model_is_served_with_a_profile_depends_on_what_applies_it() -> None:
    said = naming_profile(offering("p"))
    assert "opendatahub.io/hardware-profile-name=p opendatahub.io/hardware-profile-namespace=n" in said
    older = naming_profile(offering("p", kind=ProfileKind.ACCELERATOR))
    assert "accelerator profile p in the dashboard" in older and "annotate" not in older


def test_the_accelerators_that_profiles_promise() -> None:
    cpu = Offered(resource="cpu")
    found = Profiles(found=(offering("p", cpu, gpus(1)), offering("q", gpus(1, resource="amd.com/gpu"))))
    assert promised(found) == {"nvidia.com/gpu", "amd.com/gpu"}
    assert promised(None) == frozenset()


def test_each_resource_has_its_check_in_order_and_counts_the_other_models() -> None:
    amd = gpus(1, resource="amd.com/gpu")
    found = Profiles(found=(offering("p", gpus(2)), offering("q", amd)))
    first, second = count_checks([("m", 4), ("n", 3)], ["nvidia.com/gpu", "amd.com/gpu"], found)
    assert "more than 1 amd.com/gpu, m (and 1 more) asks for 4" in first.what
    assert "more than 2 nvidia.com/gpu, m (and 1 more) asks for 4" in second.what
