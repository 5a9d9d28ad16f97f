"""What a try would be: the objects that it makes, and what is said before."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from plan_support import Found, everything, from_file, main_of, model, pod_of, prepare, with_classes

from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.demo.kube_objects import QUOTAS
from modelcar_tui.demo.kube_scenarios import openshift_ai
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.fingerprint import model_fingerprint
from modelcar_tui.trial.environment import LOGGING_FILE, logging_config
from modelcar_tui.verdict import candidates, decide_model


def test_the_demo_s_model_lands_on_free_gpus_with_the_runtime_s_own_start(tmp_path: Path) -> None:
    what = model("--max-model-len=8192")
    made = prepare(what, tmp_path, on="h100-80gb-hbm3")
    plan, main, pod = made.plan, main_of(made), pod_of(made)
    assert plan.id.startswith("modelcar-try-") and len(plan.id) == 25
    assert (plan.model, plan.namespace, plan.gpus, plan.resource) == ("m", "default", 1, "nvidia.com/gpu")
    assert plan.product == "H100-80GB-HBM3 80 GiB"
    assert plan.nodes == ("gpu-h100-1", "gpu-h100-0")
    assert main["image"] == plan.image and "vllm-cuda-rhel9@sha256:" in plan.image
    assert main["command"] == ["python", "-m", "vllm.entrypoints.openai.api_server"]
    assert main["args"] == list(plan.args)
    assert plan.args == (
        "--model=/mnt/models",
        "--port=8080",
        "--max-model-len=8192",
        "--load-format",
        "dummy",
    )
    assert main["resources"]["limits"]["nvidia.com/gpu"] == "1"
    terms = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert [term["matchFields"][0]["values"] for term in terms["nodeSelectorTerms"]] == [
        ["gpu-h100-1"],
        ["gpu-h100-0"],
    ]
    assert plan.predicted == Outcome.STARTS
    assert plan.predicted_figures["kv_tokens"] > 100_000
    assert made.basis.outcome == "unknown"
    assert made.basis.args == ("--max-model-len=8192",)
    assert made.basis.gpu == "H100-80GB-HBM3"
    assert made.basis.runtime_digest == plan.image.partition("@")[2]
    assert made.basis.fingerprint == model_fingerprint(what.image.model)
    assert "weights" in plan.unproven[0]


def test_the_pod_takes_no_rights_and_ends_by_itself(tmp_path: Path) -> None:
    made = prepare(model(), tmp_path, limit_s=600, start_s=1800)
    spec, pod, main = made.job["spec"], pod_of(made), main_of(made)
    (init,) = pod["initContainers"]
    assert spec["backoffLimit"] == 0 and spec["ttlSecondsAfterFinished"] > 0 and spec["suspend"] is False
    assert spec["activeDeadlineSeconds"] == 2400
    assert pod["restartPolicy"] == "Never"
    assert pod["automountServiceAccountToken"] is False and pod["enableServiceLinks"] is False
    for one in (init, main):
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert one["image"] == made.plan.image
    probe = main["startupProbe"]
    assert probe["httpGet"] == {"path": "/health", "port": made.port, "scheme": "HTTP"}
    assert probe["periodSeconds"] * probe["failureThreshold"] == 600
    ends = main["livenessProbe"]
    assert ends["tcpSocket"]["port"] != made.port
    assert 60 <= ends["periodSeconds"] * ends["failureThreshold"] <= 180
    labels = made.job["metadata"]["labels"]
    assert labels["io.modelcar-tui/trial"] == made.plan.id == made.job["metadata"]["name"]
    assert "io.modelcar-tui/trial" in spec["template"]["metadata"]["labels"]
    # The init container asks for no GPU, and for no more than the main one: quotas count the larger.
    assert "nvidia.com/gpu" not in str(init["resources"])
    assert init["resources"]["requests"]["memory"] == main["resources"]["requests"]["memory"]
    names = {one["name"]: one["value"] for one in main["env"]}
    assert names["HF_HUB_OFFLINE"] == names["VLLM_NO_USAGE_STATS"] == names["DO_NOT_TRACK"] == "1"
    mounts = {one["mountPath"]: one for one in main["volumeMounts"]}
    assert mounts["/mnt/models"]["readOnly"] is True
    assert names["HOME"] in mounts and names["HF_HOME"].startswith(names["HOME"])
    assert {one["name"] for one in main["volumeMounts"]} <= {one["name"] for one in pod["volumes"]}


def test_the_init_container_joins_what_the_secrets_hold(tmp_path: Path) -> None:
    files = {"config.json": b"{}", "tokenizer.json": bytes(range(256)) * 20_000, "a/b.py": b"x = 1\n"}
    made = prepare(model(), tmp_path, found=Found(files))
    pod = pod_of(made)
    lent, target = tmp_path / "lent", tmp_path / "models"
    lent.mkdir()
    target.mkdir()
    by_name = {one["metadata"]["name"]: one["data"] for one in made.secrets}
    (volume,) = (one["projected"] for one in pod["volumes"] if one["name"] == "lent")
    for source in volume["sources"]:
        for item in source["secret"]["items"]:
            data = base64.b64decode(by_name[source["secret"]["name"]][item["key"]])
            (lent / item["path"]).write_bytes(data)
    command = pod["initContainers"][0]["command"]
    places = {"/lent": str(lent), "/mnt/models": str(target), "python3": sys.executable}
    done = subprocess.run(
        [places.get(word, word) for word in command], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("\n") == 1
    there = {str(one.relative_to(target)): one.read_bytes() for one in target.rglob("*") if one.is_file()}
    assert there.pop(LOGGING_FILE).decode() == logging_config()
    assert there == files
    assert dict(made.plan.files) == {path: len(data) for path, data in files.items()}
    (lent / "part-000").write_bytes(b"other")
    again = subprocess.run(
        [places.get(word, word) for word in command], capture_output=True, text=True, check=False
    )
    assert again.returncode != 0 and "not what was lent" in again.stderr


def test_files_that_do_not_fit_into_one_secret_lie_in_several(tmp_path: Path) -> None:
    import random

    noise = random.Random(1).randbytes(2_000_000)
    made = prepare(model(), tmp_path, found=Found({"config.json": b"{}", "tokenizer.json": noise}))
    assert len(made.secrets) == 3
    for number, one in enumerate(made.secrets):
        assert one["metadata"]["name"] == f"{made.plan.id}-{number}"
        assert one["immutable"] is True and "ownerReferences" not in one["metadata"]
        assert one["metadata"]["labels"]["io.modelcar-tui/trial"] == made.plan.id
        assert sum(len(base64.b64decode(value)) for value in one["data"].values()) <= 900 * 1024
    assert any(f"{made.plan.id}-0 to {made.plan.id}-2" in line for line in made.plan.creates)


def test_several_gpus_have_the_size_that_the_qa_suite_gives_and_its_shared_memory(tmp_path: Path) -> None:
    made = prepare(model(gpus=2), tmp_path)
    assert "--tensor-parallel-size=2" in made.plan.args
    assert (made.basis.implied_size, made.basis.gpus, made.basis.args) == (2, 2, ())
    (shm,) = (one for one in pod_of(made)["volumes"] if one["name"] == "shm")
    assert shm["emptyDir"] == {"medium": "Memory", "sizeLimit": "16384Mi"}


def test_a_runtime_s_own_shared_memory_and_limits_are_taken(tmp_path: Path) -> None:
    scenario = openshift_ai()
    (cuda,) = (
        one["objects"][0]["spec"]
        for objects in scenario.objects.values()
        for one in objects
        if one["metadata"]["name"] == "vllm-cuda-runtime-template"
    )
    cuda["volumes"] = [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}]
    cuda["containers"][0] |= {
        "volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}],
        "resources": {"requests": {"cpu": "3", "memory": "20Gi"}, "limits": {"memory": "24Gi"}},
    }
    cuda["containers"][0]["env"] += [
        {"name": "VLLM_LOGGING_LEVEL", "value": "ERROR"},
        {"name": "VLLM_USE_V1", "value": "1"},
        {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}},
    ]
    made = prepare(model(), tmp_path, scenario)
    (shm,) = (one for one in pod_of(made)["volumes"] if one["name"] == "shm")
    assert shm["emptyDir"] == {"medium": "Memory", "sizeLimit": "2048Mi"}
    resources = main_of(made)["resources"]
    assert resources["requests"] == {"cpu": "3000m", "memory": "20480Mi", "nvidia.com/gpu": "1"}
    assert resources["limits"]["memory"] == "24576Mi"
    names = {one["name"]: one["value"] for one in main_of(made)["env"]}
    assert names["VLLM_LOGGING_LEVEL"] == "INFO" and "HF_TOKEN" not in names
    assert made.basis.environment == (("VLLM_LOGGING_LEVEL", "ERROR"), ("VLLM_USE_V1", "1"))
    assert any("HF_TOKEN" in line for line in made.plan.changed)


def test_secrets_of_the_arguments_are_never_passed_on(tmp_path: Path) -> None:
    args = (
        "--api-key",
        "sk-proj-3f9d8a7c6b5e4d3c2b1a0f9e8d7c6b5a",
        "--max-model-len=4096",
        "--hf-token=hf_abcdefghijklmnopqrstuvwx",
    )
    from modelcar_tui.manifest.masking import masked_arguments

    made = prepare(model(*masked_arguments(args)), tmp_path)
    text = everything(made)
    assert "3f9d8a7c6b5e" not in text and "abcdefghijkl" not in text
    assert "--api-key" not in main_of(made)["args"] and "--max-model-len=4096" in main_of(made)["args"]
    assert any(line.startswith("--api-key is left out") for line in made.plan.changed)


def test_a_hostile_name_is_cleaned_wherever_it_is_shown(tmp_path: Path) -> None:
    made = prepare(model(name="m\x1b]52;c;ZXZpbA==\x07\u202e\nx"), tmp_path)
    assert made.plan.model.isprintable()
    assert all(one.isprintable() for one in (*made.plan.creates, *made.plan.changed, made.basis.model))
    assert "\\u001b" not in everything(made)


def test_a_class_that_never_preempts_is_taken(tmp_path: Path) -> None:
    scenario = with_classes(
        ("system-quiet", 0, "Never"),
        ("quiet", 100, "Never"),
        ("quieter", 10, "Never"),
        ("placeholder", -5, "Never"),
        ("loud", 1000, "PreemptLowerPriority"),
    )
    made = prepare(model(), tmp_path, scenario)
    assert pod_of(made)["priorityClassName"] == made.plan.priority_class == "quieter"
    assert made.plan.pushed == ()


def test_a_manifest_s_own_pod_is_tried_as_it_says(tmp_path: Path) -> None:
    deployment = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: team-a}
spec:
  replicas: 3
  template:
    metadata: {labels: {kueue.x-k8s.io/queue-name: fast}}
    spec:
      priorityClassName: loud
      serviceAccountName: puller
      imagePullSecrets: [{name: login}]
      nodeSelector: {nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3}
      volumes: [{name: model, image: {reference: "quay.io/x/m:1"}}]
      containers:
      - name: vllm
        image: quay.io/x/vllm-openai:v0.19.0
        command: [/bin/sh, -c]
        args: ["exec vllm serve /mnt/models --port 8443 --ssl-certfile /c.pem --max-model-len 4096"]
        volumeMounts: [{name: model, mountPath: /mnt/models}]
        resources: {requests: {cpu: "2", memory: 8Gi}, limits: {memory: 16Gi, nvidia.com/gpu: "1"}}
"""
    what = from_file(deployment, tmp_path)
    scenario = with_classes(("loud", 1000, "PreemptLowerPriority"))
    made = prepare(what, tmp_path, scenario)
    pod, main = pod_of(made), main_of(made)
    assert made.plan.namespace == made.job["metadata"]["namespace"] == "team-a"
    assert main["command"] == ["vllm", "serve"]
    assert main["args"][:2] == ["/mnt/models", "--port=8443"]
    assert "--ssl-certfile" not in main["args"] and made.port == 8443
    assert pod["serviceAccountName"] == "puller" and pod["imagePullSecrets"] == [{"name": "login"}]
    assert pod["nodeSelector"] == {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}
    assert main["resources"]["limits"] == {"memory": "16384Mi", "nvidia.com/gpu": "1"}
    assert made.job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == made.plan.queue == "fast"
    assert made.job["spec"]["suspend"] is True
    assert made.plan.priority_class == "loud"
    # The demo's pods have no priority of their own: 0, lower than the class's.
    assert "team-a/granite-predictor-0 on gpu-h100-1 (priority 0)" in made.plan.pushed
    assert not any(one["name"] == "shm" for one in pod["volumes"])
    assert any("script" in line for line in made.plan.changed)


