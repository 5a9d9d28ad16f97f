"""Every flavour of the table, and what no loss of labels may do."""

from __future__ import annotations

import copy
from typing import Any

import cluster_support as fixtures
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.cluster import dra
from modelcar_tui.cluster.classify import classify
from modelcar_tui.cluster.report import accelerator_rows
from modelcar_tui.cluster.scale import MachineSet, scale_up
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Guarantee, Inventory, OtherNode
from modelcar_tui.kube import objects
from modelcar_tui.kube.types import Access, Rung

FLAVOURS = fixtures.flavours()
IDS = [flavour["id"] for flavour in FLAVOURS]


def row_of(node: GpuNode | OtherNode) -> dict[str, Any]:
    inventory = Inventory(nodes=(node,)) if isinstance(node, GpuNode) else Inventory(others=(node,))
    return accelerator_rows(AcceleratorReport(access=Access(rung=Rung.OK), inventory=inventory))[0]


def answer(flavour: dict[str, Any]) -> GpuNode | OtherNode:
    return classify(msgspec.convert(fixtures.as_node(flavour), objects.Node))


@pytest.mark.parametrize("flavour", FLAVOURS, ids=IDS)
def test_every_flavour_gets_the_expected_answer(flavour: dict[str, Any]) -> None:
    fixtures.assert_answer(row_of(answer(flavour)), flavour)


@pytest.mark.parametrize("flavour", fixtures.reported_flavours(), ids=lambda one: str(one["id"]))
def test_every_reported_flavour_gets_the_expected_answer(flavour: dict[str, Any]) -> None:
    slices = [msgspec.convert(one, objects.ResourceSlice) for one in flavour.get("slices", ())]
    node = msgspec.convert(fixtures.as_node(flavour), objects.Node)
    fixtures.assert_answer(row_of(classify(node, dra.by_node(slices).get(flavour["id"], ()))), flavour)


@settings(max_examples=400, deadline=None)
@given(flavour=st.sampled_from(FLAVOURS), data=st.data())
def test_lost_labels_never_invent_memory(flavour: dict[str, Any], data: st.DataObject) -> None:
    whole = answer(flavour)
    poorer = copy.deepcopy(flavour)
    lost = data.draw(st.sets(st.sampled_from(sorted(flavour["labels"]))))
    for key in lost:
        del poorer["labels"][key]
    left = answer(poorer)
    if not isinstance(left, GpuNode) or not isinstance(whole, GpuNode):
        assert isinstance(left, OtherNode)
        return
    truth = {pool.resource: pool for pool in whole.pool}
    for pool in left.pool:
        known = truth[pool.resource]
        assert pool.units == known.units
        assert pool.mem_mib in (None, known.mem_mib)
        if pool.mem_mib is None:
            assert pool.mem_guarantee is Guarantee.UNKNOWN
        else:
            assert pool.mem_guarantee in (Guarantee.UNKNOWN, known.mem_guarantee)
    assert left.physical in (None, whole.physical)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(flavour=st.sampled_from(FLAVOURS), data=st.data())
def test_odd_parts_never_fail_a_node(flavour: dict[str, Any], data: st.DataObject) -> None:
    node = copy.deepcopy(fixtures.as_node(flavour))
    part = data.draw(st.sampled_from(["metadata", "spec", "status"]))
    key = data.draw(st.sampled_from([None, *node[part]]))
    value = data.draw(JSON)
    if key is None:
        node[part] = value
    else:
        node[part][key] = value
    made = objects.salvage(objects.Node, node)
    found = classify(made)
    assert found.name


def test_text_of_a_node_is_cleaned() -> None:
    flavour = copy.deepcopy(FLAVOURS[0])
    flavour["labels"]["nvidia.com/gpu.product"] = "NVIDIA-\x1b]0;owned\x07H100\u202e"
    node = answer(flavour)
    assert isinstance(node, GpuNode)
    assert node.product is not None
    assert node.product.isprintable()
    assert "owned" not in node.product


