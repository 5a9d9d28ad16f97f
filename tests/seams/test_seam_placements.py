"""From the objects of a cluster to the verdict: what nodes, pods and limits say is what the verdict hears."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelcar_tui.cluster.limits import NamespaceLimits, Quota, Range
from modelcar_tui.cluster.snapshot import read_snapshot
from modelcar_tui.cluster.types import AcceleratorReport, Runtime
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.demo import kube_objects as ko
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest.scheduling import Scheduling, Toleration
from modelcar_tui.manifest.types import ModelCar, Position, ServingArguments
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model
from modelcar_tui.verdict.reports import ModelRequirements, ModelVerdict, Verdict
from support.configs import LLAMA_8B

Object = dict[str, Any]
GO, NO_GO, UNKNOWN = Verdict.GO, Verdict.NO_GO, Verdict.UNKNOWN
LLAMA_70B = {
    **LLAMA_8B,
    "hidden_size": 8192,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "intermediate_size": 28672,
}
H100 = ko.nvidia("NVIDIA-H100-80GB-HBM3", 81559, 8, "9.0", "hopper")
L40S = ko.nvidia("NVIDIA-L40S", 46068, 4, "8.9", "ada-lovelace")
L4 = ko.nvidia("NVIDIA-L4", 23034, 1, "8.9", "ada-lovelace")
BUILT_IN = {
    "intel.feature.node.kubernetes.io/gpu": "true",
    "gpu.intel.com/device-id.0300-a780.present": "true",
}
MIG = {
    **ko.nvidia("NVIDIA-A100-SXM4-80GB", 81920, 2, "8.0", "ampere"),
    "nvidia.com/gpu.replicas": "0",
    "nvidia.com/mig.strategy": "mixed",
    "nvidia.com/mig-3g.40gb.count": "4",
    "nvidia.com/mig-3g.40gb.memory": "40192",
}


def gpus(count: int, resource: str = "nvidia.com/gpu") -> dict[str, str]:
    return {resource: str(count)}


def shared(how: str, cards: int, replicas: int) -> dict[str, str]:
    labels = ko.nvidia("NVIDIA-L40S-SHARED", 46068, cards, "8.9", "ada-lovelace")
    return {**labels, "nvidia.com/gpu.replicas": str(replicas), "nvidia.com/gpu.sharing-strategy": how}


def node(name: str, labels: dict[str, str], units: dict[str, str], **more: Any) -> Object:
    return {**ko.node(name, labels, units, **more), "kind": "Node"}


def pod(name: str, on: str | None, units: dict[str, str] | None = None, **more: Any) -> Object:
    return {**ko.pod(name, "x", on, units, **more), "kind": "Pod"}


def disk(made: Object, gib: int) -> Object:
    for part in ("allocatable", "capacity"):
        made["status"][part]["ephemeral-storage"] = f"{gib}Gi"
    return made


def condition(made: Object, kind: str) -> Object:
    made["status"]["conditions"].append({"type": kind, "status": "True"})
    return made


def annotated(made: Object, key: str, value: str) -> Object:
    made["metadata"]["annotations"] = {key: value}
    return made


def taint(key: str, effect: str = "NoSchedule") -> list[dict[str, str]]:
    return [{"key": key, "effect": effect}]


QUIET = pod("quiet", "elsewhere")
_DEVICE = {
    "name": "gpu-0",
    "attributes": {
        "type": {"string": "gpu"},
        "productName": {"string": "NVIDIA A100 80GB PCIe"},
        "architecture": {"string": "Ampere"},
        "cudaComputeCapability": {"version": "8.0.0"},
    },
    "capacity": {"memory": {"value": "80Gi"}},
}
_CLAIM = {"kind": "ResourceClaim", "metadata": {"name": "c", "namespace": "x"}, "status": {}}


def devices(kubelet: str, **named: str) -> list[Object]:
    """A node whose card is a device, and a DeviceClass of each name."""
    made = node("d", {"feature.node.kubernetes.io/pci-10de.present": "true"}, {})
    made["status"]["nodeInfo"]["kubeletVersion"] = kubelet
    spec = {
        "driver": "gpu.nvidia.com",
        "nodeName": "d",
        "pool": {"name": "d", "generation": 1, "resourceSliceCount": 1},
        "devices": [_DEVICE],
    }
    classes = [
        {
            "kind": "DeviceClass",
            "metadata": {"name": name},
            "spec": {
                "extendedResourceName": "nvidia.com/gpu",
                "selectors": [{"cel": {"expression": expression}}],
            },
        }
        for name, expression in named.items()
    ]
    return [made, {"kind": "ResourceSlice", "metadata": {"name": "s"}, "spec": spec}, *classes, _CLAIM, QUIET]


OURS, OTHERS = "device.driver == 'gpu.nvidia.com'", "device.driver == 'gpu.example.com'"
CASES: dict[str, tuple[Verdict, int, list[Object]]] = {
    "room": (GO, 1, [node("n", H100, gpus(8)), QUIET]),
    "fragmented": (
        NO_GO,
        4,
        [
            *(node(f"n{i}", H100, gpus(4)) for i in range(3)),
            *(pod(f"p{i}", f"n{i}", gpus(2)) for i in range(3)),
        ],
    ),
    "no pods in the file": (UNKNOWN, 1, [node("n", H100, gpus(8))]),
    "nominated": (
        NO_GO,
        8,
        [
            node("n", H100, gpus(8)),
            {
                **(p := pod("p", None, gpus(1), phase="Pending")),
                "status": {**p["status"], "nominatedNodeName": "n"},
            },
        ],
    ),
    "waiting": (GO, 8, [node("n", H100, gpus(8)), pod("p", None, gpus(1), phase="Pending")]),
    "cordoned": (NO_GO, 1, [node("n", H100, gpus(8), unschedulable=True), QUIET]),
    "disk pressure": (NO_GO, 1, [condition(node("n", H100, gpus(8)), "DiskPressure"), QUIET]),
    "memory pressure": (GO, 1, [condition(node("n", H100, gpus(8)), "MemoryPressure"), QUIET]),
    "no network": (NO_GO, 1, [condition(node("n", H100, gpus(8)), "NetworkUnavailable"), QUIET]),
    "autoscaler": (
        NO_GO,
        1,
        [node("n", H100, gpus(8), taints=taint("ToBeDeletedByClusterAutoscaler")), QUIET],
    ),
    "karpenter": (NO_GO, 1, [node("n", H100, gpus(8), taints=taint("karpenter.sh/disrupted")), QUIET]),
    "tainted": (UNKNOWN, 1, [node("n", H100, gpus(8), taints=taint("nvidia.com/gpu")), QUIET]),
    "preferably not": (
        GO,
        1,
        [node("n", H100, gpus(8), taints=taint("a", "PreferNoSchedule")), QUIET],
    ),
    "no CPU": (NO_GO, 1, [node("n", H100, gpus(8)), *(pod(f"c{i}", "n") for i in range(4))]),
    "no RAM": (NO_GO, 1, [node("n", H100, gpus(8), memory="14Gi"), QUIET]),
    "disk too small": (NO_GO, 1, [disk(node("n", H100, gpus(8)), 10), QUIET]),
    "disk nearly too small": (UNKNOWN, 1, [disk(node("n", H100, gpus(8)), 24), QUIET]),
    "disk only elsewhere": (
        NO_GO,
        2,
        [disk(node("h", H100, gpus(8)), 100), disk(node("l", L40S, gpus(4)), 1000), QUIET],
    ),
    "slices": (NO_GO, 2, [node("n", MIG, gpus(4, "nvidia.com/mig-3g.40gb")), QUIET]),
    "one slice": (GO, 1, [node("n", MIG, gpus(4, "nvidia.com/mig-3g.40gb")), QUIET]),
    "shares of one card": (NO_GO, 2, [node("n", shared("time-slicing", 1, 4), gpus(4)), QUIET]),
    "shares of two cards": (UNKNOWN, 2, [node("n", shared("time-slicing", 2, 4), gpus(8)), QUIET]),
    "a share alone": (GO, 1, [node("n", shared("time-slicing", 1, 4), gpus(4)), QUIET]),
    "a share beside another": (
        UNKNOWN,
        1,
        [node("n", shared("time-slicing", 1, 4), gpus(4)), pod("p", "n", gpus(1))],
    ),
    "MPS": (NO_GO, 2, [node("n", shared("mps", 4, 2), gpus(8)), QUIET]),
    "devices alone": (NO_GO, 1, devices("v1.36.1")),
    "devices of an older release": (NO_GO, 1, devices("v1.33.2", ours=OURS)),
    "devices where it is alpha": (UNKNOWN, 1, devices("v1.34.2", ours=OURS)),
    "devices that a class serves": (GO, 1, devices("v1.36.1", ours=OURS)),
    "devices of another driver's class": (NO_GO, 1, devices("v1.36.1", others=OTHERS)),
    "an L4 beside built-in graphics": (
        GO,
        1,
        [node("n", {**L4, **BUILT_IN}, {**gpus(1), **gpus(10, "gpu.intel.com/i915")}), QUIET],
    ),
    "an L4 that is taken, beside built-in graphics": (
        NO_GO,
        1,
        [
            node("n", {**L4, **BUILT_IN}, {**gpus(1), **gpus(10, "gpu.intel.com/i915")}),
            pod("p", "n", gpus(1)),
        ],
    ),
    "two cards beside another vendor's": (
        GO,
        2,
        [
            node("n", {**L40S, "habana.ai/device.count": "8"}, {**gpus(4), **gpus(8, "habana.ai/gaudi")}),
            QUIET,
        ],
    ),
    "shares that no label tells of": (UNKNOWN, 1, [node("n", L4, gpus(10)), QUIET]),
    "shares of the one card of its machine type": (
        NO_GO,
        2,
        [node("n", {**L4, "node.kubernetes.io/instance-type": "g6.xlarge"}, gpus(10)), QUIET],
    ),
    "shares that HAMi registers": (
        NO_GO,
        2,
        [
            annotated(
                node("n", {}, gpus(10)),
                "hami.io/node-nvidia-register",
                "G,10,23034,100,NVIDIA-NVIDIA L4,0,true:",
            ),
            QUIET,
        ],
    ),
    "Volcano's units": (UNKNOWN, 1, [node("n", L4, gpus(10, "volcano.sh/vgpu-number")), QUIET]),
    "memory by the GiB": (NO_GO, 1, [node("n", L4, gpus(22, "aliyun.com/gpu-mem")), QUIET]),
    "virtual functions not offered": (
        NO_GO,
        1,
        [node("n", {"feature.node.kubernetes.io/amd-vgpu": "true"}, {}), QUIET],
    ),
    "a node that starts": (
        NO_GO,
        1,
        [node("n", H100, gpus(8), taints=taint("node.cloudprovider.kubernetes.io/uninitialized")), QUIET],
    ),
    "a spot node that is called back": (
        NO_GO,
        1,
        [node("n", H100, gpus(8), taints=taint("aws-node-termination-handler/spot-itn")), QUIET],
    ),
}
NEEDS_70B = ("disk only elsewhere",)


def model_of(gpus: int, config: Object, size_gib: int) -> ModelRequirements:
    at = Position(1, 1)
    args = ("--max-model-len=2048", *((f"--tensor-parallel-size={gpus}",) if gpus > 1 else ()))
    serving = ServingArguments(gpu_count=gpus, args=args, gpu_count_at=at)
    car = ModelCar(name="m", image="oci://quay.io/x/m:1", at=at, name_at=at, image_at=at, serving=serving)
    image = ImageFacts(
        reference=car.image,
        model=ModelFacts(config=config),
        size_bytes=Fact(value=size_gib * 2**30, source=Source.HEADERS),
        architectures=Fact(value=("amd64",), source=Source.HEADERS),
    )
    return ModelRequirements(car=car, image=image)


def judged(
    items: list[Object], count: int, folder: Path, *, large: bool = False, **report: Any
) -> ModelVerdict:
    path = folder / "inventory.json"
    path.write_text(json.dumps({"kind": "List", "items": items}))
    what = model_of(count, LLAMA_70B if large else LLAMA_8B, 131 if large else 15)
    cluster = AcceleratorReport(
        access=Access(rung=Rung.WHAT_IF), inventory=read_snapshot(path).inventory, **report
    )
    return decide_model(what, cluster, candidates(cluster), "0.18.0")


@pytest.mark.parametrize("name", CASES)
def test_what_the_cluster_says_is_what_the_verdict_hears(name: str, tmp_path: Path) -> None:
    verdict, count, items = CASES[name]
    found = judged(items, count, tmp_path, large=name in NEEDS_70B)
    assert found.verdict is verdict, found.why
    assert bool(found.nodes) or found.verdict is NO_GO
    assert found.settle or found.verdict is not UNKNOWN


def test_what_settles_shares_is_not_the_product_s_name(tmp_path: Path) -> None:
    _, count, items = CASES["shares that no label tells of"]
    found = judged(items, count, tmp_path)
    assert found.settle.endswith("--gpu L4:1")
    assert "what a share of L4 gets is not known" in found.settle


def test_a_runtime_s_toleration_and_selector_are_those_of_its_pods(tmp_path: Path) -> None:
    _, count, items = CASES["tainted"]
    tolerates = Scheduling(tolerations=(Toleration(key="nvidia.com/gpu", operator="Exists"),))
    elsewhere = msgspec.structs.replace(tolerates, selector=(("kubernetes.io/hostname", "m"),))
    for scheduling, verdict in ((Scheduling(), UNKNOWN), (tolerates, GO), (elsewhere, NO_GO)):
        runtime = Runtime(image="i", scheduling=scheduling)
        assert judged(items, count, tmp_path, runtime=runtime).verdict is verdict


def cards(used: int) -> Quota:
    name = "requests.nvidia.com/gpu"
    return Quota(name="q", hard={name: 4}, used={name: used})


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        (NamespaceLimits(namespace="n"), GO),
        (NamespaceLimits(namespace="n", quotas=(cards(3),)), NO_GO),
        (NamespaceLimits(namespace="n", quotas=(cards(2),)), GO),
        (NamespaceLimits(namespace="n", quotas=(Quota(name="q", hard={"requests.cpu": 1_000}),)), NO_GO),
        (NamespaceLimits(namespace="n", ranges=(Range(name="r", most={"nvidia.com/gpu": 1}),)), NO_GO),
        (NamespaceLimits(namespace="n", unknown=("quotas",)), UNKNOWN),
    ],
)
def test_what_the_namespace_refuses_is_no_go(
    limits: NamespaceLimits, verdict: Verdict, tmp_path: Path
) -> None:
    found = judged(CASES["room"][2], 2, tmp_path, limits=limits)
    assert found.verdict is verdict, found.why
    assert found.settle or verdict is GO


def test_only_where_the_scheduler_might_put_it_is_it_pinned_away_from(tmp_path: Path) -> None:
    """It knows taints and CPUs, and neither images nor the memory of cards."""
    taken = node("l", L40S, gpus(4))
    rest = {
        "no other": ([], ()),
        "tainted": ([node("h", H100, gpus(8), taints=taint("x"))], ()),
        "no CPU": ([node("h", H100, gpus(8), cpu="1")], ()),
        "full": ([node("h", H100, gpus(8)), pod("p", "h", gpus(8))], ()),
        "too small a disk": ([disk(node("h", H100, gpus(8)), 10)], ("on L40S only",)),
        "too small a card": (
            [node("t", ko.nvidia("Tesla-T4", 15360, 4, "7.5", "turing"), gpus(4))],
            ("on L40S only",),
        ),
    }
    for name, (others, conditions) in rest.items():
        found = judged([taken, *others, QUIET], 1, tmp_path)
        assert found.verdict is GO, (name, found.why)
        assert tuple(one.text for one in found.conditions) == conditions, name
