"""Devices of Dynamic Resource Allocation: what counts, what is free, and which node has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cluster_support as fixtures
import msgspec
import pytest
from test_cluster_more_flavours import rows_of

from modelcar_tui.cluster import dra
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_objects import NODES
from modelcar_tui.demo.kube_rights import Right, User
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai
from modelcar_tui.demo.kube_store import Kind
from modelcar_tui.kube import objects


def gpu(
    name: str, *, product: str = "NVIDIA H100 80GB HBM3", memory: str | None = "81559Mi", **more: Any
) -> Any:
    attributes = {
        "type": {"string": "gpu"},
        "productName": {"string": product},
        "architecture": {"string": "Hopper"},
        "cudaComputeCapability": {"version": "9.0.0"},
    }
    capacity = {"memory": {"value": memory}} if memory else {}
    return {"name": name, "attributes": attributes, "capacity": capacity, **more}


def mig(name: str, parent: str, memory: str = "9984Mi", profile: str = "1g.10gb", **more: Any) -> Any:
    attributes = {
        "type": {"string": "mig"},
        "profile": {"string": profile},
        "parentUUID": {"string": parent},
        "productName": {"string": "NVIDIA H100 80GB HBM3"},
    }
    return {"name": name, "attributes": attributes, "capacity": {"memory": {"value": memory}}, **more}


def uses(counters: str, slices: int) -> dict[str, Any]:
    return {
        "consumesCounters": [{"counterSet": counters, "counters": {"memory-slices": {"value": str(slices)}}}]
    }


def slice_of(
    node: str | None, devices: list[Any], *, driver: str = "gpu.nvidia.com", pool: str = "", **more: Any
) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "driver": driver,
        "devices": devices,
        "pool": {"name": pool or node or "fabric", "generation": 1, "resourceSliceCount": 1},
        **more,
    }
    if node:
        spec["nodeName"] = node
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {"name": f"{node}-{driver}"},
        "spec": spec,
    }


def claim(*devices: tuple[str, str, str]) -> dict[str, Any]:
    results = [{"driver": driver, "pool": pool, "device": name} for driver, pool, name in devices]
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {"name": "c", "namespace": "ai"},
        "status": {"allocation": {"devices": {"results": results}}},
    }


def node(name: str, **labels: str) -> dict[str, Any]:
    return fixtures.as_node(
        {"id": name, "labels": {"kubernetes.io/arch": "amd64", **labels}, "capacity": {}, "allocatable": {}}
    )


def row(tmp_path: Path, *more: dict[str, Any], name: str = "n") -> dict[str, Any]:
    return rows_of(tmp_path / "nodes.json", [node(name), *more])[name]


def pools(found: dict[str, Any]) -> list[tuple[Any, ...]]:
    keys = ("resource", "units", "free", "mem_mib", "mem_guarantee", "mem_from")
    return [tuple(pool[key] for key in keys) for pool in found["pool"]]


def test_pods_that_ask_for_the_extended_resource_are_seen_by_their_claims(tmp_path: Path) -> None:
    found = row(
        tmp_path, slice_of("n", [gpu("gpu-0"), gpu("gpu-1")]), claim(("gpu.nvidia.com", "n", "gpu-0"))
    )
    assert pools(found) == [("dra:gpu.nvidia.com", 2, 1, 81559, "exclusive", "dra")]
    assert (found["vendor"], found["product"], found["family"], found["cc"], found["physical"]) == (
        "nvidia",
        "H100-80GB-HBM3",
        "hopper",
        "9.0",
        2,
    )


def test_without_claims_what_is_free_is_unknown(tmp_path: Path) -> None:
    assert pools(row(tmp_path, slice_of("n", [gpu("gpu-0")])))[0][2] is None


def test_two_products_on_one_node_are_told_apart(tmp_path: Path) -> None:
    devices = [gpu("gpu-0"), gpu("gpu-1", product="NVIDIA L4", memory="23034Mi")]
    found = row(tmp_path, slice_of("n", devices))
    assert sorted((pool[1], pool[3]) for pool in pools(found)) == [(1, 23034), (1, 81559)]
    assert found["physical"] == 2


def test_a_device_without_memory_has_none(tmp_path: Path) -> None:
    found = row(tmp_path, slice_of("n", [gpu("gpu-0", memory=None)]))
    assert pools(found) == [("dra:gpu.nvidia.com", 1, None, None, "unknown", "none")]


def test_every_slice_that_could_be_cut_is_not_summed(tmp_path: Path) -> None:
    devices = [gpu("gpu-0", **uses("gpu-0", 8)), gpu("gpu-1", **uses("gpu-1", 8))]
    devices += [
        mig(f"gpu-{card}-mig-{at}", f"GPU-{card}", **uses(f"gpu-{card}", 1))
        for card in (0, 1)
        for at in range(7)
    ]
    counters = [{"name": f"gpu-{card}", "counters": {"memory-slices": {"value": "8"}}} for card in (0, 1)]
    listed = slice_of("n", devices, sharedCounters=counters)
    assert [pool[:2] for pool in pools(row(tmp_path, listed, claim()))] == [("dra:gpu.nvidia.com", 2)]
    partly = row(tmp_path, listed, claim(("gpu.nvidia.com", "n", "gpu-0-mig-3")))
    assert pools(partly) == [("dra:gpu.nvidia.com", 2, 1, 81559, "exclusive", "dra")]
    assert partly["physical"] == 2
    assert any("can still give slices" in note for note in partly["notes"])


def test_where_only_slices_are_listed_as_many_count_as_fit(tmp_path: Path) -> None:
    devices = [mig(f"big-{at}", "GPU-0", "40448Mi", "3g.40gb", **uses("gpu-0", 4)) for at in range(3)]
    devices += [mig(f"small-{at}", "GPU-0", **uses("gpu-0", 1)) for at in range(7)]
    listed = slice_of(
        "n", devices, sharedCounters=[{"name": "gpu-0", "counters": {"memory-slices": {"value": "8"}}}]
    )
    assert [pool[:2] for pool in pools(row(tmp_path, listed))] == [("dra:gpu.nvidia.com/3g.40gb", 2)]


def test_slices_that_are_cut_already_are_all_there(tmp_path: Path) -> None:
    devices = [gpu("gpu-0"), mig("gpu-1-a", "GPU-1"), mig("gpu-1-b", "GPU-1")]
    found = row(tmp_path, slice_of("n", devices), claim(("gpu.nvidia.com", "n", "gpu-1-a")))
    assert pools(found) == [
        ("dra:gpu.nvidia.com", 1, 1, 81559, "exclusive", "dra"),
        ("dra:gpu.nvidia.com/1g.10gb", 2, 1, 9984, "hard-slice", "dra"),
    ]
    assert found["physical"] == 2


def test_a_generation_that_is_not_all_there_hands_out_nothing(tmp_path: Path) -> None:
    old = slice_of("n", [gpu("gpu-0"), gpu("gpu-1")])
    new = slice_of("n", [gpu("gpu-0")])
    new["spec"]["pool"] |= {"generation": 2, "resourceSliceCount": 2}
    found = row(tmp_path, old, new)
    assert (found["usable"], found["why"]) == (False, "resource-slices-incomplete")
    assert pools(found)[0][1] == 0
    second = slice_of("n", [gpu("gpu-1")])
    second["spec"]["pool"] |= {"generation": 2, "resourceSliceCount": 2}
    assert pools(row(tmp_path, old, new, second))[0][1] == 2


def test_a_tainted_device_is_none_of_the_units(tmp_path: Path) -> None:
    sick = gpu("gpu-1", taints=[{"key": "gpu.nvidia.com/unhealthy", "effect": "NoExecute"}])
    told = gpu("gpu-2", taints=[{"key": "gpu.nvidia.com/warm", "effect": "None"}])
    found = row(tmp_path, slice_of("n", [gpu("gpu-0"), sick, told]))
    assert (pools(found)[0][1], found["physical"]) == (2, 3)
    assert any("1 of 3" in note for note in found["notes"])


def test_devices_for_virtual_machines_and_channels_are_no_gpus(tmp_path: Path) -> None:
    vfio = gpu("gpu-0")
    vfio["attributes"]["type"] = {"string": "vfio"}
    channels = slice_of(
        "n", [{"name": f"channel-{at}"} for at in range(9)], driver="compute-domain.nvidia.com"
    )
    found = row(tmp_path, slice_of("n", [vfio]), channels)
    assert (found["vendor"], found["pool"]) == (None, [])


SELECT = {
    "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}]
}


@pytest.mark.parametrize(
    "more",
    [
        {"nodeSelector": SELECT},
        {"perDeviceNodeSelection": True, "devices": [gpu("gpu-0", nodeName="n")]},
    ],
    ids=["a selector of one node", "node by device"],
)
def test_the_node_may_be_told_in_other_ways(tmp_path: Path, more: dict[str, Any]) -> None:
    devices = more.pop("devices", [gpu("gpu-0")])
    assert pools(row(tmp_path, slice_of(None, devices, **more)))[0][:2] == ("dra:gpu.nvidia.com", 1)


@pytest.mark.parametrize(
    "more",
    [
        {"allNodes": True},
        {
            "nodeSelector": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "Exists"}]}]
            }
        },
    ],
)
def test_devices_of_several_nodes_are_on_no_nodes_row(tmp_path: Path, more: dict[str, Any]) -> None:
    listed = slice_of(None, [gpu("gpu-0"), gpu("gpu-1")], **more)
    assert row(tmp_path, listed)["pool"] == []
    (problem,) = dra.elsewhere([msgspec.convert(listed, objects.ResourceSlice)])
    assert "2 devices of gpu.nvidia.com can be had from several nodes" in problem.what


def test_amd_partitions_and_intel_cards(tmp_path: Path) -> None:
    def amd(name: str, profile: str, memory: str) -> Any:
        return {
            "name": name,
            "attributes": {
                "productName": {"string": "AMD_Instinct_MI300X_OAM"},
                "partitionProfile": {"string": profile},
                "type": {"string": "amdgpu-partition"},
            },
            "capacity": {"memory": {"value": memory}},
        }

    cut = row(
        tmp_path,
        slice_of("n", [amd(f"gpu-{at}", "cpx_nps4", "24574Mi") for at in range(16)], driver="gpu.amd.com"),
    )
    assert (cut["product"], cut["physical"]) == ("Instinct-MI300X", 2)
    assert pools(cut) == [("dra:gpu.amd.com", 16, None, 24574, "hard-slice", "dra")]
    pooled = row(
        tmp_path,
        slice_of("n", [amd(f"gpu-{at}", "cpx_nps1", "196592Mi") for at in range(8)], driver="gpu.amd.com"),
    )
    assert pools(pooled) == [("dra:gpu.amd.com", 8, None, None, "unknown", "none")]
    card = {
        "name": "0000-03-00-0",
        "attributes": {"model": {"string": "Max-1550"}},
        "capacity": {"memory": {"value": "128Gi"}},
    }
    intel = row(tmp_path, slice_of("n", [card], driver="gpu.intel.com"))
    assert (intel["vendor"], intel["product"], intel["physical"]) == ("intel-gpu", "Max-1550", 1)
    assert pools(intel) == [("dra:gpu.intel.com", 1, None, 131072, "exclusive", "dra")]
    gaudi = {"name": "g0", "attributes": {"model": {"string": "Gaudi2"}}}
    habana = row(tmp_path, slice_of("n", [gaudi], driver="gaudi.intel.com"))
    assert (habana["product"], pools(habana)[0][3:]) == ("Gaudi2", (98304, "exclusive", "model-table"))


def test_the_first_beta_has_attributes_one_level_deeper(tmp_path: Path) -> None:
    plain = gpu("gpu-0")
    nested = {"name": "gpu-0", "basic": {key: plain[key] for key in ("attributes", "capacity")}}
    assert pools(row(tmp_path, slice_of("n", [nested]))) == [
        ("dra:gpu.nvidia.com", 1, None, 81559, "exclusive", "dra")
    ]


async def test_a_server_before_the_first_release_is_asked_for_its_beta(tmp_path: Path) -> None:
    kinds = {
        Kind("resource.k8s.io", "v1beta2", "resourceslices", "ResourceSlice", namespaced=False): [
            slice_of("gpu-new", [gpu("gpu-0"), gpu("gpu-1")])
        ],
        Kind("resource.k8s.io", "v1beta2", "resourceclaims", "ResourceClaim"): [
            claim(("gpu.nvidia.com", "gpu-new", "gpu-1"))
        ],
    }
    base = openshift_ai()
    node_kind = next(kind for kind in base.objects if kind.plural == "nodes")
    kept = {kind: values for kind, values in base.objects.items() if kind.group != "resource.k8s.io"}
    kept[node_kind] = [*kept[node_kind], node("gpu-new")]
    with start_stub_cluster(Scenario(objects={**kept, **kinds}, user=base.user), folder=tmp_path) as stub:
        report, _ = await fixtures.look_at(stub)
    found = next(one for one in report.inventory.nodes if one.name == "gpu-new")
    assert [(pool.units, pool.free) for pool in found.pool] == [(2, 1)]


@pytest.mark.parametrize("rights", [("nodes", "pods"), ("nodes", "pods", "resourceslices.resource.k8s.io")])
async def test_cards_that_nothing_offers_may_be_devices_where_we_may_not_look_at_those(
    tmp_path: Path, rights: tuple[str, ...]
) -> None:
    scenario = openshift_ai()
    dark = node("gpu-dark")
    dark["metadata"]["labels"] = {"feature.node.kubernetes.io/pci-10de.present": "true"}
    scenario.objects[NODES] = [*scenario.objects[NODES], dark]
    scenario.user = User("alice", rights=tuple(Right(one) for one in rights))
    with start_stub_cluster(scenario, folder=tmp_path) as stub:
        report, _ = await fixtures.look_at(stub)
    unknown = "the ResourceSlices can't be listed: whether they offer the cards of gpu-dark is unknown"
    told = [one.what for one in report.inventory.problems]
    assert told == [unknown] * (len(rights) == 2)
    assert not report.inventory.partial


def test_the_devices_here_pass_kubernetes_own_schema() -> None:
    validate = pytest.importorskip("kubernetes_validate")
    counters = [{"name": "gpu-0", "counters": {"memory-slices": {"value": "8"}}}]
    listed = [
        slice_of("n", [gpu("gpu-0", **uses("gpu-0", 8)), mig("gpu-0-a", "GPU-0")], sharedCounters=counters),
        slice_of("n", [gpu("gpu-0", taints=[{"key": "example.com/warm", "effect": "None"}], memory=None)]),
        slice_of(None, [gpu("gpu-0", nodeName="n")], perDeviceNodeSelection=True),
        slice_of(None, [gpu("gpu-0")], allNodes=True),
        slice_of(None, [gpu("gpu-0")], nodeSelector=SELECT),
    ]
    for one in listed:
        validate.validate(one, "1.35", strict=True)
    for device in listed[0]["spec"]["devices"]:
        assert device["capacity"]["memory"]["value"]


def test_a_card_and_the_slices_that_are_cut_from_it_are_not_both_there() -> None:
    def card(name: str, uuid: str) -> Any:
        made = gpu(name)
        return {**made, "attributes": {**made["attributes"], "uuid": {"string": uuid}}}

    devices = [card("gpu-0", "GPU-a"), card("gpu-1", "GPU-b"), *(mig(f"mig-{n}", "GPU-a") for n in range(3))]
    slices = [msgspec.convert({"spec": slice_of("n", devices)["spec"]}, objects.ResourceSlice)]
    pools = dra.by_node(slices, set())["n"]
    assert {pool.type: (pool.units, pool.free) for pool in pools} == {"gpu": (1, 1), "mig": (3, 3)}