def test_resource_slices_give_the_devices() -> None:
    slices = [
        msgspec.convert(one["object"], objects.ResourceSlice)
        for one in fixtures.flavour_file()["resource_slices"]
    ]
    pools = dra.by_node(slices, {("gpu.nvidia.com", "gpu-node-1", "gpu-0")})
    node = next(one for one in FLAVOURS if one["id"] == "nvidia-dra-only")
    found = classify(msgspec.convert(fixtures.as_node(node, "gpu-node-1"), objects.Node), pools["gpu-node-1"])
    assert isinstance(found, GpuNode)
    whole, mig = found.pool
    assert (whole.resource, whole.units, whole.free, whole.mem_mib) == ("dra:gpu.nvidia.com", 1, 0, 81559)
    assert (mig.mig_profile, mig.units, mig.free, mig.mem_mib) == ("1g.10gb", 1, 1, 9984)
    assert mig.mem_guarantee is Guarantee.HARD_SLICE
    amd = pools["amd-node-1"][0]
    assert (amd.product, amd.mem_mib) == ("AMD_Instinct_MI300X_OAM", 196592)


def test_only_the_newest_generation_of_a_pool_counts() -> None:
    base = fixtures.flavour_file()["resource_slices"][0]["object"]
    old, new = copy.deepcopy(base), copy.deepcopy(base)
    new["spec"]["pool"] = {"name": "gpu-node-1", "generation": 2, "resourceSliceCount": 2}
    new["spec"]["devices"] = new["spec"]["devices"][:1]
    pools = dra.by_node([msgspec.convert(one, objects.ResourceSlice) for one in (old, new)])["gpu-node-1"]
    assert [(pool.units, pool.capacity, pool.complete, pool.free) for pool in pools] == [(0, 1, False, None)]


def test_machine_sets_could_be_added() -> None:
    for one in fixtures.flavour_file()["machine_sets"]:
        found = scale_up([msgspec.convert(one["object"], MachineSet)])
        expect = one["expect"]
        assert [(more.could_add_gpus, more.product, more.confidence) for more in found] == [
            (expect["could_add_gpus"], expect["product"], expect["confidence"])
        ]


def node_with(labels: dict[str, str], resources: dict[str, Any], **more: Any) -> GpuNode:
    flavour = {"id": "n", "labels": labels, "capacity": resources, "allocatable": resources, **more}
    found = answer(flavour)
    assert isinstance(found, GpuNode)
    return found


def test_mps_divides_the_memory() -> None:
    labels = {
        "nvidia.com/gpu.product": "NVIDIA-L40S-SHARED",
        "nvidia.com/gpu.memory": "46068",
        "nvidia.com/gpu.replicas": "4",
        "nvidia.com/gpu.sharing-strategy": "mps",
        "nvidia.com/gpu.count": "2",
    }
    pool = node_with(labels, {"nvidia.com/gpu": "8"}).pool[0]
    assert (pool.units, pool.mem_mib, pool.mem_guarantee) == (8, 11517, Guarantee.HARD_SHARE)


def test_amd_naming_mixed_tells_the_partition_by_the_resource() -> None:
    labels = {
        "amd.com/gpu.device-id": "74a1",
        "amd.com/gpu.vram.24G": "32",
        "amd.com/gpu.vram.192G": "4",
    }
    node = node_with(labels, {"amd.com/cpx_nps4": "32", "amd.com/spx_nps1": "4"})
    assert node.product == "Instinct-MI300X"
    assert node.physical == 8
    assert [(p.resource, p.units, p.mem_mib, p.mem_guarantee.value) for p in node.pool] == [
        ("amd.com/cpx_nps4", 32, 24576, "hard-slice"),
        ("amd.com/spx_nps1", 4, 196608, "exclusive"),
    ]


def test_amd_partitions_of_one_memory_pool_promise_nothing() -> None:
    labels = {
        "amd.com/gpu.device-id": "74a1",
        "amd.com/gpu.vram": "192G",
        "amd.com/compute-memory-partition": "cpx_nps1",
    }
    pool = node_with(labels, {"amd.com/gpu": "64"}).pool[0]
    assert (pool.mem_mib, pool.mem_guarantee) == (None, Guarantee.UNKNOWN)


