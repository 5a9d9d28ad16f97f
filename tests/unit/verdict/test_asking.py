"""What the pod of a Kubernetes manifest asks for, and which nodes can give it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from deciding_support import SHORT, cluster_of, h100, model, node, t4
from kube_support import asks

from modelcar_tui.cluster.fit_types import FitAnswer, PodShape
from modelcar_tui.cluster.limits import NamespaceLimits, Queue, Quota, Scope
from modelcar_tui.cluster.serving_types import (
    HardwareProfile,
    KServe,
    OciMode,
    Offered,
    ProfileKind,
    Profiles,
)
from modelcar_tui.cluster.types import GpuNode, Held, Runtime
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.manifest.scheduling import Requirement, Scheduling, Toleration
from modelcar_tui.verdict.asking import pod_for
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model
from modelcar_tui.verdict.landing import land
from modelcar_tui.verdict.reports import ModelRequirements, ModelVerdict, Verdict

RELEASE, GIB = "0.19.0", 1024
READ: dict[str, Any] = {"stated": False, "arch": "amd64", "held": Held()}
HARD = Toleration(key="gpu", operator="Exists")


def read(one: GpuNode, **changes: Any) -> GpuNode:
    """A node of a cluster that was looked at, with room for anything."""
    room = {"cpu_milli": 64_000, "memory_mib": 512 * GIB, "ephemeral_mib": 900 * GIB}
    return msgspec.structs.replace(one, **{**READ, **room, **changes})


def pod(what: ModelRequirements, **report: Any) -> PodShape:
    return pod_for(what, msgspec.structs.replace(cluster_of(), **report), RELEASE)


def judged(what: ModelRequirements, *nodes: GpuNode, **report: Any) -> ModelVerdict:
    seen = msgspec.structs.replace(cluster_of(*nodes), **report)
    return decide_model(what, seen, candidates(seen), RELEASE)


def profile(**changes: Any) -> HardwareProfile:
    return HardwareProfile(**{"name": "l40s", "namespace": "redhat-ods-applications", **changes})


OURS = Runtime(
    image="i", name="ours", scheduling=Scheduling(cpu_milli=4000, memory_mib=99 * GIB, selector=(("a", "b"),))
)


def test_a_manifest_asks_for_what_it_says_and_for_nothing_of_the_cluster_s_own_runtime() -> None:
    found = pod(asks(gpus=2, cpu_milli=3000), runtime=OURS)
    assert (found.units, found.cpu_milli, found.memory_mib) == (2, 3000, 0)
    assert (found.scheduling.selector, found.resource, found.kind) == ((), "nvidia.com/gpu", "Deployment")
    car = pod(model(SHORT), runtime=OURS)
    assert (car.cpu_milli, car.memory_mib, car.resource, car.kind) == (4000, 99 * GIB, "", "")


def test_what_it_leaves_to_the_runtime_that_it_names_comes_from_there() -> None:
    what = asks(
        kind="InferenceService",
        runtime="ours",
        scheduling=Scheduling(selector=(("c", "d"),), tolerations=(HARD,)),
        memory_mib=8 * GIB,
    )
    found = pod(what, runtimes=(OURS,))
    assert (found.cpu_milli, found.memory_mib) == (4000, 8 * GIB)
    assert found.scheduling.selector == (("a", "b"), ("c", "d"))
    assert found.scheduling.tolerations == (HARD,)
    assert found.doubts == ()


def test_a_runtime_that_nobody_read_leaves_it_open() -> None:
    found = judged(asks(kind="InferenceService", runtime="theirs"), read(h100()), runtime=OURS)
    assert found.verdict is Verdict.UNKNOWN
    assert "ServingRuntime theirs" in found.why
    assert found.settle == "put it into the file: oc get servingruntime theirs -o yaml"


def test_nothing_requested_needs_no_amount_of_the_node() -> None:
    unsaid = read(h100(), cpu_milli=None, memory_mib=None)
    assert judged(asks(), unsaid).verdict is Verdict.GO
    assert judged(asks(memory_mib=GIB), unsaid).verdict is Verdict.UNKNOWN
    small = read(h100(), memory_mib=4 * GIB)
    assert judged(asks(), small).verdict is Verdict.GO
    found = judged(asks(memory_mib=8 * GIB), small)
    assert found.verdict is Verdict.NO_GO
    assert found.why.endswith("has 4 of 4 GiB of RAM free, the pod asks for 8 (as container vllm says)")


@pytest.mark.parametrize(
    ("asked", "offered", "verdict"),
    [
        ("nvidia.com/gpu", "nvidia.com/gpu", Verdict.GO),
        ("nvidia.com/gpu", "nvidia.com/gpu.shared", Verdict.NO_GO),
        ("nvidia.com/gpu.shared", "nvidia.com/gpu.shared", Verdict.GO),
        ("amd.com/gpu", "nvidia.com/gpu", Verdict.NO_GO),
        ("nvidia.com/mig-3g.40gb", "nvidia.com/gpu", Verdict.NO_GO),
    ],
)
def test_only_units_of_the_very_resource_count(asked: str, offered: str, verdict: Verdict) -> None:
    found = judged(asks(resource=asked), read(h100(resource=offered)))
    assert found.verdict is verdict
    if verdict is Verdict.NO_GO:
        assert found.why.endswith(f"offers {offered}, the pod asks for {asked}")


def test_of_a_node_that_is_only_stated_the_vendor_decides() -> None:
    shared = judged(asks(resource="nvidia.com/gpu.shared"), h100())
    assert (shared.verdict, shared.conditions[0].text) == (
        Verdict.UNKNOWN,
        "if the node offers nvidia.com/gpu.shared",
    )
    assert judged(asks(resource="amd.com/gpu"), h100()).verdict is Verdict.NO_GO


def test_its_own_selector_affinity_and_tolerations_are_told_as_the_pod_s() -> None:
    bare = read(h100())
    found = judged(asks(scheduling=Scheduling(selector=(("a", "b"),))), bare)
    assert found.why.endswith("does not have the label a=b that the pod selects")
    found = judged(asks(scheduling=Scheduling(terms=((Requirement(key="a", operator="Exists"),),))), bare)
    assert found.why.endswith("is not one that the pod's node affinity requires")
    tainted = read(h100(), taints=("gpu:NoSchedule",))
    assert judged(asks(scheduling=Scheduling(tolerations=(HARD,))), tainted).verdict is Verdict.GO
    found = judged(asks(), tainted)
    assert found.verdict is Verdict.UNKNOWN
    assert "and the file gives none" in found.why
    assert found.settle == "add the toleration to the Deployment"


@pytest.mark.parametrize(
    ("kind", "settle"),
    [
        (
            "InferenceService",
            "annotate it: opendatahub.io/hardware-profile-name: l40s, "
            "opendatahub.io/hardware-profile-namespace: redhat-ods-applications",
        ),
        ("Deployment", "give the pod what hardware profile l40s has: its tolerations, its node selector"),
    ],
)
def test_a_profile_that_would_help_is_named_as_the_kind_takes_it(kind: str, settle: str) -> None:
    helps = profile(tolerations=(HARD,), offers=(Offered(resource="nvidia.com/gpu"),))
    tainted = read(h100(), taints=("gpu:NoSchedule",))
    found = judged(asks(kind=kind), tainted, profiles=Profiles(found=(helps,)))
    assert (found.verdict, found.settle) == (Verdict.UNKNOWN, settle)
    assert "which hardware profile l40s has; the file gives none" in found.why


def test_an_annotated_profile_brings_what_the_webhook_merges() -> None:
    own = Scheduling(selector=(("a", "own"), ("c", "d")), tolerations=(Toleration(key="x"),))
    brings = profile(
        offers=(
            Offered(resource="cpu", default=4000),
            Offered(resource="memory", default=24 * 2**30),
            Offered(resource="nvidia.com/gpu", default=2),
        ),
        selector=(("a", "theirs"),),
        tolerations=(HARD,),
    )
    told = {"profiles": Profiles(found=(brings,))}
    what = asks(gpus=0, kind="InferenceService", profile="l40s", cpu_milli=1000, scheduling=own)
    found = pod(what, **told)
    assert (found.units, found.resource) == (2, "nvidia.com/gpu")
    assert (found.cpu_milli, found.memory_mib) == (1000, 24 * GIB)
    assert found.scheduling.selector == (("a", "theirs"), ("c", "d"))
    assert found.scheduling.tolerations == (HARD, Toleration(key="x"))
    assert pod(asks(gpus=1, kind="InferenceService", profile="l40s"), **told).units == 1


def test_a_profile_with_a_queue_brings_that_instead_of_tolerations_and_labels() -> None:
    brings = profile(queue="q", tolerations=(HARD,), selector=(("a", "b"),))
    what = asks(kind="LLMInferenceService", profile="l40s", queue="mine")
    found = pod(what, profiles=Profiles(found=(brings,)))
    assert (found.queue, found.scheduling) == ("q", Scheduling())


@pytest.mark.parametrize(
    ("kind", "name"), [("Deployment", "m"), ("StatefulSet", "m"), ("LLMInferenceService", "m/prefill")]
)
def test_what_the_webhook_leaves_alone_gets_nothing_of_a_profile(kind: str, name: str) -> None:
    brings = profile(tolerations=(HARD,))
    found = pod(asks(kind=kind, name=name, profile="l40s"), profiles=Profiles(found=(brings,)))
    assert (found.scheduling.tolerations, found.doubts) == ((), ())


def test_a_profile_of_the_dashboard_alone_brings_nothing_by_itself() -> None:
    brings = profile(kind=ProfileKind.DASHBOARD, tolerations=(HARD,))
    what = asks(kind="InferenceService", profile="l40s")
    found = pod(what, profiles=Profiles(found=(brings,)))
    assert (found.scheduling.tolerations, found.doubts) == ((), ())


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (None, "was not read"),
        ((), "was not read"),
        (
            (profile(), profile(namespace="other", selector=(("a", "b"),))),
            "is there in several namespaces",
        ),
    ],
)
def test_a_profile_that_is_not_known_leaves_it_open(
    found: tuple[HardwareProfile, ...] | None, told: str
) -> None:
    profiles = None if found is None else Profiles(found=found)
    verdict = judged(asks(kind="InferenceService", profile="l40s"), read(h100()), profiles=profiles)
    assert verdict.verdict is Verdict.UNKNOWN
    assert f"hardware profile l40s, which {told}" in verdict.why
    assert "grep l40s" in verdict.settle


def test_another_scheduler_than_the_cluster_s_own_leaves_it_open() -> None:
    assert judged(asks(scheduler="default-scheduler"), read(h100())).verdict is Verdict.GO
    found = judged(asks(scheduler="volcano"), read(h100()))
    assert found.verdict is Verdict.UNKNOWN
    assert "the scheduler volcano" in found.why
    assert judged(asks(scheduler="volcano"), read(t4(free=0))).verdict is Verdict.NO_GO


def test_ranks_are_shared_by_the_pods_of_a_replica() -> None:
    found = pod(asks(SHORT, "--tensor-parallel-size=4", "--pipeline-parallel-size=2", gpus=4, pods=2))
    assert (found.units, found.processes, found.pods, found.all) == (4, 4, 2, 2)


def sized(image: str, kind: str, **report: Any) -> tuple[int | None, bool]:
    what = asks(image=image, kind=kind)
    facts = msgspec.structs.replace(what.image, size_bytes=Fact(value=20 * 2**30, source=Source.LAYERS))
    found = pod(msgspec.structs.replace(what, image=facts), **report)
    return found.image_mib, found.fetched


def test_what_is_loaded_takes_room_of_the_node_where_it_is_known_to_lie_there() -> None:
    fetch = {"kserve": KServe(oci_mode=OciMode.FETCH)}
    assert sized("oci://a/b:1", "InferenceService") == (20 * GIB, False)
    assert sized("oci://a/b:1", "InferenceService", **fetch) == (20 * GIB, True)
    assert sized("oci://a/b:1", "Deployment", **fetch) == (20 * GIB, False)
    assert sized("hf://a/b", "InferenceService") == (20 * GIB, True)
    assert sized("pvc://a/b", "InferenceService") == (None, False)
    assert sized("hf://a/b", "Deployment") == (None, False)


def limits(**changes: Any) -> NamespaceLimits:
    return NamespaceLimits(**{"namespace": "n", "groups": ("kueue.x-k8s.io",), **changes})


def test_the_namespace_is_asked_for_what_the_file_gives_and_no_more() -> None:
    wants = Quota(name="q", hard={"memory": 64 * 2**30}, used={"memory": 0})
    there = {"limits": limits(quotas=(wants,))}
    found = judged(asks(), read(h100()), **there)
    assert (found.verdict, found.settle) == (Verdict.NO_GO, "give the model a request of memory")
    assert "quota q wants a request of memory, the pod gives none" in found.why
    assert judged(asks(memory_mib=GIB), read(h100()), **there).verdict is Verdict.GO


def test_a_quota_counts_all_replicas_and_their_pods() -> None:
    gpus = "requests.nvidia.com/gpu"
    there = {"limits": limits(quotas=(Quota(name="q", hard={gpus: 3}, used={gpus: 0}),))}
    assert judged(asks(copies=3), read(h100()), **there).verdict is Verdict.GO
    found = judged(asks(copies=2, pods=2), read(h100()), **there)
    assert found.verdict is Verdict.NO_GO
    assert "leaves 3 of 3 nvidia.com/gpu, the 4 pods ask for 4" in found.why


def test_a_quota_on_a_priority_class_counts_pods_of_it_alone() -> None:
    none = {"requests.nvidia.com/gpu": 0}
    scope = Scope("PriorityClass", "In", ("low",))
    there = {"limits": limits(quotas=(Quota(name="q", hard=dict(none), used=dict(none), scopes=(scope,)),))}
    assert judged(asks(priority_class="high"), read(h100()), **there).verdict is Verdict.GO
    assert judged(asks(priority_class="low"), read(h100()), **there).verdict is Verdict.NO_GO


def test_its_own_queue_is_asked() -> None:
    stopped = Queue(name="closed", cluster_queue="c", stopped=True)
    there = {"limits": limits(managed=True, queues=(stopped,))}
    found = judged(asks(queue="closed"), read(h100()), **there)
    assert (found.verdict, "queue closed is stopped" in found.why) == (Verdict.NO_GO, True)
    found = judged(asks(queue="gone"), read(h100()), **there)
    assert (found.verdict, "the queue gone is not there in n" in found.why) == (Verdict.NO_GO, True)


def test_the_limits_of_another_namespace_are_not_those_of_its_own() -> None:
    there = {"limits": limits()}
    assert judged(asks(namespace="n"), read(h100()), **there).verdict is Verdict.GO
    found = judged(asks(namespace="prod"), read(h100()), **there)
    assert (found.verdict, found.settle) == (Verdict.UNKNOWN, "look there: --namespace prod")
    assert found.conditions[0].text == "if the limits of prod let it in"


def test_a_card_that_openshift_ai_serves_not_is_served_by_the_file_s_own_image() -> None:
    card = read(node("g", "Tenstorrent", 1, mem=98304, resource="example.com/npu"))
    card = msgspec.structs.replace(card, vendor="example.com")
    theirs = judged(asks(resource="example.com/npu"), card)
    ours = judged(model(SHORT), card)
    assert "no vLLM runtime" not in theirs.why
    assert theirs.gpus == ours.gpus == 1


def test_one_pod_of_a_model_car_lands_as_ever() -> None:
    report = cluster_of(h100(free=2))
    (kind,) = candidates(report)
    assert land(pod_for(model(SHORT, gpus=2), report, RELEASE), kind).answer is FitAnswer.YES
