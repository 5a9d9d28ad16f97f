"""What `--inventory` may be given: every way in which kubectl, a script or a hand writes nodes down."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelcar_tui.cluster.snapshot import read_snapshot
from modelcar_tui.core.errors import UserError
from modelcar_tui.demo.kube_scenarios import large


def node(name: str = "n0") -> dict[str, Any]:
    labels = {
        "nvidia.com/gpu.product": "NVIDIA-L4",
        "nvidia.com/gpu.memory": "23034",
        "nvidia.com/gpu.replicas": "1",
    }
    amounts = {"nvidia.com/gpu": "2"}
    ready = [{"type": "Ready", "status": "True"}]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"capacity": amounts, "allocatable": amounts, "conditions": ready},
    }


POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "a"},
    "status": {"phase": "Running"},
    "spec": {
        "nodeName": "n0",
        "containers": [{"name": "c", "resources": {"requests": {"nvidia.com/gpu": "1"}}}],
    },
}


def bare(value: dict[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in value.items() if key not in ("kind", "apiVersion")}


def nodes(count: int) -> dict[str, Any]:
    """As the server answers a LIST: the items carry no kind."""
    return {"kind": "NodeList", "apiVersion": "v1", "items": [bare(node(f"n{at}")) for at in range(count)]}


PODS = {"kind": "PodList", "apiVersion": "v1", "items": [bare(POD)]}
MIXED = {"kind": "List", "apiVersion": "v1", "items": [node(), POD]}
dump = yaml.safe_dump


@pytest.mark.parametrize(
    ("text", "names", "free"),
    [
        (json.dumps(nodes(2)), ["n0", "n1"], None),
        (json.dumps(nodes(2), indent=4), ["n0", "n1"], None),
        (dump(nodes(2)), ["n0", "n1"], None),
        (json.dumps(MIXED), ["n0"], 1),
        (dump(MIXED), ["n0"], 1),
        (json.dumps(node()), ["n0"], None),
        (dump(node()), ["n0"], None),
        ("---\n" + dump(node()) + "---\n" + dump(node("n1")) + "---\n", ["n0", "n1"], None),
        ("---\n" + dump(nodes(1)) + "---\n" + dump(PODS), ["n0"], 1),
        (json.dumps([node(), node("n1")]), ["n0", "n1"], None),
        (json.dumps([bare(node())]), ["n0"], None),
        (dump([node(), POD]), ["n0"], 1),
        (json.dumps(nodes(1), indent=4) + "\n" + json.dumps(PODS, indent=4) + "\n", ["n0"], 1),
        (json.dumps(node()) + "\n" + json.dumps(node("n1")) + "\n" + json.dumps(POD) + "\n", ["n0", "n1"], 1),
        ("# saved on a Friday\n" + dump(node()).replace("\n", "\r\n"), ["n0"], None),
        ("\ufeff" + json.dumps(node()), ["n0"], None),
        ("{kind: Node, metadata: {name: n0}, status: {allocatable: {nvidia.com/gpu: 1}}}", ["n0"], None),
        (json.dumps({"kind": "List", "items": [5, None, "x", node()]}), ["n0"], None),
    ],
    ids=[
        "NodeList",
        "NodeList-indented",
        "NodeList-yaml",
        "List",
        "List-yaml",
        "Node",
        "Node-yaml",
        "documents",
        "lists-as-documents",
        "array",
        "array-without-kinds",
        "array-yaml",
        "two-answers",
        "json-lines",
        "windows-ends",
        "byte-order-mark",
        "flow-yaml",
        "odd-items",
    ],
)
def test_every_form_is_read(tmp_path: Path, text: str, names: list[str], free: int | None) -> None:
    path = tmp_path / "nodes"
    path.write_text(text, newline="")
    inventory = read_snapshot(path).inventory
    assert [one.name for one in inventory.nodes] == names
    assert inventory.nodes[0].pool[0].free == free


def test_utf_16_of_a_windows_shell(tmp_path: Path) -> None:
    path = tmp_path / "nodes.json"
    path.write_bytes(json.dumps(node()).encode("utf-16"))
    assert [one.name for one in read_snapshot(path).inventory.nodes] == ["n0"]


def test_yaml_with_shared_parts(tmp_path: Path) -> None:
    first, second = node(), node("n1")
    second["metadata"]["labels"] = first["metadata"]["labels"]
    second["status"] = first["status"]
    path = tmp_path / "nodes.yaml"
    path.write_text(dump([first, second]))
    assert "*id" in path.read_text()
    assert [one.pool[0].mem_mib for one in read_snapshot(path).inventory.nodes] == [23034, 23034]


def bomb() -> str:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for old, new in zip("abcdef", "bcdefg", strict=True):
        lines.append(f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (bomb(), "bad:7:20: the inventory has aliases that stand for too much"),
        ("a: &a [x, *a]\n", "an alias to itself (*a)"),
        ("a: &a " + "[" * 50 + "]" * 50 + "\nb: " + "[" * 20 + "*a" + "]" * 20 + "\n", "levels deep"),
        (json.dumps(nodes(2))[:-30], "not valid JSON: Input data was truncated"),
        (json.dumps(nodes(1)) + '{"kind": ', "not valid JSON"),
        ('{"kind": "Status", "code": 403, "message": "nodes is forbidden"}', "refusal, no nodes: nodes is"),
        ("{}", "there is no Node in it"),
        (json.dumps({"model-car": []}), "there is no Node in it"),
        ("model-car:\n- name: x\n", "there is no Node in it"),
        ("NAME STATUS ROLES\nnode1 Ready worker\n", "kubectl get nodes -o json"),
        ("<html>log in</html>", "there is no Node in it"),
        ('{"kind": "NodeList", "items": null}', "there is no Node in it"),
    ],
    ids=[
        "alias-bomb",
        "own-alias",
        "deep-alias",
        "cut-json",
        "cut-second",
        "status",
        "nothing",
        "other-json",
        "manifest",
        "table",
        "page",
        "null-items",
    ],
)
def test_what_is_no_inventory_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad"
    path.write_text(text)
    with pytest.raises(UserError) as raised:
        read_snapshot(path)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_node_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "nodes.json"
    path.write_text(json.dumps([node(), node()]))
    inventory = read_snapshot(path).inventory
    assert len(inventory.nodes) == inventory.nodes_seen == 1
    assert "more than once (n0)" in inventory.problems[0].what


def test_devices_and_machine_sets_are_added_up_once(tmp_path: Path) -> None:
    """A file that is put together of two answers has no more of them."""
    kind = {"type": {"string": "gpu"}}
    device = {"name": "gpu-0", "attributes": kind, "capacity": {"memory": {"value": "80Gi"}}}
    part = {
        "kind": "ResourceSlice",
        "metadata": {"name": "n1-slice"},
        "spec": {"driver": "gpu.nvidia.com", "nodeName": "n1", "pool": {"name": "n1"}, "devices": [device]},
    }
    machines = {
        "kind": "MachineSet",
        "metadata": {
            "name": "gpu-a",
            "annotations": {"machine.openshift.io/cluster-api-autoscaler-node-group-max-size": "3"},
        },
        "spec": {
            "replicas": 0,
            "template": {"spec": {"providerSpec": {"value": {"instanceType": "g6.12xlarge"}}}},
        },
    }
    once, twice = tmp_path / "once.json", tmp_path / "twice.json"
    found = [POD, part, machines]
    once.write_text(json.dumps([node(), node("n1"), *found]))
    twice.write_text(json.dumps([node(), node("n1"), *found, part, machines]))
    first, second = read_snapshot(once).inventory, read_snapshot(twice).inventory
    assert (first.nodes, first.scale_up) == (second.nodes, second.scale_up)
    assert first.scale_up


def write_large(path: Path, wanted: Callable[[str], bool]) -> int:
    """A large cluster as `kubectl get ... -o json` writes it; the number of its free GPUs."""
    scenario, free = large(nodes=5000, pods=5000)
    items = [one.whole() for kind, ones in scenario.prepared.items() if wanted(kind.kind) for one in ones]
    path.write_bytes(b'{"kind":"List","items":[' + b",".join(items) + b"]}")
    return free


def test_five_thousand_nodes_are_read_object_by_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "nodes.json"
    free = write_large(path, lambda kind: kind in ("Node", "Pod"))

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the whole file was decoded at once")

    monkeypatch.setattr("modelcar_tui.cluster.snapshot.parse", never)
    inventory = read_snapshot(path).inventory
    assert inventory.nodes_seen == 5000
    assert sum(pool.free or 0 for one in inventory.nodes for pool in one.pool) == free
