"""Manifests of every kind, rendered as each kind of output and read again; what the two readings have in
common."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Guarantee, Held, Inventory, Pool
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.kserve import Rendered, release_of, rendered, requests_of
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest import ModelCar, Plan, inspect_text, objects_as_data
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.verdict import DecisionReport, ModelRequirements, Verdict
from modelcar_tui.vllm.arguments import last_value, parse_arguments

RUNTIME = """\
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata: {name: vllm-cuda, namespace: team}
spec:
  supportedModelFormats: [{name: vLLM, autoSelect: true}]
  containers:
  - name: kserve-container
    image: quay.io/modh/vllm:rhoai-2.25
    command: [python, -m, vllm.entrypoints.openai.api_server]
    args: [--port=8080, --model=/mnt/models, "--served-model-name={{.Name}}", --enable-prefix-caching]
    env:
    - {name: HF_HOME, value: /tmp/hf_home}
    - {name: HF_TOKEN, valueFrom: {secretKeyRef: {name: hub, key: token}}}
    ports: [{containerPort: 8080, protocol: TCP}]
"""
NODES = RUNTIME.replace("vllm-cuda", "vllm-nodes") + (
    "  annotations: {multinode/executor-backend: mp}\n"
    "  workerSpec: {containers: [{name: worker-container}]}\n"
)
SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: NAME
  namespace: team
  labels: {app: x, kueue.x-k8s.io/queue-name: gpus}
spec:
  predictor:
    minReplicas: 2
    maxReplicas: 3
    imagePullSecrets: [{name: pull}]
    nodeSelector: {pool: gpu}
    tolerations: [{key: nvidia.com/gpu, operator: Exists}]
    model:
      modelFormat: {name: vLLM}
      runtime: vllm-cuda
      storageUri: oci://quay.io/x/granite-3.1-8b:1
      args: [--max-model-len=4096, --tensor-parallel-size, "2", '--limit-mm-per-prompt={"image": 2}']
      env: [{name: VLLM_LOGGING_LEVEL, value: DEBUG}]
      resources:
        requests: {cpu: "4", memory: 24Gi, nvidia.com/gpu: "2"}
        limits: {cpu: "8", memory: 32Gi, nvidia.com/gpu: "2"}
"""
BARE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: bare
  annotations: {serving.kserve.io/stop: "true"}
spec:
  predictor:
    model:
      modelFormat: {name: vLLM}
      storageUri: pvc://models/granite
      args: [--max-model-len, "4096"]
      resources: {limits: {nvidia.com/gpu: 1}}
"""
CUSTOM = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: custom}
spec:
  predictor:
    containers:
    - name: kserve-container
      image: vllm/vllm-openai:v0.9.1
      args: [--model, ibm-granite/granite-3.1-8b-instruct, --max-model-len, "4096", --port, "8080"]
      resources: {requests: {cpu: "2", memory: 16Gi}, limits: {nvidia.com/gpu: 1}}
"""
SEVERAL_NODES = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: nodes, namespace: team}
spec:
  predictor:
    model:
      modelFormat: {name: vLLM}
      runtime: vllm-nodes
      storageUri: pvc://models/llama-405b
      args: [--max-model-len=4096]
      resources: {requests: {cpu: "8", memory: 64Gi, nvidia.com/gpu: "4"}, limits: {nvidia.com/gpu: "4"}}
    workerSpec:
      pipelineParallelSize: 2
      tensorParallelSize: 4
      containers:
      - name: worker-container
        resources: {requests: {nvidia.com/gpu: "4"}, limits: {nvidia.com/gpu: "4"}}
"""
LLM_OLD = """\
apiVersion: serving.kserve.io/v1alpha1
kind: LLMInferenceService
metadata: {name: qwen, namespace: team}
spec:
  model: {uri: "hf://Qwen/Qwen3-8B", name: Qwen/Qwen3-8B}
  replicas: 2
  router: {route: {}, gateway: {}, scheduler: {}}
  template:
    containers:
    - name: main
      env: [{name: VLLM_ADDITIONAL_ARGS, value: --max-model-len=8192 --tensor-parallel-size 2}]
      resources: {limits: {cpu: "4", memory: 32Gi, nvidia.com/gpu: "2"}}
"""
LLM_NEW = """\
apiVersion: serving.kserve.io/v1alpha2
kind: LLMInferenceService
metadata: {name: mistral, namespace: team}
spec:
  model: {uri: "oci://quay.io/x/mistral:1", name: mistral-small}
  replicas: 3
  parallelism: {tensor: 2}
  router: {route: {}, gateway: {}}
  template:
    tolerations: [{key: nvidia.com/gpu, operator: Exists}]
    containers:
    - name: main
      args: [--max-model-len=8192, "--limit-mm-per-prompt='{\\"image\\": 2}'"]
      env:
      - {name: VLLM_LOGGING_LEVEL, value: DEBUG}
      - {name: HF_TOKEN, valueFrom: {secretKeyRef: {name: hub, key: token}}}
      resources: {limits: {cpu: "4", memory: 32Gi, nvidia.com/gpu: "2"}}
