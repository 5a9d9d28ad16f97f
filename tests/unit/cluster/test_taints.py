"""Taints and the profile that gets a pod past them, by hand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from modelcar_tui.cluster.fits import FitAnswer, PodShape, may_run
from modelcar_tui.cluster.serving_types import HardwareProfile, Offered, ProfileKind, Profiles
from modelcar_tui.cluster.types import GpuNode, Guarantee, Held, Pool
from modelcar_tui.manifest.scheduling import Scheduling, Toleration

POOL = Pool(resource="nvidia.com/gpu", units=4, free=4, mem_mib=46068, mem_guarantee=Guarantee.EXCLUSIVE)
NODE = GpuNode(
    name="n",
    vendor="nvidia",
    cpu_milli=16_000,
    memory_mib=64 * 1024,
    held=Held(),
    most_pods=250,
    labels={"pool": "l40s"},
    taints=("nvidia.com/gpu=l40s:NoSchedule",),
    pool=(POOL,),
)
EXISTS = Toleration(key="nvidia.com/gpu", operator="Exists")
EQUAL = Toleration(key="nvidia.com/gpu", value="l40s", effect="NoSchedule")
OTHER = Toleration(key="nvidia.com/gpu", value="a100")
ALL = Toleration(operator="Exists")


def profile(name: str = "p", **more: Any) -> HardwareProfile:
    offers = more.pop("offers", (Offered(resource="nvidia.com/gpu"),))
    given: dict[str, Any] = {"tolerations": (EXISTS,), **more}
    return HardwareProfile(name=name, namespace="apps", offers=offers, **given)


@pytest.mark.parametrize(
    ("found", "helps"),
    [
        (profile(), True),
        (profile(tolerations=(EQUAL,)), True),
        (profile(tolerations=(ALL,)), True),
        (profile(tolerations=(OTHER,)), False),
        (profile(tolerations=()), False),
        (profile(offers=(Offered(resource="amd.com/gpu"),)), False),
        (profile(offers=()), False),
        (profile(selector=(("pool", "l40s"),)), True),
        (profile(selector=(("pool", "h100"),)), False),
        (profile(selector=(("zone", "a"),)), False),
        (profile(queue="team", tolerations=()), False),
    ],
)
def test_a_profile_helps_that_offers_the_units_takes_the_node_and_tolerates_its_taints(
    found: HardwareProfile, helps: bool
) -> None:
    fit = may_run(PodShape(profiles=Profiles(found=(found,))), NODE, POOL)
    assert (fit.answer, fit.code) == (FitAnswer.UNKNOWN, "taint")
    named = "if it is served with hardware profile p, which tolerates nvidia.com/gpu=l40s:NoSchedule"
    assert (fit.condition == named) is helps
    assert ("opendatahub.io/hardware-profile-name=p" in fit.settles) is helps
    assert ("no hardware profile that offers nvidia.com/gpu here gives it" in fit.why) is not helps


def test_every_taint_must_be_tolerated_by_the_profile_alone_since_it_replaces_the_runtime_s() -> None:
    node = msgspec.structs.replace(NODE, taints=(*NODE.taints, "dedicated=ai:NoExecute"))
    runtime = Scheduling(tolerations=(Toleration(key="dedicated", operator="Exists"),))
    one = PodShape(scheduling=runtime, profiles=Profiles(found=(profile(),)))
    both = profile(tolerations=(EXISTS, Toleration(key="dedicated", operator="Exists")))
    assert "served with" not in may_run(one, node, POOL).condition
    fit = may_run(msgspec.structs.replace(one, profiles=Profiles(found=(both,))), node, POOL)
    assert "served with hardware profile p" in fit.condition


def test_the_profile_that_the_dashboard_offers_for_so_many_units_is_named_first() -> None:
    small = profile("small", offers=(Offered(resource="nvidia.com/gpu", most=1),))
    large = profile("large", offers=(Offered(resource="nvidia.com/gpu", most=4),))
    old = profile("old", kind=ProfileKind.DASHBOARD)
    for units, found, name in (
        (2, (small, large), "large"),
        (1, (small, large), "small"),
        (2, (small,), "small"),
        (2, (old, large), "large"),
        (4, (small, old), "old"),
    ):
        pod = PodShape(units=units, profiles=Profiles(found=found))
        assert f"profile {name}," in may_run(pod, NODE, POOL).condition


def test_where_not_every_profile_could_be_read_it_is_not_said_that_none_helps() -> None:
    for profiles in (None, Profiles(unknown=("the hardware profiles of apps: forbidden",))):
        fit = may_run(PodShape(profiles=profiles), NODE, POOL)
        assert "no hardware profile" not in fit.why
        assert fit.condition == "if its pod tolerates nvidia.com/gpu=l40s:NoSchedule"


def test_devices_of_dra_are_offered_by_the_name_that_pods_ask_for() -> None:
    pool = msgspec.structs.replace(POOL, resource="dra:gpu.nvidia.com")
    fit = may_run(PodShape(profiles=Profiles(found=(profile(),))), NODE, pool)
    assert "served with hardware profile p" in fit.condition


def test_what_bars_the_node_anyhow_is_told_before_a_profile() -> None:
    full = msgspec.structs.replace(POOL, free=0)
    fit = may_run(PodShape(profiles=Profiles(found=(profile(),))), NODE, full)
    assert (fit.answer, fit.code) == (FitAnswer.NO, "busy")


def test_more_than_three_taints_are_counted() -> None:
    for count, shown in ((3, "t0:NoSchedule, t1:NoSchedule, t2:NoSchedule"), (5, "t2:NoSchedule and 2 more")):
        node = msgspec.structs.replace(NODE, taints=tuple(f"t{number}:NoSchedule" for number in range(count)))
        fit = may_run(PodShape(), node, POOL)
        assert fit.condition.endswith(shown) and f"{shown})" in fit.why
