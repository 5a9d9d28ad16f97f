"""InferenceServices and ServingRuntimes for tests, and how they are read."""

from __future__ import annotations

from typing import Any

import yaml

from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest import Manifest, ModelCar, inspect_text
from modelcar_tui.manifest.kinds import Place, places_of

SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: granite
  namespace: models
  annotations:
    opendatahub.io/hardware-profile-name: gpu-small
  labels:
    kueue.x-k8s.io/queue-name: team-a
spec:
  predictor:
    minReplicas: 2
    serviceAccountName: puller
    imagePullSecrets: [{name: registry}]
    tolerations: [{key: nvidia.com/gpu, operator: Exists}]
    model:
      modelFormat: {name: vLLM}
      runtime: vllm-cuda-runtime
      storageUri: oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-lab-v1:1.4.0
      args:
        - --max-model-len=8192
        - --api-key=sk-0123456789abcdef
      env:
        - {name: HF_HOME, value: /tmp/own}
        - {name: HF_TOKEN, value: hf_0123456789}
      resources:
        limits: {nvidia.com/gpu: "2", memory: 16Gi}
        requests: {nvidia.com/gpu: "2", cpu: 2, memory: 8Gi}
"""

RUNTIME = """\
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata:
  name: vllm-cuda-runtime
  annotations: {opendatahub.io/runtime-version: v0.11.0}
spec:
  annotations: {opendatahub.io/kserve-runtime: vllm}
  supportedModelFormats: [{name: vLLM, autoSelect: true}]
  containers:
    - name: kserve-container
      image: quay.io/modh/vllm@sha256:abc
      command: [python, -m, vllm.entrypoints.openai.api_server]
      args: [--port=8080, --model=/mnt/models, "--served-model-name={{.Name}}"]
      env: [{name: HF_HOME, value: /tmp/hf_home}, {name: VLLM_NO_USAGE_STATS, value: "1"}]
      volumeMounts: [{name: shm, mountPath: /dev/shm}]
  volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 2Gi}}]
  tolerations: [{key: other, operator: Exists}]
"""

GPU = {"limits": {"nvidia.com/gpu": 1}}


def reading(*documents: str) -> tuple[Manifest, tuple[Problem, ...]]:
    """The documents as one file."""
    return inspect_text("---\n".join(documents).encode(), "x.yaml")


def one(*documents: str) -> ModelCar:
    """The only thing to serve of a file without errors."""
    manifest, errors = reading(*documents)
    assert errors == ()
    (found,) = manifest.models
    return found


def place(*documents: str) -> Place:
    (found,) = places_of("---\n".join(documents)).values()
    return found


def changed(text: str, path: str, value: Any) -> str:
    """A document with one value replaced, or taken away for None; keys are parted by blanks."""
    whole = yaml.safe_load(text)
    *way, last = (int(key) if key.isdecimal() else key for key in path.split())
    here = whole
    for key in way:
        here = here[key]
    if value is None:
        del here[last]
    else:
        here[last] = value
    return yaml.safe_dump(whole, sort_keys=False)


def service(**model: Any) -> str:
    """A small InferenceService."""
    base = {"modelFormat": {"name": "vLLM"}, "storageUri": "oci://r/x:1", **model}
    return yaml.safe_dump(
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": "small"},
            "spec": {"predictor": {"model": base}},
        },
        sort_keys=False,
    )


def codes(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.code for problem in problems]


def custom(**container: Any) -> str:
    """An InferenceService that brings its container."""
    return changed(service(), "spec predictor", {"containers": [{"name": "kserve-container", **container}]})
