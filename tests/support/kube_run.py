"""A finished run on objects of Kubernetes: an InferenceService with its runtime, prefill and decode, and a
Deployment whose script has a variable that nothing sets."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from modelcar_tui.supervisor import Approve, Supervisor
from modelcar_tui.supervisor.state import RunState

OBJECTS = """\
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata: {name: vllm-cuda, namespace: chat}
spec:
  supportedModelFormats: [{name: vLLM}]
  containers:
  - name: kserve-container
    image: quay.io/x/vllm-openai:v0.10.1
    command: [python, -m, vllm.entrypoints.openai.api_server]
    args: [--port=8080, --model=/mnt/models, --max-num-seqs=200]
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: llama, namespace: chat}
spec:
  predictor:
    minReplicas: 2
    model:
      modelFormat: {name: vLLM}
      runtime: vllm-cuda
      storageUri: hf://meta-llama/Llama-3.3-70B-Instruct
      args: [--max-model-len=8192]
      resources:
        requests: {cpu: "8", memory: 32Gi}
        limits: {nvidia.com/gpu: "1"}
---
apiVersion: serving.kserve.io/v1alpha1
kind: LLMInferenceService
metadata: {name: qwen, namespace: pairs}
spec:
  model: {uri: "hf://Qwen/Qwen3-8B", name: Qwen/Qwen3-8B}
  replicas: 3
  template:
    containers:
    - {name: main, resources: {limits: {nvidia.com/gpu: "1"}}}
  prefill:
    template:
      containers:
      - {name: main, resources: {limits: {nvidia.com/gpu: "1"}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: piped, namespace: chat}
spec:
  template:
    spec:
      containers:
      - name: vllm
        image: docker.io/vllm/vllm-openai:v0.10.1
        command: [bash, -c]
        args: ["vllm serve Qwen/Qwen3-8B --max-model-len ${NOBODY_KNOWS}"]
        resources: {limits: {nvidia.com/gpu: 1}}
"""


@lru_cache(maxsize=1)
def kube_run() -> RunState:
    """The state at its end: without a cluster, a registry, QA, a language model; nothing is written."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "all.yaml"
        path.write_text(OBJECTS)
        supervisor = Supervisor(
            str(path),
            gpus=("NVIDIA-L40S:8",),
            qa=False,
            approve=Approve.SHOW,
            llm=False,
            state_dir=f"{folder}/state",
        )
        with ThreadPoolExecutor(1) as alone:  # a test may have a loop of its own
            alone.submit(asyncio.run, _whole(supervisor)).result()
        return supervisor.state


async def _whole(supervisor: Supervisor) -> None:
    async for _ in supervisor.run():
        pass
