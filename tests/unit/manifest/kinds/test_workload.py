"""Pods that run vLLM, by what makes them."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest.kinds import Place, places_of
from modelcar_tui.manifest.reader import inspect_text
from modelcar_tui.manifest.types import Manifest, ModelCar

POD = """
containers:
- name: server
  image: vllm/vllm-openai:v0.9.1
  args: [--model, org/m, --tensor-parallel-size=2]
  env:
  - {name: VLLM_USE_V1, value: '1'}
  - {name: HF_TOKEN, valueFrom: {secretKeyRef: {name: s, key: k}}}
  resources:
    requests: {cpu: 2, memory: 8Gi, nvidia.com/gpu: 2}
    limits: {memory: 16Gi, nvidia.com/gpu: '2'}
  volumeMounts: [{name: shm, mountPath: /dev/shm}]
volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 2Gi}}]
nodeSelector: {zone: a}
serviceAccountName: runner
priorityClassName: high
imagePullSecrets: [{name: pull}]
"""
KINDS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "DeploymentConfig": "apps.openshift.io/v1",
    "Rollout": "argoproj.io/v1alpha1",
    "ReplicationController": "v1",
}


def workload(pod: str = POD, kind: str = "Deployment", spec: str = "replicas: 3", version: str = "") -> str:
    body = textwrap.indent(pod.strip("\n"), "      ")
    head = f"apiVersion: {version or KINDS[kind]}\nkind: {kind}\nmetadata: {{name: w, namespace: ns}}\n"
    labels = "metadata: {labels: {kueue.x-k8s.io/queue-name: q}}"
    return f"{head}spec:\n  {spec}\n  template:\n    {labels}\n    spec:\n{body}\n"


def read(text: str) -> tuple[Manifest, tuple[Problem, ...]]:
    return inspect_text(text.encode(), "w.yaml")


def one(text: str) -> tuple[ModelCar, Place]:
    manifest, errors = read(text)
    assert errors == ()
    (model,) = manifest.models
    return model, places_of(text)[model.name]


def whats(model: ModelCar) -> list[str]:
    return [problem.what for problem in model.open]


@pytest.mark.parametrize(
    ("kind", "spec", "copies"),
    [
        ("Deployment", "replicas: 3", 3),
        ("Deployment", "paused: false", 1),
        ("Deployment", "replicas: 0", 0),
        ("StatefulSet", "replicas: 2", 2),
        ("ReplicaSet", "replicas: 2", 2),
        ("Job", "parallelism: 2", 2),
        ("Job", "backoffLimit: 1", 1),
        ("DeploymentConfig", "replicas: 2", 2),
        ("Rollout", "replicas: 2", 2),
        ("ReplicationController", "replicas: 2", 2),
    ],
)
def test_what_makes_pods(kind: str, spec: str, copies: int) -> None:
    model, place = one(workload(kind=kind, spec=spec))
    assert (model.kind, model.name, model.namespace) == (kind, "w", "ns")
    assert (model.copies, model.pods, model.open) == (copies, 1, ())
    assert (model.image, model.serving.gpu_count) == ("hf://org/m", 2)
    assert model.serving.args == ("--model", "org/m", "--tensor-parallel-size=2")
    here = ("spec", "template", "spec", "containers", 0)
    assert place.grows == (*here, "args")
    assert [(count.path, count.node.value) for count in place.gpus] == [
        ((*here, "resources", "requests", "nvidia.com/gpu"), "2"),
        ((*here, "resources", "limits", "nvidia.com/gpu"), "2"),
    ]


def test_what_scales_a_deployment_says_its_least_copies() -> None:
    target = "{scaleTargetRef: {kind: Deployment, name: w}, minReplicas: 4, maxReplicas: 9}"
    scaler = f"kind: HorizontalPodAutoscaler\nmetadata: {{name: h, namespace: ns}}\nspec: {target}\n"
    assert one(f"{workload()}---\napiVersion: autoscaling/v2\n{scaler}")[0].copies == 4


@pytest.mark.parametrize(
    ("spec", "copies"),
    [
        ("{scaleTargetRef: {name: w}, minReplicaCount: 2}", 2),
        ("{scaleTargetRef: {name: w}, minReplicaCount: 0}", 0),
        ("{scaleTargetRef: {kind: StatefulSet, name: w}, minReplicaCount: 2}", 3),
    ],
)
def test_what_keda_scales_has_its_least_copies(spec: str, copies: int) -> None:
    scaler = f"kind: ScaledObject\nmetadata: {{name: h, namespace: ns}}\nspec: {spec}\n"
    assert one(f"{workload()}---\napiVersion: keda.sh/v1alpha1\n{scaler}")[0].copies == copies


def test_what_the_pod_says_of_itself() -> None:
    server = one(workload())[0].server
    assert server is not None
    assert (server.told_by, server.image) == ("container server", "vllm/vllm-openai:v0.9.1")
    assert server.environment == (("VLLM_USE_V1", "1"),)
    assert (server.cpu_milli, server.memory_mib, server.memory_limit_mib) == (2000, 8192, 16384)
    assert (server.resource, server.shm_mib, server.queue) == ("nvidia.com/gpu", 2048, "q")
    assert (server.service_account, server.pull_secrets, server.priority_class) == (
        *("runner", ("pull",), "high"),
    )
    assert server.scheduling.selector == (("zone", "a"),)


def test_a_variable_is_kept_back_by_what_its_name_says_of_a_secret() -> None:
    told = {"MAX_NUM_BATCHED_TOKENS": "8192", "TIKTOKEN_ENCODINGS_BASE": "/mnt/models/x", "HUB_TOKEN": ""}
    kept = {"HF_HUB_TOKEN": "one-clear-text", "VLLM_API_KEY": "abc", "PASSWORD": "hunter2"}
    listed = "".join(f"  - {{name: {name}, value: '{value}'}}\n" for name, value in (told | kept).items())
    pod = POD.replace("  env:\n", f"  env:\n{listed}").replace(
        "org/m,", "org/m, --x=$(MAX_NUM_BATCHED_TOKENS),"
    )
    model, _ = one(workload(pod))
    assert model.server is not None
    assert dict(model.server.environment) == told | {"VLLM_USE_V1": "1"}


def test_a_pod_of_its_own_and_one_in_a_list() -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n" + textwrap.indent(POD, "  ")
    model, place = one(pod)
    assert (model.name, model.copies, place.grows) == ("p", 1, ("spec", "containers", 0, "args"))
    listed = "apiVersion: v1\nkind: List\nitems:\n-" + textwrap.indent(pod, "  ")[1:]
    assert one(listed)[1].grows == ("items", 0, *place.grows)


def test_a_pod_without_accelerators_has_none() -> None:
    model, place = one(workload("containers:\n- {name: c, image: r/vllm, args: [--model=m]}"))
    assert (model.serving.gpu_count, place.gpus) == (0, ())
    assert place.gpus_parent == ("spec", "template", "spec", "containers", 0)


OPEN_COUNTS = {
    workload(kind="DaemonSet", spec="minReadySeconds: 1"): "a DaemonSet runs one pod on each node",
    workload(spec="replicas: ${N}"): "`replicas` is no whole number",
    workload(POD.replace("nvidia.com/gpu: 2", "nvidia.com/gpu: '${G}'")): "how many nvidia.com/gpu",
    workload("containers:\n- {name: c, image: vllm, args: [m], resources: {claims: [{name: g}]}}"): (
        "by a resource claim"
    ),
}


@pytest.mark.parametrize(("text", "what"), OPEN_COUNTS.items())
def test_counts_that_are_not_known_are_open(text: str, what: str) -> None:
    assert [what in told for told in whats(one(text)[0])] == [True]


def test_a_count_below_zero_is_none_and_open() -> None:
    model, _ = one(workload(POD.replace("nvidia.com/gpu: 2", "nvidia.com/gpu: -2")))
    assert model.serving.gpu_count == 0
    assert ["how many nvidia.com/gpu" in told for told in whats(model)] == [True]


def mounted(volume: str, model: str, more: str = "", mount: str = "") -> str:
    return workload(
        f"containers:\n- name: c\n  command: [vllm, serve, '{model}']\n"
        f"  env: [{{name: MODEL, value: org/m}}]\n"
        f"  volumeMounts: [{{name: v, mountPath: /models/{mount}}}]\nvolumes: [{{name: v, {volume}}}]\n{more}"
    )


def init(command: str, image: str = "python:3") -> str:
    return (
        f"initContainers:\n- name: i\n  image: {image}\n  command: {command}\n"
        "  env: [{name: M, value: org/m}]\n  volumeMounts: [{name: v, mountPath: /to}]\n"
    )


CLAIM, EMPTY = "persistentVolumeClaim: {claimName: claim}", "emptyDir: {}"
SOURCES = {
    mounted(EMPTY, "org/m"): "hf://org/m",
    mounted(EMPTY, "$(MODEL)"): "hf://org/m",
    mounted(EMPTY, "s3://bucket/m"): "s3://bucket/m",
    mounted(CLAIM, "/models/a/b"): "pvc://claim/a/b",
    mounted(CLAIM, "/models"): "pvc://claim",
    mounted(CLAIM, "/models/a", mount=", subPath: x/y"): "pvc://claim/x/y/a",
    mounted("image: {reference: 'quay.example/m:1'}", "/models"): "oci://quay.example/m:1",
    mounted(EMPTY, "/models/x", init("[hf, download, org/m, --local-dir, /to/x]")): "hf://org/m",
    mounted(EMPTY, "/models", init("[sh, -c, 'hf download --local-dir=/to $M']")): "hf://org/m",
    mounted(EMPTY, "/models", init("['oci://q/m:1', /to]", "r/storage-initializer:1")): "oci://q/m:1",
}


@pytest.mark.parametrize(("text", "source"), SOURCES.items())
def test_where_the_weights_come_from(text: str, source: str) -> None:
    model, _ = one(text)
    assert (model.image, model.open) == (source, ())
    assert model.image_at.line > model.at.line


UNKNOWN = {
    mounted(EMPTY, "/models/x"): "(emptyDir): what it holds is not known",
    mounted("hostPath: {path: /x}", "/models/x"): "(hostPath): what it holds is not known",
    mounted(EMPTY, "/models/x", init("[hf, download, org/m, --local-dir, /to/y]")): "(emptyDir)",
    mounted(EMPTY, "/elsewhere"): "no volume is mounted",
    mounted(EMPTY, "$(OTHER)"): "a variable that is not known",
    mounted(EMPTY, "${OTHER}"): "a placeholder that nothing fills in",
    workload("containers:\n- {name: c, command: [vllm, serve]}"): "no model is named",
}


@pytest.mark.parametrize(("text", "what"), UNKNOWN.items())
def test_weights_that_are_not_known_are_open(text: str, what: str) -> None:
    model, _ = one(text)
    assert model.image == ""
    assert [what in told for told in whats(model)] == [True]


LEADER = """apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: {name: lws}
spec:
  replicas: 2
  leaderWorkerTemplate:
    size: 4
    leaderTemplate:
      spec:
        containers:
        - name: leader
          image: vllm/vllm-openai:v0.9.1
          command:
          - sh
          - -c
          - ray start --n=$(LWS_GROUP_SIZE); vllm serve m --pp $(LWS_GROUP_SIZE) --x $LWS_GROUP_SIZE
          resources: {limits: {nvidia.com/gpu: 8}}
    workerTemplate:
      spec:
        containers:
        - name: worker
          image: vllm/vllm-openai:v0.9.1
          command: [sh, -c, ray start]
          resources: {limits: {nvidia.com/gpu: 8}}