"""
LLM_PARTED = """\
apiVersion: serving.kserve.io/v1alpha1
kind: LLMInferenceService
metadata: {name: parted, namespace: team}
spec:
  model: {uri: "pvc://models/llama", name: llama}
  replicas: 1
  router: {route: {}, gateway: {}, scheduler: {}}
  template:
    containers:
    - name: main
      env: [{name: VLLM_ADDITIONAL_ARGS, value: --block-size 128}]
      resources: {limits: {cpu: "4", memory: 32Gi, nvidia.com/gpu: "2"}}
  prefill:
    replicas: 2
    parallelism: {tensor: 4}
    template:
      containers:
      - name: main
        env: [{name: VLLM_ADDITIONAL_ARGS, value: --block-size 128}]
        resources: {limits: {cpu: "4", memory: 48Gi, nvidia.com/gpu: "4"}}
"""
LLM_WORKERS = """\
apiVersion: serving.kserve.io/v1alpha1
kind: LLMInferenceService
metadata: {name: deepseek, namespace: team}
spec:
  model: {uri: "pvc://models/deepseek", name: deepseek}
  replicas: 1
  parallelism: {data: 16, dataLocal: 8, expert: true, tensor: 1}
  router: {route: {}, gateway: {}, scheduler: {}}
  template: &pod
    containers:
    - name: main
      env: [{name: VLLM_ADDITIONAL_ARGS, value: --max-model-len 8192}]
      resources: {limits: {cpu: "64", memory: 512Gi, nvidia.com/gpu: "8"}}
  worker: *pod
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: granite-serve, namespace: team}
spec:
  replicas: 2
  selector: {matchLabels: {app: granite}}
  template:
    metadata: {labels: {app: granite}}
    spec:
      nodeSelector: {gpu: l40s}
      imagePullSecrets: [{name: pull}]
      volumes:
      - {name: shm, emptyDir: {medium: Memory, sizeLimit: 4Gi}}
      - {name: cache, emptyDir: {}}
      containers:
      - name: vllm
        image: vllm/vllm-openai:v0.9.1
        command: [/bin/sh, -c]
        args:
        - >-
          vllm serve ibm-granite/granite-3.1-8b-instruct --port 8000 --tensor-parallel-size 2
          --max-model-len 8192 --limit-mm-per-prompt '{"image": 2}'
        env:
        - {name: HF_TOKEN, valueFrom: {secretKeyRef: {name: hub, key: token}}}
        - {name: VLLM_LOGGING_LEVEL, value: DEBUG}
        ports: [{containerPort: 8000}]
        volumeMounts: [{name: shm, mountPath: /dev/shm}, {name: cache, mountPath: /root/.cache}]
        resources: {limits: {cpu: "8", memory: 40Gi, nvidia.com/gpu: "2"}}
"""
STATEFUL_SET = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: on-claim}
spec:
  serviceName: on-claim
  selector: {matchLabels: {app: x}}
  template:
    metadata: {labels: {app: x}}
    spec:
      priorityClassName: high
      volumes: [{name: models, persistentVolumeClaim: {claimName: models}}]
      containers:
      - name: server
        image: quay.io/modh/vllm:rhoai-2.25
        command: [vllm, serve, /models/granite]
        args: [--served-model-name=granite, --max-model-len=4096, --enforce-eager]
        volumeMounts: [{name: models, mountPath: /models}]
        resources: {requests: {cpu: 1500m, memory: 20Gi}, limits: {nvidia.com/gpu: "1"}}
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: native}
spec:
  volumes: [{name: model, image: {reference: "quay.io/x/granite:1"}}]
  containers:
  - name: vllm
    image: vllm/vllm-openai:v0.9.1
    args: [--model=/model, --served-model-name=granite, --max-model-len=4096]
    volumeMounts: [{name: model, mountPath: /model}]
    resources: {limits: {cpu: "4", memory: 24Gi, nvidia.com/mig-3g.40gb: "1"}}
"""
GROUP = """\
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: {name: group}
spec:
  replicas: 1
  leaderWorkerTemplate:
    size: 2
    workerTemplate:
      spec:
        containers:
        - name: vllm
          image: vllm/vllm-openai:v0.9.1
          args: [--model=ibm-granite/granite-3.1-8b-instruct, --tensor-parallel-size=16]
          resources: {limits: {nvidia.com/gpu: "8"}}
"""
LINE = "vllm serve ibm-granite/granite-3.1-8b-instruct --tensor-parallel-size 2 --max-model-len 8192\n"
CAR = """\
model-car:
  - name: granite-3.1-8b
    image: oci://quay.io/x/granite-3.1-8b:1
    serving_arguments:
      gpu_count: 2
      args: [--max-model-len=8192, '--limit-mm-per-prompt={"image": 2}']
"""
INPUTS = {
    "service with its runtime": RUNTIME + "---\n" + SERVICE.replace("NAME", "granite"),
    "two services of one runtime": "---\n".join(
        (SERVICE.replace("NAME", "granite"), RUNTIME, SERVICE.replace("NAME", "other"))
    ),
    "service without amounts": RUNTIME + "---\n" + BARE,
    "stopped service without a runtime": BARE,
    "service that brings its container": CUSTOM,
    "service over several nodes": NODES + "---\n" + SEVERAL_NODES,
    "v1alpha1": LLM_OLD,
    "v1alpha2": LLM_NEW,
    "prefill and decode": LLM_PARTED,
    "workers": LLM_WORKERS,
    "deployment": DEPLOYMENT,
    "stateful set on a claim": STATEFUL_SET,
    "pod with an image volume": POD,
    "leader and workers": GROUP,
    "command line": LINE,
    "model-car": CAR,
}
ITS_KINDS_OWN = ("--model", "--port", "--host", "--served-model-name", "--enable-ssl-refresh")
_PRESET = {"HOME": "/home", "VLLM_LOGGING_LEVEL": "INFO", "HF_HUB_CACHE": "/models"}