def test_an_instance_type_tells_the_card_when_no_label_does() -> None:
    node = node_with({"node.kubernetes.io/instance-type": "p5.48xlarge"}, {"nvidia.com/gpu": "8"})
    assert (node.product, node.provider, node.physical) == ("H100-80GB-HBM3", "aws", 8)
    assert (node.pool[0].mem_mib, node.pool[0].mem_from) == (81559, "instance-type")


def test_an_instance_type_with_fewer_cards_than_units_tells_no_memory() -> None:
    node = node_with({"node.kubernetes.io/instance-type": "g4dn.xlarge"}, {"nvidia.com/gpu": "4"})
    assert node.pool[0].mem_mib is None


def test_all_cards_sick_is_not_usable() -> None:
    flavour = copy.deepcopy(FLAVOURS[0])
    flavour["allocatable"] = {"nvidia.com/gpu": "0"}
    node = answer(flavour)
    assert isinstance(node, GpuNode)
    assert (node.usable, node.why) == (False, "no-healthy-devices")


def test_an_unknown_vendors_card_has_units_and_nothing_else() -> None:
    node = node_with({}, {"huawei.com/ascend910": "8", "rdma/hca": "8", "devices.kubevirt.io/kvm": "1k"})
    assert (node.vendor, node.product) == ("huawei.com", None)
    assert [(p.resource, p.units, p.mem_mib) for p in node.pool] == [("huawei.com/ascend910", 8, None)]


def gke(**labels: str) -> dict[str, str]:
    return {"cloud.google.com/gke-accelerator-count": "1"} | {
        f"cloud.google.com/gke-{key.replace('_', '-')}": value for key, value in labels.items()
    }


@pytest.mark.parametrize(
    ("labels", "units", "expected"),
    [
        (gke(accelerator="nvidia-l4"), "1", (1, 23034, "exclusive", 1)),
        (
            gke(accelerator="nvidia-l4", gpu_sharing_strategy="time-sharing", max_shared_clients_per_gpu="4"),
            "4",
            (4, 23034, "none", 1),
        ),
        (
            gke(accelerator="nvidia-l4", gpu_sharing_strategy="mps", max_shared_clients_per_gpu="4"),
            "4",
            (4, 5758, "hard-share", 1),
        ),
        (gke(accelerator="nvidia-tesla-a100", gpu_partition_size="1g.5gb"), "7", (7, 4864, "hard-slice", 1)),
        (gke(accelerator="nvidia-zorp"), "1", (1, None, "unknown", 1)),
    ],
    ids=["whole", "time-sharing", "mps", "mig", "new-card"],
)
def test_gke_without_feature_discovery(labels: dict[str, str], units: str, expected: tuple[Any, ...]) -> None:
    node = node_with(labels, {"nvidia.com/gpu": units})
    pool = node.pool[0]
    assert (pool.units, pool.mem_mib, pool.mem_guarantee.value, node.physical) == expected
    assert node.provider == "gcp"


def test_karpenter_labels_tell_memory_and_count() -> None:
    labels = {
        "karpenter.k8s.aws/instance-gpu-name": "l40s",
        "karpenter.k8s.aws/instance-gpu-memory": "46068",
        "karpenter.k8s.aws/instance-gpu-count": "4",
        "node.kubernetes.io/instance-type": "g6e.12xlarge",
    }
    node = node_with(labels, {"nvidia.com/gpu": "4"})
    assert (node.product, node.physical, node.pool[0].mem_mib, node.pool[0].mem_from) == (
        "L40S",
        4,
        46068,
        "label",
    )


def test_shared_slices_of_mig() -> None:
    labels = {
        "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3",
        "nvidia.com/gpu.count": "1",
        "nvidia.com/gpu.replicas": "0",
        "nvidia.com/mig.strategy": "mixed",
        "nvidia.com/mig-1g.10gb.memory": "9984",
        "nvidia.com/mig-1g.10gb.replicas": "2",
        "nvidia.com/mig-1g.10gb.sharing-strategy": "time-slicing",
    }
    node = node_with(labels, {"nvidia.com/gpu": "0", "nvidia.com/mig-1g.10gb.shared": "14"})
    assert [(p.resource, p.units, p.mem_mib, p.mem_guarantee.value) for p in node.pool] == [
        ("nvidia.com/mig-1g.10gb.shared", 14, 9984, "none")
    ]


