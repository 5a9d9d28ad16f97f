"""Node flavours as objects of the API, and stub clusters for the tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from modelcar_tui.cluster.look import read_cluster
from modelcar_tui.cluster.types import AcceleratorReport, Inventory
from modelcar_tui.demo.kube import StubCluster, write_kubeconfig
from modelcar_tui.demo.kube_operators import node_conditions
from modelcar_tui.kube.types import ClusterOptions

HERE = Path(__file__).parent


@cache
def flavour_file() -> dict[str, Any]:
    """The table of flavours, each with the answer that the classifier must give."""
    found: dict[str, Any] = yaml.safe_load((HERE / "flavours.yaml").read_text())
    return found


def flavours() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = flavour_file()["nodes"]
    return found


def reported_flavours() -> list[dict[str, Any]]:
    """Flavours and broken states out of public reports, in the same form."""
    found: list[dict[str, Any]] = yaml.safe_load((HERE / "reported_flavours.yaml").read_text())["nodes"]
    return found


def as_node(flavour: dict[str, Any], name: str | None = None) -> dict[str, Any]:
    """A flavour as a core/v1 Node."""
    spec: dict[str, Any] = {}
    if "provider_id" in flavour:
        spec["providerID"] = flavour["provider_id"]
    if "taints" in flavour:
        spec["taints"] = flavour["taints"]
    if flavour.get("unschedulable"):
        spec["unschedulable"] = True
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name or flavour["id"],
            "labels": dict(flavour["labels"]),
            "annotations": dict(flavour.get("annotations", {})),
        },
        "spec": spec,
        "status": {
            "capacity": flavour["capacity"],
            "allocatable": flavour["allocatable"],
            "conditions": flavour.get("conditions") or node_conditions(str(flavour.get("ready", "True"))),
        },
    }


@cache
def more_flavours() -> list[dict[str, Any]]:
    """Further flavours, in a shorter form."""
    found: list[dict[str, Any]] = yaml.safe_load((HERE / "more_flavours.yaml").read_text())["nodes"]
    return found


def expanded(flavour: dict[str, Any]) -> dict[str, Any]:
    """The short form as a core/v1 Node."""
    labels = dict(flavour.get("labels", {}))
    for key, value in flavour.get("gfd", {}).items():
        if key == "cc":
            major, minor = value.split(".")
            labels |= {"nvidia.com/gpu.compute.major": major, "nvidia.com/gpu.compute.minor": minor}
        else:
            labels[f"nvidia.com/gpu.{key}"] = str(value)
    whole = {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"} | labels
    node = as_node(
        {
            **flavour,
            "labels": whole,
            "capacity": flavour.get("cap", {}),
            "allocatable": flavour.get("alloc", flavour.get("cap", {})),
        }
    )
    for kind, status in flavour.get("states", {}).items():
        node["status"]["conditions"].append({"type": kind, "status": status})
    if flavour.get("deleted"):
        node["metadata"]["deletionTimestamp"] = "2026-11-01T00:00:00Z"
    return node


def devices(flavour: dict[str, Any]) -> dict[str, Any] | None:
    """The ResourceSlice of the short form's `devices`, all attributes texts; None where there are none."""
    if "devices" not in flavour:
        return None
    listed = []
    for name, device in flavour["devices"].items():
        told = {key: {"string": value} for key, value in device.get("is", {}).items()}
        held = {key: {"value": str(value)} for key, value in device.get("has", {}).items()}
        listed.append({"name": name, "attributes": told, "capacity": held, **device.get("more", {})})
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {"name": f"{flavour['id']}-slice"},
        "spec": {
            "driver": flavour["driver"],
            "nodeName": flavour["id"],
            "pool": {"name": flavour["id"], "generation": 1, "resourceSliceCount": 1},
            "devices": listed,
        },
    }


QUICK = {"connect_timeout_s": 1.0, "read_timeout_s": 0.6, "request_timeout_s": 3.0, "total_timeout_s": 20.0}


def options(path: Path | str, **more: Any) -> ClusterOptions:
    """Options with short limits."""
    return ClusterOptions(kubeconfig=str(path), **{**QUICK, **more})


def kubeconfig(folder: Path, url: str, user: dict[str, Any], **cluster: Any) -> Path:
    """A kubeconfig of the test's own."""
    path = folder / "own-kubeconfig"
    write_kubeconfig(path, url, user, cluster=cluster)
    return path


async def look_at(stub: StubCluster, **more: Any) -> tuple[AcceleratorReport, list[Inventory]]:
    """The report on a stub cluster, and every inventory on the way."""
    seen: list[Inventory] = []
    report = await read_cluster(options(stub.kubeconfig_path, **more), seen.append)
    return report, seen


def assert_answer(row: dict[str, Any], flavour: dict[str, Any]) -> None:
    """A row of `agent accelerator` says what the flavour's `expect` says."""
    for key, wanted in flavour["expect"].items():
        if key == "pool":
            assert len(row["pool"]) == len(wanted)
            for pool, expected in zip(row["pool"], wanted, strict=True):
                assert {name: pool[name] for name in expected} == expected
        elif key == "product_from":
            assert row[key] in wanted
        elif key != "trap":
            assert row[key] == wanted, key