@dataclass(frozen=True)
class Reading:
    """What must be the same whatever the kind."""

    arguments: tuple[str, ...]
    """Whole: the runtime's first, without what each kind's own start of vLLM says."""
    served: str
    source: str
    gpus: int
    resource: str
    environment: tuple[tuple[str, str], ...]
    cpu: int | None
    memory: int | None
    limit: int | None
    copies: int
    pods: int
    pull_secrets: tuple[str, ...]
    scheduling: tuple[Any, ...]
    queue: str
    priority: str


def reading(car: ModelCar) -> Reading:
    server = car.server
    asked = server.scheduling if server else None
    environment = dict(server.environment) if server else {}
    if car.kind == "LLMInferenceService":
        environment = {key: value for key, value in environment.items() if _PRESET.get(key) != value}
    return Reading(
        arguments=_arguments(car),
        served=_served(car),
        source=car.image,
        gpus=car.serving.gpu_count,
        resource=server.resource if server else "",
        environment=tuple(sorted(environment.items())),
        cpu=server.cpu_milli if server else None,
        memory=server.memory_mib if server else None,
        limit=server.memory_limit_mib if server else None,
        copies=car.copies,
        pods=car.pods,
        pull_secrets=server.pull_secrets if server else (),
        scheduling=(asked.selector, asked.terms, asked.tolerations) if asked else (),
        queue=server.queue if server else "",
        priority=server.priority_class if server else "",
    )


def _arguments(car: ModelCar) -> tuple[str, ...]:
    args = car.serving.whole
    kept: list[str] = []
    for one in parse_arguments(args, None):
        if one.name not in ITS_KINDS_OWN and not one.name.startswith("--ssl-"):
            value = () if one.value is None else (one.value,)
            kept.append("=".join((one.name, *value)))
    if car.serving.by_suite and car.serving.gpu_count > 1 and not any("parallel-size" in one for one in kept):
        kept.append(f"--tensor-parallel-size={car.serving.gpu_count}")
    return tuple(kept)


def _served(car: ModelCar) -> str:
    named = last_value(parse_arguments(car.serving.whole, None), "--served-model-name")
    own = car.image.removeprefix("hf://") if car.image.startswith("hf://") else car.name
    return (named or own).split(" ")[0]


@cache
def read(text: str) -> tuple[ModelCar, ...]:
    manifest, errors = inspect_text(text.encode(), "in.yaml")
    assert not errors, errors
    return manifest.models


def turned_out(text: str, kind: str, release: str | None, where: AcceleratorReport | None = None) -> Rendered:
    """The models of a text as objects of a kind, with no change accepted."""
    base = text.encode()
    digest = hashlib.sha256(base).hexdigest()
    plan = Plan(base="in.yaml", base_sha256=digest, target="out.yaml", changes=())
    models = [ModelRequirements(car=car, image=_image(car)) for car in read(text)]
    report = DecisionReport(verdict=Verdict.GO, why="", plan=plan)
    found = requests_of(models, where or CLUSTER, report, objects=objects_as_data(base, plan))
    return rendered(found, kind, release_of(release, None))


def _image(car: ModelCar) -> ImageFacts:
    return ImageFacts(reference=car.image, model=ModelFacts(config={}))


def _node(*taints: str) -> GpuNode:
    pool = Pool(resource="nvidia.com/gpu", units=8, free=8, mem_mib=46068, mem_guarantee=Guarantee.EXCLUSIVE)
    return GpuNode(
        name="gpu-0",
        vendor="nvidia",
        product="NVIDIA-L40S",
        cc="8.9",
        cpu_milli=64_000,
        memory_mib=512 * 1024,
        ephemeral_mib=900 * 1024,
        held=Held(),
        most_pods=250,
        taints=taints,
        pool=(pool,),
    )


def cluster(*taints: str) -> AcceleratorReport:
    """One node with eight L40S."""
    inventory = Inventory(nodes=(_node(*taints),), known=True, nodes_seen=1)
    return AcceleratorReport(access=Access(rung=Rung.OK), inventory=inventory)


CLUSTER = cluster()