def test_cards_cut_in_different_ways_can_not_be_told_apart() -> None:
    labels = {
        "nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB-MIG-INVALID",
        "nvidia.com/gpu.memory": "0",
        "nvidia.com/gpu.count": "0",
        "nvidia.com/gpu.replicas": "0",
        "nvidia.com/mig.strategy": "single",
    }
    node = node_with(labels, {"nvidia.com/gpu": "8"})
    assert (node.product, node.pool[0].mem_mib) == ("A100-SXM4-80GB", None)
    assert any("cut differently" in note for note in node.notes)


def test_amd_cards_of_two_kinds_have_no_product() -> None:
    labels = {
        "amd.com/gpu.device-id.74a1": "4",
        "amd.com/gpu.device-id.740f": "4",
        "amd.com/gpu.vram.192G": "4",
        "amd.com/gpu.vram.64G": "4",
    }
    node = node_with(labels, {"amd.com/gpu": "8"})
    assert (node.product, node.pool[0].mem_mib, node.physical) == (None, None, None)


def test_cards_of_two_vendors_are_both_counted() -> None:
    labels = {"nvidia.com/gpu.product": "NVIDIA-L4", "nvidia.com/gpu.memory": "23034"}
    node = node_with(labels, {"nvidia.com/gpu": "1", "habana.ai/gaudi": "8"})
    assert node.vendor == "intel-gaudi"
    assert {pool.resource: pool.mem_mib for pool in node.pool} == {
        "habana.ai/gaudi": None,
        "nvidia.com/gpu": 23034,
    }


def test_a_sick_card_is_told() -> None:
    flavour = copy.deepcopy(FLAVOURS[0])
    flavour["allocatable"] = {"nvidia.com/gpu": "7"}
    node = answer(flavour)
    assert isinstance(node, GpuNode)
    assert (node.usable, node.physical, node.pool[0].units) == (True, 8, 7)
    assert "1 of 8 nvidia.com/gpu unhealthy" in node.notes[0]


def _tainted(*taints: dict[str, str], **conditions: str) -> GpuNode:
    labels = {"nvidia.com/gpu.product": "NVIDIA-L40S", "nvidia.com/gpu.count": "4"}
    told = [{"type": kind, "status": status} for kind, status in {"Ready": "True", **conditions}.items()]
    found = classify(
        msgspec.convert(
            {
                "metadata": {"name": "n", "labels": labels},
                "spec": {"taints": list(taints)},
                "status": {"allocatable": {"nvidia.com/gpu": "4"}, "conditions": told},
            },
            objects.Node,
        )
    )
    assert isinstance(found, GpuNode)
    return found


@pytest.mark.parametrize(
    ("taint", "why"),
    [
        ("ToBeDeletedByClusterAutoscaler", "leaving"),
        ("karpenter.sh/disrupted", "leaving"),
        ("node.kubernetes.io/disk-pressure", "disk-pressure"),
        ("node.kubernetes.io/pid-pressure", "pid-pressure"),
        ("node.kubernetes.io/network-unavailable", "network-unavailable"),
        ("node.kubernetes.io/out-of-service", "node-not-ready"),
        ("node.kubernetes.io/memory-pressure", ""),
        ("nvidia.com/gpu", ""),
    ],
)
def test_a_taint_of_the_node_s_own_state_takes_it_out_by_its_effect(taint: str, why: str) -> None:
    hard = _tainted({"key": taint, "effect": "NoSchedule"})
    assert (hard.why, hard.usable) == (why, not why)
    soft = _tainted({"key": taint, "effect": "PreferNoSchedule"})
    assert (soft.why, soft.taints) == ("", ())


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("DiskPressure", "disk-pressure"),
        ("PIDPressure", "pid-pressure"),
        ("NetworkUnavailable", "network-unavailable"),
        ("MemoryPressure", ""),
    ],
)
def test_a_condition_takes_the_node_out_before_its_taint_comes(condition: str, why: str) -> None:
    assert _tainted(**{condition: "True"}).why == why
    assert _tainted(**{condition: "False"}).why == ""