"""
EIGHT = "start]\n          resources: {limits: {nvidia.com/gpu: 8"


def test_a_leader_and_its_workers_are_one_copy() -> None:
    model, place = one(LEADER)
    assert (model.copies, model.pods, model.serving.gpu_count, model.open) == (2, 4, 8, ())
    assert place.words == ("--pp", "$(LWS_GROUP_SIZE)", "--x", "4")
    assert model.server is not None
    assert model.server.environment == (("LWS_GROUP_SIZE", "4"),)
    assert [count.path[2] for count in place.gpus] == ["leaderTemplate", "workerTemplate"]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (EIGHT, EIGHT.replace("8", "4"), "a worker asks for 4"),
        ("ray start]", "vllm serve m --headless]", "arguments of their own"),
        ("size: 4", "size: $N", "`size` is no whole number"),
        (EIGHT, EIGHT.replace("8", "8, memory: 1Ti"), "asks more of its node"),
        (
            "containers:\n        - name: worker",
            "nodeName: b\n        containers:\n        - name: w",
            "its node",
        ),
        ("v0.9.1\n          command: [", "v0.8.0\n          command: [", "the image vllm/vllm-openai:v0.8.0"),
    ],
)
def test_workers_that_differ_are_open(old: str, new: str, what: str) -> None:
    assert any(what in told for told in whats(one(LEADER.replace(old, new))[0]))


def test_without_a_leader_template_all_pods_are_the_workers() -> None:
    start = LEADER.index("    leaderTemplate")
    model, _ = one(
        LEADER[:start] + LEADER[LEADER.index("    workerTemplate") :].replace("ray start", "vllm serve m")
    )
    assert (model.pods, model.serving.gpu_count, model.image) == (4, 8, "hf://m")


def test_the_second_container_has_a_name_of_its_own() -> None:
    pod = "containers:\n- {name: a, command: [vllm, serve, m]}\n- {name: b, command: [vllm, serve, n]}"
    manifest, _ = read(workload(pod))
    assert [model.name for model in manifest.models] == ["w", "w/b"]


def test_a_container_that_is_not_understood_is_open() -> None:
    model, _ = one(workload("containers:\n- {name: c, image: r/vllm, command: [/start.sh]}"))
    assert (model.image, model.serving.args) == ("", ())
    assert ["is not understood" in told for told in whats(model)] == [True]


TGI = POD.replace("vllm/vllm-openai:v0.9.1", "ghcr.io/huggingface/text-generation-inference").replace(
    "VLLM", "X"
)
NOT_READ: dict[str, tuple[str, str]] = {
    workload(TGI): ("not-vllm", "Deployment w asks for accelerators, but is not known to run vLLM"),
    workload(kind="Job", spec="a: 1")
    .replace("kind: Job", "kind: RayThing")
    .replace("batch/v1", "ray.io/v1"): (*("kind-unread", "RayThing w starts vLLM or asks for accelerators"),),
    "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec: {jobTemplate: {spec: {template: {spec: "
    "{containers: [{name: a, command: [vllm, serve, m]}]}}}}}": ("kind-unread", "CronJob c"),
}


@pytest.mark.parametrize(("text", "expected"), NOT_READ.items())
def test_what_is_not_judged_is_told(text: str, expected: tuple[str, str]) -> None:
    manifest, errors = read(text)
    code, what = expected
    assert manifest.models == ()
    assert [(problem.code, what in problem.what) for problem in manifest.findings] == [(code, True)]
    assert [problem.code for problem in errors] == ["nothing-served"]


@pytest.mark.parametrize(
    "more",
    [
        "apiVersion: v1\nkind: Service\nmetadata: {name: vllm}\nspec: {ports: [{port: 80}]}",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: 'vllm serve m'}",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {spec: {containers: "
        "[{name: a, image: nginx}]}}}",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {}}",
        "apiVersion: apps/v1\nkind: Deployment\nspec: [1]",
    ],
)
def test_what_has_nothing_to_do_with_it_is_passed_over(more: str) -> None:
    manifest, errors = read(f"{workload()}---\n{more}\n")
    assert [model.name for model in manifest.models] == ["w"]
    assert (manifest.findings, errors) == ((), ())


HOSTILE: list[Any] = [
    "containers: [[], 1, {}, {name: [], image: {a: 1}, args: {b: c}, env: [1, {}], command: 7}]",
    "containers:\n- {name: c, command: [sh, -c, 'vllm serve $(rm -rf /) `id` <(x) \"${a[@]}\"']}",
    "containers:\n- {name: 'a\\e[2J', image: 'vllm\\e[2J', args: [\"--x\\e[31m\"]}",
]


@pytest.mark.parametrize("pod", HOSTILE)
def test_hostile_pods(pod: str) -> None:
    manifest, errors = read(workload(pod))
    assert "\x1b" not in f"{manifest} {errors}"