@pytest.mark.parametrize("on", ["gpu-l40s-0", "l40s", "L40S 45 GiB"])
def test_a_place_can_be_named(tmp_path: Path, on: str) -> None:
    made = prepare(model(), tmp_path, on=on)
    assert made.plan.nodes == ("gpu-l40s-0",) and made.basis.gpu == "L40S"
    # The taint that keeps pods without GPUs away is no wish to be left alone.
    assert pod_of(made)["tolerations"][-1]["key"] == "nvidia.com/gpu"
    assert any("tolerates nvidia.com/gpu" in line for line in made.plan.changed)


def test_what_a_quota_wants_is_given_and_what_is_not_asked_for_is_said(tmp_path: Path) -> None:
    deployment = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: m, namespace: default}
spec:
  template:
    spec:
      volumes: [{name: model, image: {reference: "quay.io/x/m:1"}}]
      containers:
      - name: vllm
        image: quay.io/x/vllm-openai:v0.19.0
        command: [vllm, serve]
        args: [/mnt/models]
        env: [{name: VLLM_ATTENTION_BACKEND, value: FLASH_ATTN}]
        volumeMounts: [{name: model, mountPath: /mnt/models}]
        resources:
          requests: {cpu: "2", memory: 8Gi, nvidia.com/gpu: "1", rdma/hca: "2"}
          limits: {nvidia.com/gpu: "1", rdma/hca: "2"}
