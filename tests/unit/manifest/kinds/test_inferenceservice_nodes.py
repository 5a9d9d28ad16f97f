"""InferenceServices over several nodes: their pods, GPUs and ranks."""

from __future__ import annotations

from typing import Any

import pytest
from inference_services import RUNTIME, changed, codes, one, place, service

TOLERATION = {"key": "other", "operator": "Exists"}
"""The leader's."""


def workers(backend: str = "", **sizes: Any) -> str:
    """The runtime for several nodes."""
    spec = {"containers": [{"name": "worker-container"}], "tolerations": [TOLERATION], **sizes}
    text = changed(RUNTIME, "spec workerSpec", spec)
    return changed(text, "spec annotations", {"multinode/executor-backend": backend}) if backend else text


def several(head: int, worker: int, **sizes: int) -> str:
    """An InferenceService over several nodes; 0 for a container that asks for no GPU."""
    text = service(runtime="vllm-cuda-runtime", **({"resources": asking(head)} if head else {}))
    container: dict[str, Any] = {"name": "worker-container"}
    spec: dict[str, Any] = dict(sizes)
    if worker:
        spec["containers"] = [{**container, "resources": asking(worker)}]
    return changed(text, "spec predictor workerSpec", spec)


def asking(count: int) -> dict[str, Any]:
    return {"limits": {"nvidia.com/gpu": count}, "requests": {"nvidia.com/gpu": count}}


@pytest.mark.parametrize(
    ("text", "runtime", "pods", "gpus"),
    [
        (several(0, 0, pipelineParallelSize=2, tensorParallelSize=4), workers("mp"), 2, 4),
        (several(1, 1, pipelineParallelSize=2, tensorParallelSize=4), workers("mp"), 2, 4),
        (several(0, 0, tensorParallelSize=4), workers("mp", pipelineParallelSize=3), 3, 4),
        (several(0, 0, pipelineParallelSize=2, tensorParallelSize=4), workers(), 8, 1),
        (several(4, 4, pipelineParallelSize=2, tensorParallelSize=4), workers(), 2, 4),
        (several(0, 2, pipelineParallelSize=2, tensorParallelSize=4), workers(), 4, 2),
        (several(8, 8, pipelineParallelSize=1, tensorParallelSize=4), workers(), 1, 4),
        (several(1, 0, pipelineParallelSize=2, tensorParallelSize=1), workers(), 2, 1),
    ],
)
def test_pods_and_gpus_of_one_over_several_nodes(text: str, runtime: str, pods: int, gpus: int) -> None:
    found = one(text, runtime)
    assert (found.pods, found.serving.gpu_count, found.open) == (pods, gpus, ())


def test_the_ranks_and_the_workers_gpus_are_written_with_the_leaders() -> None:
    text = several(4, 4, pipelineParallelSize=2, tensorParallelSize=4)
    found, where = one(text, workers("mp")), place(text, workers("mp"))
    assert [rank.path for rank in where.ranks] == [("spec", "predictor", "workerSpec", "tensorParallelSize")]
    assert [count.path[2] for count in where.gpus] == ["model", "model", "workerSpec", "workerSpec"]
    assert found.server is not None
    added = dict(found.server.environment)
    assert (added["PIPELINE_PARALLEL_SIZE"], added["TENSOR_PARALLEL_SIZE"]) == ("2", "4")


@pytest.mark.parametrize(
    ("text", "runtime", "code"),
    [
        (several(0, 0), (), "worker-size"),
        (several(0, 0, pipelineParallelSize=2, tensorParallelSize=4), (), "worker-backend"),
        (several(0, 0), (RUNTIME,), "worker-spec"),
        (several(2, 4, pipelineParallelSize=2, tensorParallelSize=3), (workers(),), "worker-gpus"),
        (several(1, 2, pipelineParallelSize=1, tensorParallelSize=4), (workers(),), "worker-gpus"),
    ],
)
def test_several_nodes_that_are_not_understood_are_no_go(
    text: str, runtime: tuple[str, ...], code: str
) -> None:
    assert codes(one(text, *runtime).open) == [code]


