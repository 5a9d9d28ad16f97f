"""Where a model's pod may land: the nodes of one kind, and what they answer together."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from deciding_support import SHORT, cluster_of, decide, h100, model
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.cluster.fit_types import SUITE
from modelcar_tui.cluster.fits import FitAnswer, may_run
from modelcar_tui.cluster.limits import Behind, NamespaceLimits, Queue, Quota, Room
from modelcar_tui.cluster.serving_types import HardwareProfile, KServe, OciMode, Offered, Profiles
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Held, Runtime
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.manifest.scheduling import Scheduling
from modelcar_tui.verdict.asking import fetches, pod_for
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model
from modelcar_tui.verdict.landing import Landing, land, within_limits
from modelcar_tui.verdict.reports import Holds, ModelRequirements, Verdict

GIB = 1024
RELEASE = "0.19.0"
ROOM: dict[str, Any] = {
    "stated": False,
    "arch": "amd64",
    "cpu_milli": 16_000,
    "memory_mib": 64 * GIB,
    "ephemeral_mib": 450 * GIB,
    "held": Held(),
}


def whole(name: str, free: int | None = 8, **changes: Any) -> GpuNode:
    return msgspec.structs.replace(h100(name, 8, free), **{**ROOM, **changes})


def landing(*nodes: GpuNode, gpus: int = 1, runtime: Runtime | None = None) -> Landing:
    report = msgspec.structs.replace(cluster_of(*nodes), runtime=runtime)
    (kind,) = candidates(report)
    return land(pod_for(model(SHORT, gpus=gpus), report, RELEASE), kind)


def test_the_nodes_that_say_yes_are_named_and_no_more_than_ten() -> None:
    found = landing(whole("full", 0), whole("a"), whole("b", cpu_milli=0), whole("c"))
    assert (found.answer, found.nodes) == (FitAnswer.YES, ("a", "c"))
    many = landing(*(whole(f"n{number}") for number in range(30)))
    assert many.nodes == tuple(f"n{number}" for number in range(10))


def test_a_doubt_counts_only_where_nobody_says_yes() -> None:
    doubtful = whole("d", taints=("a:NoSchedule",))
    found = landing(doubtful, whole("e", 0))
    assert (found.answer, found.nodes, found.code) == (FitAnswer.UNKNOWN, ("d",), "taint")
    assert found.condition is not None
    assert (found.condition.text, found.condition.holds) == (
        "if its pod tolerates a:NoSchedule",
        Holds.UNKNOWN,
    )
    assert landing(doubtful, whole("e")).condition is None


def test_of_alike_tainted_nodes_ten_are_named_and_one_that_differs_is_still_asked() -> None:
    tainted = [whole(f"d{number}", taints=("a:NoSchedule",)) for number in range(30)]
    found = landing(*tainted)
    assert (found.answer, found.nodes) == (FitAnswer.UNKNOWN, tuple(f"d{number}" for number in range(10)))
    assert landing(*tainted, whole("free")).nodes == ("free",)
    assert landing(whole("e", 0), *tainted).nodes == found.nodes


def queue(name: str, available: int) -> Queue:
    rooms = tuple(
        Room(flavor="f", resource=resource, nominal=amount, used=0, available=amount, most=amount)
        for resource, amount in (("nvidia.com/gpu", available), ("cpu", 99_000), ("memory", 2**40))
    )
    groups = (("nvidia.com/gpu", "cpu", "memory"),)
    return Queue(name=name, cluster_queue="c", behind=Behind(groups=groups, rooms=rooms))


def through(
    profile: HardwareProfile | None, *nodes: GpuNode, managed: bool | None = True, quota: bool = False
) -> Landing:
    """Where the default queue of the namespace is full and the queue `free` is not."""
    full = Quota(name="q", hard={"requests.nvidia.com/gpu": 0}, used={"requests.nvidia.com/gpu": 0})
    limits = NamespaceLimits(
        namespace="n",
        managed=managed,
        queues=(queue("default", 0), queue("free", 1)),
        groups=("kueue.x-k8s.io",),
        quotas=(full,) if quota else (),
    )
    profiles = Profiles(found=(profile,) if profile else ())
    report = msgspec.structs.replace(cluster_of(*nodes), limits=limits, profiles=profiles)
    (kind,) = candidates(report)
    pod = pod_for(model(SHORT), report, RELEASE)
    return within_limits(land(pod, kind), pod, kind, report)


def test_a_profile_whose_queue_lets_the_pod_in_is_a_condition() -> None:
    queued = HardwareProfile(
        name="p", namespace="a", offers=(Offered(resource="nvidia.com/gpu"),), queue="free"
    )
    found = through(queued, whole("a"))
    assert (found.answer, found.nodes, found.code) == (FitAnswer.UNKNOWN, ("a",), "namespace")
    assert found.condition is not None
    assert found.condition.text == "if it is served with hardware profile p, whose queue free lets it in"
    assert "hardware-profile-name=p" in found.condition.settles
    other = Offered(resource="amd.com/gpu")
    for refused in (
        through(None, whole("a")),
        through(msgspec.structs.replace(queued, queue=""), whole("a")),
        through(msgspec.structs.replace(queued, queue="default"), whole("a")),
        through(msgspec.structs.replace(queued, queue="nowhere"), whole("a")),
        through(msgspec.structs.replace(queued, offers=(other,)), whole("a")),
        through(queued, whole("a"), quota=True),
    ):
        assert (refused.answer, refused.condition) == (FitAnswer.NO, None)
        assert refused.why.startswith(("the ClusterQueue", "quota q leaves 0"))
        assert refused.why.endswith("(and 1 more)") == refused.why.startswith("quota")


def test_a_profile_with_a_queue_gives_no_toleration_and_none_is_named_where_kueue_may_not_rule() -> None:
    queued = HardwareProfile(
        name="p", namespace="a", offers=(Offered(resource="nvidia.com/gpu"),), queue="free"
    )
    assert through(queued, whole("a", taints=("a:NoSchedule",))).answer is FitAnswer.NO
    for managed in (False, None):
        found = through(queued, whole("a"), managed=managed)
        assert found.condition is not None and "profile" not in found.condition.text


def test_images_are_fetched_only_where_kserve_is_known_to_do_so() -> None:
    plain = cluster_of()
    for kserve, fetched in (
        (None, False),
        (KServe(oci_mode=OciMode.MODELCAR), False),
        (KServe(oci_mode=OciMode.FETCH), True),
    ):
        report = msgspec.structs.replace(plain, kserve=kserve)
        assert fetches(report) is fetched
        assert pod_for(model(SHORT), report, RELEASE).fetched is fetched


def test_what_bars_the_nodes_is_told_with_how_many() -> None:
    busy = whole("c", 0)
    poor = [whole(name, cpu_milli=0) for name in ("a", "b")]
    assert landing(busy).why == "c has 0 of 8 free, the pod asks for 1"
    all_poor = landing(*poor)
    assert all_poor.why.startswith("none of the 2 nodes can take it: a has 0 of 0 CPUs free")
    mixed = landing(*poor, busy)
    assert mixed.code == "cpu"
    assert mixed.why.endswith("(as 2 of them; 1 for other reasons)")


def test_the_runtime_s_own_amounts_count_before_the_suite_s() -> None:
    small = whole("a", cpu_milli=1_000, memory_mib=4 * GIB)
    assert landing(small).answer is FitAnswer.NO
    runtime = Runtime(image="i", scheduling=Scheduling(cpu_milli=1_000, memory_mib=4 * GIB))
    assert landing(small, runtime=runtime).answer is FitAnswer.YES
    report = msgspec.structs.replace(cluster_of(small), runtime=runtime)
    assert pod_for(model(SHORT), report, RELEASE).asks == "as its runtime says"
    assert pod_for(model(SHORT), cluster_of(small), RELEASE).asks == SUITE


def test_an_image_that_was_not_read_is_as_large_as_its_weights() -> None:
    known = msgspec.structs.replace(
        model(SHORT), required_vram_gib=Fact(value=130.0, source=Source.NAME, unit="GiB")
    )
    pod = pod_for(known, cluster_of(), RELEASE)
    assert pod.image_mib == 130 * GIB
    assert pod_for(model(SHORT), cluster_of(), RELEASE).image_mib is None


def test_every_rank_of_the_server_is_a_process_of_its_own() -> None:
    what = model(SHORT, "--tensor-parallel-size=2", "--pipeline-parallel-size=2", gpus=4)
    pod = pod_for(what, cluster_of(), RELEASE)
    assert (pod.units, pod.processes) == (4, 4)


def test_the_card_that_would_be_taken_gives_the_reason() -> None:
    """The H100 holds it and is full; that the T4 is too small is another matter."""
    small = msgspec.structs.replace(whole("t"), product="Tesla-T4", cc="7.5")
    small = msgspec.structs.replace(small, pool=(msgspec.structs.replace(small.pool[0], mem_mib=15360),))
    found = decide(model(SHORT), small, whole("h", 0))
    assert found.verdict is Verdict.NO_GO
    assert found.why.startswith("it would fit on H100-80GB-HBM3, but no node has 1 free now")


_RANK = {Verdict.GO: 0, Verdict.UNKNOWN: 1, Verdict.NO_GO: 2}
_NODES = st.lists(
    st.builds(
        dict,
        free=st.sampled_from([None, 0, 1, 2, 8]),
        cpu_milli=st.sampled_from([None, 0, 2_000, 16_000]),
        memory_mib=st.sampled_from([0, 64 * GIB]),
        taints=st.sampled_from([(), ("a:NoSchedule",)]),
        usable=st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


def _judged(
    what: ModelRequirements, nodes: list[dict[str, Any]]
) -> tuple[Verdict, tuple[str, ...], AcceleratorReport]:
    report = cluster_of(*(whole(f"n{number}", **node) for number, node in enumerate(nodes)))
    found = decide_model(what, report, candidates(report), RELEASE)
    return found.verdict, found.nodes, report


@settings(max_examples=60, deadline=None)
@given(_NODES, st.sampled_from([1, 2, 4]), st.integers(0, 3))
def test_taking_away_never_turns_a_no_go_into_a_go_and_a_go_has_a_node(
    nodes: list[dict[str, Any]], gpus: int, at: int
) -> None:
    what = model(SHORT, gpus=gpus)
    verdict, names, report = _judged(what, nodes)
    if verdict is Verdict.GO:
        pod = pod_for(what, report, RELEASE)
        by_name = {node.name: node for node in report.inventory.nodes}
        assert names
        assert all(
            may_run(pod, by_name[name], by_name[name].pool[0]).answer is FitAnswer.YES for name in names
        )
    at %= len(nodes)
    one = nodes[at]
    for worse in (
        {"usable": False},
        {"taints": (*one["taints"], "b:NoSchedule")},
        {"cpu_milli": 0},
        {"free": 0},
    ):
        after, _, _ = _judged(what, [*nodes[:at], {**one, **worse}, *nodes[at + 1 :]])
        assert _RANK[after] >= _RANK[verdict], (worse, verdict, after)
    for less_known in ({"free": None}, {"cpu_milli": None}):
        after, _, _ = _judged(what, [*nodes[:at], {**one, **less_known}, *nodes[at + 1 :]])
        assert verdict is Verdict.GO or after is not Verdict.GO, (less_known, verdict, after)


@pytest.mark.parametrize("gpus", [1, 2])
def test_a_namespace_is_not_asked_where_no_cluster_was(gpus: int) -> None:
    assert decide(model(SHORT, gpus=gpus), whole("a")).verdict is Verdict.GO
