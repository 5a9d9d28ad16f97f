"""A Kubernetes manifest against nodes that were read: the whole way from its file to the verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui import judge
from modelcar_tui.verdict.reports import ModelVerdict

_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: m}}
spec:
  replicas: {replicas}
  template:
    spec:
      {pod}
      containers:
      - name: vllm
        image: vllm/vllm-openai:v0.11.0
        args: [--model=ibm-granite/granite-3.1-8b-instruct, --max-model-len=8192]
        resources: {resources}
      {beside}
"""
_FOUR = "resources: {limits: {nvidia.com/gpu: 4}}"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def _node(name: str, **labels: str) -> dict[str, Any]:
    told = {
        "kubernetes.io/hostname": name,
        "nvidia.com/gpu.product": "NVIDIA-L40S",
        "nvidia.com/gpu.count": "4",
        "nvidia.com/gpu.memory": "46068",
        "nvidia.com/gpu.replicas": "1",
        "nvidia.com/gpu.sharing-strategy": "none",
    }
    has = {
        "cpu": "64",
        "memory": "512Gi",
        "pods": "250",
        "ephemeral-storage": "800Gi",
        "nvidia.com/gpu": "4",
        "rdma/ib": "8",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": told | labels},
        "status": {
            "allocatable": has,
            "capacity": has,
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": {"architecture": "amd64"},
        },
    }


def _judged(folder: Path, *nodes: dict[str, Any], **asked: object) -> ModelVerdict:
    """The verdict on a Deployment of an 8B model on these nodes, whose pods were listed."""
    words = {"replicas": 1, "pod": "", "beside": "", "resources": "{limits: {nvidia.com/gpu: 1}}"} | asked
    manifest, inventory = folder / "m.yaml", folder / "nodes.json"
    manifest.write_text(_DEPLOYMENT.format(**words))
    other = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "other", "namespace": "x"},
        "spec": {"nodeName": "a", "containers": [{"name": "c", "image": "x"}]},
        "status": {"phase": "Running"},
    }
    inventory.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [*nodes, other]}))
    state = judge(manifest, inventory=str(inventory), state_dir=str(folder))
    assert state.decision is not None
    return state.decision.models[0]


@pytest.mark.parametrize(
    "pod",
    [
        "nodeSelector: {pool: serving}",
        "nodeSelector: {kubernetes.io/hostname: b}",
        f"affinity: {{nodeAffinity: {{{_REQUIRED}: {{nodeSelectorTerms: [{{matchExpressions: "
        "[{key: nvidia.com/gpu.product, operator: In, values: [NVIDIA-L40S]}, {key: pool, operator: Exists}]"
        "}]}}}",
    ],
)
def test_labels_that_the_files_own_pod_selects_by_are_looked_for(tmp_path: Path, pod: str) -> None:
    told = _judged(tmp_path, _node("a"), _node("b", pool="serving"), pod=pod)
    assert (told.verdict, told.nodes) == ("GO", ("b",))


def test_a_label_that_no_node_has_bars_it(tmp_path: Path) -> None:
    told = _judged(tmp_path, _node("a", pool="other"), pod="nodeSelector: {pool: serving}")
    assert told.verdict == "NO-GO"
    assert "label pool=serving" in told.why


def test_a_node_is_found_by_its_own_name(tmp_path: Path) -> None:
    fields = "[{matchFields: [{key: metadata.name, operator: In, values: [b]}]}]"
    pod = f"affinity: {{nodeAffinity: {{{_REQUIRED}: {{nodeSelectorTerms: {fields}}}}}}}"
    nodes = [_node("a"), _node("b"), _node("c")]
    assert _judged(tmp_path, *nodes, pod=pod).nodes == ("b",)
    assert _judged(tmp_path, *nodes, pod="nodeName: c").nodes == ("c",)
    told = _judged(tmp_path, *nodes, pod="nodeName: d")
    assert (told.verdict, told.nodes) == ("NO-GO", ())


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"beside": "- {name: s, resources: {limits: {nvidia.com/gpu: 4}}}"}, "wants 5 GPUs"),
        ({"pod": "initContainers: [{name: i, resources: {limits: {nvidia.com/gpu: 8}}}]"}, "wants 8 GPUs"),
        (
            {"pod": f"initContainers: [{{restartPolicy: Always, {_FOUR}}}]"},
            "wants 5 GPUs",
        ),
        ({"beside": "- {name: s, resources: {requests: {memory: 600Gi}}}"}, "asks for 600"),
        ({"pod": "initContainers: [{name: i, resources: {requests: {cpu: 65}}}]"}, "asks for 65"),
        ({"pod": "overhead: {memory: 1Ti}"}, "asks for 1024"),
        ({"resources": "{limits: {nvidia.com/gpu: 1, ephemeral-storage: 2Ti}}"}, "asks for 2048"),
        ({"resources": "{limits: {nvidia.com/gpu: 1, rdma/roce: 1}}"}, "does not offer rdma/roce"),
        ({"resources": "{limits: {nvidia.com/gpu: 1, amd.com/gpu: 1}}"}, "does not offer amd.com/gpu"),
    ],
)
def test_the_whole_pod_wants_its_place(tmp_path: Path, asked: dict[str, str], why: str) -> None:
    told = _judged(tmp_path, _node("a"), **asked)
    assert told.verdict == "NO-GO"
    assert why in told.why


