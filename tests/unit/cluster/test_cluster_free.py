"""FREE against an independent restatement of the scheduler's rule, and the cases of KEP-753."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcar_tui.cluster.free import Queue, Usage, add_pods, pod_requests, with_free
from modelcar_tui.cluster.types import GpuNode, Held, Pool, Waiting
from modelcar_tui.kube import objects
from modelcar_tui.kube.quantity import mebibytes, thousandths, whole

GPU = "nvidia.com/gpu"


def reference(pod: dict[str, Any]) -> int:
    """The most GPUs that the pod holds at any moment of its life, by playing it through.

    At start the init containers run one after the other, each to its end; those that restart always stay.
    Then the main containers run beside them. The runtime class's overhead is there all along.
    """

    def asks(container: dict[str, Any]) -> int:
        resources = container.get("resources") or {}
        requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
        return int(requests[GPU] if GPU in requests else limits.get(GPU, 0))

    moments, staying = [0], 0
    for container in pod["spec"].get("initContainers", []):
        moments.append(staying + asks(container))
        if container.get("restartPolicy") == "Always":
            staying += asks(container)
    moments.append(staying + sum(asks(container) for container in pod["spec"]["containers"]))
    return max(moments) + int(pod["spec"].get("overhead", {}).get(GPU, 0))


amounts = st.integers(0, 8).map(str)
resources = st.fixed_dictionaries(
    {},
    optional={
        "requests": st.dictionaries(st.sampled_from([GPU, "cpu"]), amounts),
        "limits": st.dictionaries(st.sampled_from([GPU, "cpu"]), amounts),
    },
)
containers = st.fixed_dictionaries({}, optional={"resources": resources})
init_containers = st.fixed_dictionaries(
    {}, optional={"resources": resources, "restartPolicy": st.just("Always")}
)
specs = st.fixed_dictionaries(
    {"containers": st.lists(containers, max_size=4), "nodeName": st.sampled_from(["a", "b"])},
    optional={
        "initContainers": st.lists(init_containers, max_size=4),
        "overhead": st.dictionaries(st.just(GPU), amounts),
    },
)
phases = st.sampled_from(["Running", "Pending", "Unknown", "Succeeded", "Failed"])
pods = st.fixed_dictionaries({"spec": specs, "status": st.fixed_dictionaries({"phase": phases})})


def typed(pod: dict[str, Any]) -> objects.Pod:
    return msgspec.convert(pod, objects.Pod)


@given(st.lists(pods, max_size=8))
def test_free_is_what_the_scheduler_would_say(some: list[dict[str, Any]]) -> None:
    usage: Usage = {}
    add_pods(usage, map(typed, some))
    node = GpuNode(name="a", vendor="nvidia", pool=(Pool(resource=GPU, units=16),))
    held = sum(
        reference(pod)
        for pod in some
        if pod["spec"]["nodeName"] == "a" and pod["status"]["phase"] in ("Running", "Pending", "Unknown")
    )
    counted = with_free(node, usage)
    assert counted.pool[0].free == max(0, 16 - held)
    assert bool(counted.notes) == (held > 16)


def box(amount: int, **more: Any) -> dict[str, Any]:
    return {"resources": {"limits": {GPU: str(amount)}}, **more}


SIDECAR = {"restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("spec", "held"),
    [
        ({"containers": [box(1), box(2)]}, 3),
        ({"initContainers": [box(4)], "containers": [box(1)]}, 4),
        ({"initContainers": [box(1, **SIDECAR), box(4)], "containers": [box(2)]}, 5),
        ({"initContainers": [box(4), box(1, **SIDECAR)], "containers": [box(2)]}, 4),
        ({"initContainers": [box(4), box(1, **SIDECAR)], "containers": [box(4)]}, 5),
        ({"initContainers": [box(4), box(1)], "containers": [box(1)]}, 4),
        ({"containers": [box(2)], "overhead": {GPU: "1"}}, 3),
        ({"containers": [box(2)], "overhead": {GPU: "-1"}}, 2),
        ({"containers": [box(2), box(-1)]}, 2),
        ({"containers": [{"resources": {"requests": {GPU: "1"}, "limits": {GPU: "2"}}}]}, 1),
        ({"containers": [{}]}, 0),
    ],
    ids=[
        "sum",
        "init-peak",
        "sidecar-before",
        "sidecar-after",
        "sidecar-wins",
        "first-init-peak",
        "overhead",
        "overhead-below-none",
        "request-below-none",
        "request-first",
        "none",
    ],
)
def test_examples_of_the_enhancement_proposal(spec: dict[str, Any], held: int) -> None:
    assert pod_requests(typed({"spec": spec})).get(GPU, 0) == held


def test_a_terminating_pod_counts_and_a_waiting_one_does_not() -> None:
    usage: Usage = {}
    leaving = {
        "metadata": {"name": "x", "deletionTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"nodeName": "a", "containers": [box(1)]},
        "status": {"phase": "Running"},
    }
    waiting = {"spec": {"containers": [box(8)]}, "status": {"phase": "Pending"}}
    add_pods(usage, [typed(leaving), typed(waiting)])
    assert usage == {"a": {GPU: 1, "pods": 1}}


def test_other_names_of_the_same_spyre_cards_count() -> None:
    pool = Pool(resource="ibm.com/spyre_pf", units=8)
    node = GpuNode(name="a", vendor="ibm-spyre", pool=(pool,))
    assert with_free(node, {"a": {"ibm.com/spyre_pf": 1, "ibm.com/spyre_pf_tier0": 2}}).pool[0].free == 5


def test_cores_of_a_neuron_chip_make_free_unknown() -> None:
    node = GpuNode(name="a", vendor="aws-neuron", pool=(Pool(resource="aws.amazon.com/neuron", units=4),))
    assert with_free(node, {"a": {"aws.amazon.com/neuroncore": 2}}).pool[0].free is None


def test_one_core_that_is_asked_for_by_the_pool_s_own_name_leaves_free_known() -> None:
    pool = Pool(resource="aws.amazon.com/neuroncore", units=8)
    node = GpuNode(name="a", vendor="aws-neuron", pool=(pool,))
    held = {"aws.amazon.com/neuroncore": 3, "vpc.amazonaws.com/efa": 1, "memory.example.com/pages": 1}
    assert with_free(node, {"a": held}).pool[0].free == 5


def test_other_spyre_pools_and_other_nodes_do_not_count() -> None:
    node = GpuNode(name="a", vendor="ibm-spyre", pool=(Pool(resource="ibm.com/spyre_pf", units=8),))
    usage = {"a": {"ibm.com/spyre_vf_tier0": 2, "ibm.com/spyre_pfx": 1}, "b": {"ibm.com/spyre_pf": 3}}
    assert with_free(node, usage).pool[0].free == 8


def test_only_the_nodes_that_are_given_are_counted() -> None:
    def on(node: str) -> objects.Pod:
        return typed({"spec": {"nodeName": node, "containers": [box(2)]}, "status": {"phase": "Running"}})

    usage: Usage = {"a": {GPU: 1}}
    add_pods(usage, [on("a"), on("b"), on("a")], {"a": object()})
    assert usage == {"a": {GPU: 5, "pods": 2}}


def test_a_node_whose_units_are_all_held_is_full_and_one_with_more_held_says_so() -> None:
    node = GpuNode(name="a", vendor="nvidia", pool=(Pool(resource=GPU, units=4),), notes=("old",))
    full, over = with_free(node, {"a": {GPU: 4}}), with_free(node, {"a": {GPU: 5}})
    assert (full.pool[0].free, full.notes) == (0, ("old",))
    assert over.pool[0].free == 0
    assert over.notes == ("old", f"pods hold 5 {GPU}, more than the 4 that are allocatable")
    assert with_free(over, {"a": {GPU: 5}}).notes == over.notes


def test_units_that_claims_give_out_keep_their_own_count() -> None:
    pools = (Pool(resource="dra:gpu.nvidia.com", units=4, free=3), Pool(resource=GPU, units=8))
    node = GpuNode(name="a", vendor="nvidia", pool=pools)
    counted = with_free(node, {"a": {"dra:gpu.nvidia.com": 4, GPU: 2}})
    assert [pool.free for pool in counted.pool] == [3, 6]


def test_processors_memory_and_storage_are_counted_beside_the_cards() -> None:
    box_ = {"resources": {"requests": {"cpu": "1500m", GPU: "1", "memory": "1Gi"}, "limits": {"cpu": "9"}}}
    init = {"resources": {"requests": {"cpu": "2", "ephemeral-storage": "2Mi"}}}
    pod = {"containers": [box_, box_], "initContainers": [init], "overhead": {"cpu": "250m"}}
    found = pod_requests(typed({"spec": pod}))
    assert found == {"cpu": 3250, GPU: 2, "memory": 2 * 2**30, "ephemeral-storage": 2 * 2**20}
    node = with_free(GpuNode(name="a", vendor="nvidia"), {"a": {**found, "pods": 1}})
    assert node.held == Held(cpu_milli=3250, memory_mib=2048, ephemeral_mib=2, pods=1)


def test_a_pod_that_asks_for_nothing_takes_only_its_own_place() -> None:
    usage: Usage = {}
    idle = {"spec": {"nodeName": "a", "containers": [box(0)]}, "status": {"phase": "Running"}}
    add_pods(usage, [typed(idle)])
    assert usage == {"a": {"pods": 1}}


def test_a_pod_that_the_scheduler_made_room_for_holds_its_place_before_it_is_there() -> None:
    usage: Usage = {}
    queue = Queue()
    nominated = {"spec": {"containers": [box(2)]}, "status": {"phase": "Pending", "nominatedNodeName": "a"}}
    waiting = {"spec": {"containers": [box(8)]}, "status": {"phase": "Pending"}}
    pods = [typed(nominated), typed(waiting), typed(waiting)]
    add_pods(usage, pods)
    queue.add(pods)
    assert usage == {"a": {GPU: 2, "pods": 1}}
    offered = GpuNode(name="a", vendor="nvidia", pool=(Pool(resource=GPU, units=8),))
    assert queue.waiting([offered]) == (Waiting(resource=GPU, pods=2, units=16),)
    assert queue.waiting([]) == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8", 8),
        ("1k", 1000),
        ("2Ki", 2048),
        ("1500m", 1),
        ("1e3", 1000),
        ("0", 0),
        ("1.5Gi", 1610612736),
        (8, 8),
        ("", None),
        ("many", None),
        ("1 ", 1),
        (None, None),
        (True, None),
        ([], None),
        ("9" * 40, None),
        ("٣", None),
    ],
)
def test_quantities(text: object, value: int | None) -> None:
    assert whole(text) == value


@given(st.text(max_size=12) | st.integers() | st.floats() | st.none())
def test_no_quantity_raises(value: object) -> None:
    found = whole(value)
    assert found is None or isinstance(found, int)
    assert mebibytes("64839428Ki") == 63319


@pytest.mark.parametrize(
    ("text", "milli"),
    [
        ("1500m", 1500),
        ("2", 2000),
        (3, 3000),
        (0.5, 500),
        ("100u", 1),
        ("1k", 10**6),
        ("x", None),
        (None, None),
    ],
)
def test_thousandths_are_rounded_up_as_kubernetes_does(text: object, milli: int | None) -> None:
    assert thousandths(text) == milli