def test_without_gpus_of_their_own_the_pods_get_as_many_as_there_are_ranks() -> None:
    where = place(several(0, 0, pipelineParallelSize=2, tensorParallelSize=4), workers("mp"))
    assert [count.path for count in where.gpus] == [("spec", "predictor", "workerSpec", "tensorParallelSize")]
    assert (where.ranks, where.gpus_parent) == ((), None)


def test_where_both_ways_give_the_same_pods_the_runtime_need_not_be_there() -> None:
    found = one(several(4, 4, pipelineParallelSize=2, tensorParallelSize=4))
    assert (found.pods, found.serving.gpu_count, found.open) == (2, 4, ())


MULTINODE = """\
apiVersion: template.openshift.io/v1
kind: Template
metadata: {name: vllm-multinode-runtime-template}
objects:
  - apiVersion: serving.kserve.io/v1alpha1
    kind: ServingRuntime
    metadata:
      name: vllm-multinode-runtime
      annotations: {opendatahub.io/runtime-version: 'v0.21.0'}
    spec:
      annotations: {multinode/executor-backend: 'mp', opendatahub.io/kserve-runtime: 'vllm'}
      supportedModelFormats: [{autoSelect: true, name: vLLM, priority: 2}]
      containers:
        - name: kserve-container
          image: $(vllm-cuda-image)
          args:
          - /mnt/models
          - --port=8080
          - --served-model-name={{.Name}}
          - --distributed-executor-backend=mp
          - --tensor-parallel-size=$(TENSOR_PARALLEL_SIZE)
          - --pipeline-parallel-size=$(PIPELINE_PARALLEL_SIZE)
          - --master-addr=$(POD_IP)
          command: [vllm, serve]
          env:
            - {name: MASTER_PORT, value: "29500"}
            - name: POD_IP
              valueFrom: {fieldRef: {fieldPath: status.podIP}}
          volumeMounts: [{name: shm, mountPath: /dev/shm}]
      volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 12Gi}}]
      workerSpec:
        pipelineParallelSize: 2
        tensorParallelSize: 1
        containers: [{name: worker-container, image: $(vllm-cuda-image)}]
"""
"""Of odh-model-controller's config/runtimes/vllm/vllm-multinode-template.yaml, without probes and the
worker's script."""


def test_opendatahubs_runtime_for_several_nodes() -> None:
    text = changed(
        several(0, 0, tensorParallelSize=4), "spec predictor model runtime", "vllm-multinode-runtime"
    )
    found = one(text, MULTINODE)
    assert (found.pods, found.serving.gpu_count, found.image, found.open) == (2, 4, "oci://r/x:1", ())
    server = found.server
    assert server is not None
    assert (server.image, server.version, server.shm_mib) == ("", "v0.21.0", 12288)
    assert server.args[0] == "--port=8080"
    assert server.args[3:5] == (
        "--tensor-parallel-size=$(TENSOR_PARALLEL_SIZE)",
        "--pipeline-parallel-size=$(PIPELINE_PARALLEL_SIZE)",
    )
    known = dict(server.environment)
    assert (known["TENSOR_PARALLEL_SIZE"], known["PIPELINE_PARALLEL_SIZE"], known["MASTER_PORT"]) == (
        "4",
        "2",
        "29500",
    )
    assert "POD_IP" not in known


@pytest.mark.parametrize(
    ("theirs", "own", "differs"),
    [
        ({}, {}, False),
        ({"tolerations": []}, {}, True),
        ({}, {"tolerations": []}, False),
        ({"nodeSelector": {"pool": "b"}}, {}, True),
        ({}, {"nodeSelector": {"pool": "b"}}, True),
        ({"containers": [{"name": "worker-container", "image": "quay.io/x/vllm:2"}]}, {}, True),
    ],
)
def test_workers_that_no_leaders_node_may_take_are_no_go(
    theirs: dict[str, Any], own: dict[str, Any], differs: bool
) -> None:
    sizes: dict[str, Any] = {"pipelineParallelSize": 2, "tensorParallelSize": 1}
    found = one(several(1, 1, **sizes, **own), workers(**theirs))
    assert codes(found.open) == ["workers-differ"] * differs