"""
    what = from_file(deployment, tmp_path)
    limits = {"hard": {"limits.cpu": "20"}, "used": {"limits.cpu": "0"}}
    quota = {
        "metadata": {"name": "team", "namespace": "default"},
        "spec": {"hard": limits["hard"]},
        "status": limits,
    }

    scenario = openshift_ai()
    scenario.objects[QUOTAS] = [quota]
    made = prepare(what, tmp_path, scenario)
    (init,) = pod_of(made)["initContainers"]
    assert main_of(made)["resources"]["limits"]["cpu"] == init["resources"]["limits"]["cpu"] == "2000m"
    assert any("a limit of CPU" in line for line in made.plan.changed)
    assert any("does not ask for rdma/hca" in line for line in made.plan.changed)
    plain = prepare(what, tmp_path)
    assert "cpu" not in main_of(plain)["resources"]["limits"]
    assert not any("limit of CPU" in line for line in plain.plan.changed)


@pytest.mark.parametrize("args", [("--model", "/mnt/models/sub"), ("--model=org/name",), ()])
def test_the_start_that_is_measured_is_found_again_whatever_the_model_is_called(
    tmp_path: Path, args: tuple[str, ...]
) -> None:
    scenario = openshift_ai()
    (cuda,) = (
        one["objects"][0]["spec"]["containers"][0]
        for objects in scenario.objects.values()
        for one in objects
        if one["metadata"]["name"] == "vllm-cuda-runtime-template"
    )
    cuda["env"] += [
        {"name": "VLLM_LOGGING_LEVEL", "value": "ERROR"},
        {"name": "VLLM_ATTENTION_BACKEND", "value": "FLASH_ATTN"},
    ]
    what = model(*args, "--max-model-len=8192")
    reports: list[AcceleratorReport] = []

    def seen(report: AcceleratorReport) -> AcceleratorReport:
        reports.append(report)
        return report

    made = prepare(what, tmp_path, scenario, on="h100-80gb-hbm3", report=seen)
    start = msgspec.structs.replace(
        made.basis, id="one", at=1.0, outcome="starts", figures={"kv_cache_gib": 50.0, "kv_tokens": 400_000}
    )
    (report,) = reports
    kinds = [kind for kind in candidates(report) if kind.gpu.product == "H100-80GB-HBM3"]
    image = msgspec.structs.replace(
        what.image, model=msgspec.structs.replace(what.image.model, measured=(start,))
    )
    verdict = decide_model(msgspec.structs.replace(what, image=image), report, tuple(kinds), None)
    assert verdict.estimate is not None and verdict.estimate.exact
    assert ("VLLM_ATTENTION_BACKEND", "FLASH_ATTN") in start.environment