def test_what_runs_one_after_the_other_is_not_added_up(tmp_path: Path) -> None:
    pod = "initContainers: [{name: i, resources: {limits: {memory: 500Gi, nvidia.com/gpu: 1}}}]"
    told = _judged(tmp_path, _node("a"), pod=pod, resources="{limits: {nvidia.com/gpu: 1, memory: 100Gi}}")
    assert (told.verdict, told.gpus) == ("GO", 1)


@pytest.mark.parametrize(
    ("asked", "condition"),
    [
        ({"pod": f"affinity: {{podAntiAffinity: {{{_REQUIRED}: [{{topologyKey: x}}]}}}}"}, "anti-affinity"),
        ({"pod": "topologySpreadConstraints: [{topologyKey: zone}]", "replicas": 2}, "spread over zone"),
        ({"pod": "hostNetwork: true", "replicas": 2}, "network, which is the node's"),
        ({"pod": "schedulingGates: [{name: x}]"}, "scheduling gates"),
        ({"pod": "runtimeClassName: kata"}, "RuntimeClass kata"),
        ({"beside": "- {name: s, ports: [{containerPort: 1, hostPort: 9000}]}"}, "port 9000 of the node"),
        ({"resources": "{limits: {nvidia.com/gpu: 1, rdma/ib: 1}}"}, "enough rdma/ib is free"),
    ],
)
def test_what_is_not_compared_with_the_cluster_is_said(
    tmp_path: Path, asked: dict[str, Any], condition: str
) -> None:
    told = _judged(tmp_path, _node("a"), **asked)
    assert told.verdict == "UNKNOWN"
    assert condition in told.conditions[0].text


def test_one_pod_alone_may_be_anywhere_in_its_spread(tmp_path: Path) -> None:
    pod = "topologySpreadConstraints: [{topologyKey: zone}]"
    assert _judged(tmp_path, _node("a"), pod=pod).verdict == "GO"


@pytest.mark.parametrize(
    ("resources", "why"),
    [
        ("{requests: {nvidia.com/gpu: 1}}", "nvidia.com/gpu is requested without a limit"),
        ("{requests: {nvidia.com/gpu: 1}, limits: {nvidia.com/gpu: 2}}", "request of nvidia.com/gpu is not"),
        ("{limits: {nvidia.com/gpu: 1.5}}", "nvidia.com/gpu is asked for in parts"),
        ("{requests: {memory: 9Gi}, limits: {memory: 8Gi, nvidia.com/gpu: 1}}", "more memory is requested"),
        ("{requests: {cpu: 1500m}, limits: {cpu: 1, nvidia.com/gpu: 1}}", "more cpu is requested"),
    ],
)
def test_amounts_that_an_api_server_refuses_are_a_no(tmp_path: Path, resources: str, why: str) -> None:
    told = _judged(tmp_path, _node("a"), resources=resources)
    assert told.verdict == "NO-GO"
    assert why in told.why


def test_equal_amounts_in_other_words_are_taken(tmp_path: Path) -> None:
    resources = '{requests: {nvidia.com/gpu: "1", cpu: 2000m}, limits: {nvidia.com/gpu: 1, cpu: 2}}'
    assert _judged(tmp_path, _node("a"), resources=resources).verdict == "GO"
