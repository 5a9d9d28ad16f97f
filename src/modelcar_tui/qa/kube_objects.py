"""The objects of a QA run on Kubernetes: a Job and the Secret that it owns."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from modelcar_tui.core.secrets import Secret
from modelcar_tui.qa.kube_indexed import FILE, MODELS
from modelcar_tui.qa.staging import IN_CONTAINER, env_file, interrupt_suite, read_env
from modelcar_tui.qa.suite import MANIFEST_IN_CONTAINER
from modelcar_tui.qa.types import QaRequest

RUN_LABEL = "io.modelcar-tui/run"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
CONTAINER = "suite"
ENTRYPOINT = ("uv", "run", "pytest")
"""The published image's; a Job can't ask the image for it."""


class JobOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the Job is made."""

    namespace: str
    """An existing namespace of the operator's choice."""
    service_account: str | None = None
    queue: str | None = None
    """Kueue's LocalQueue: the Job is made suspended and Kueue lets it run."""
    ttl_s: int = 3600
    """The cluster removes a finished Job after this, when we did not."""
    memory: str = "2Gi"
    parallel: int | None = None
    """An indexed Job, one index a model, so many at a time; None puts the whole manifest into one pod."""


def object_name(run_id: str) -> str:
    """The name of Job and Secret: a DNS label."""
    return "modelcar-tui-" + re.sub(r"[^a-z0-9-]+", "-", run_id.lower())[:45].strip("-")


def probe_job(request: QaRequest, options: JobOptions, script: str) -> dict[str, Any]:
    """A Job of a few seconds that tells which suite the image holds."""
    command = ["/bin/sh", "-c", script, "sh", *ENTRYPOINT, "--help"]
    return _job(request, options, object_name(request.run_id) + "-probe", command, [], [], 300)


def suite_job(
    request: QaRequest, options: JobOptions, args: Sequence[str], env: Mapping[str, str]
) -> dict[str, Any]:
    """The Job that runs the suite. It needs the Secret of `suite_secret` and waits for it."""
    name = object_name(request.run_id)
    volumes = [{"name": "stage", "secret": {"secretName": name, "defaultMode": 0o444}}]
    mounts = [{"name": "stage", "mountPath": IN_CONTAINER, "readOnly": True}]
    variables = {"KUBECONFIG": f"{IN_CONTAINER}/kubeconfig", **env}
    command = ["/bin/sh", "-c", read_env(), "sh", *ENTRYPOINT, *args]
    job = _job(request, options, name, command, volumes, mounts, int(request.timeout_s))
    container = job["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": key, "value": value} for key, value in variables.items()]
    return job


def indexed_job(
    request: QaRequest,
    options: JobOptions,
    args: Sequence[str],
    env: Mapping[str, str],
    models: Sequence[str],
) -> dict[str, Any]:
    """The same as an indexed Job; each pod reads the manifest of its own index.

    A failed index is not tried again and stops no other (`backoffLimitPerIndex`, Kubernetes 1.29 or newer).
    """
    own = [f"{IN_CONTAINER}/{FILE}".join(arg.split(MANIFEST_IN_CONTAINER)) for arg in args]
    job = suite_job(request, options, own, env)
    job["metadata"]["annotations"] = {MODELS: json.dumps(list(models))}
    spec = job["spec"]
    del spec["backoffLimit"]
    spec |= {
        "completionMode": "Indexed",
        "completions": len(models),
        "parallelism": options.parallel or 1,
        "backoffLimitPerIndex": 0,
    }
    if request.model_timeout_s:
        # The kubelet ends a model that hangs, whether we are there or not.
        spec["template"]["spec"]["activeDeadlineSeconds"] = int(request.model_timeout_s)
    return job


def suite_secret(
    request: QaRequest,
    options: JobOptions,
    job: Mapping[str, Any],
    files: Mapping[str, bytes],
    env: Mapping[str, Secret],
) -> dict[str, Any]:
    """The Secret with kubeconfig, manifest and variables; the Job owns it, so it goes when the Job goes."""
    data = {**files, "env": env_file(env)}
    owner = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": job["metadata"]["name"],
        "uid": job["metadata"]["uid"],
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "immutable": True,
        "metadata": {
            "name": object_name(request.run_id),
            "namespace": options.namespace,
            "labels": _labels(request),
            "ownerReferences": [owner],
        },
        "data": {name: base64.b64encode(value).decode() for name, value in data.items()},
    }


def _job(
    request: QaRequest,
    options: JobOptions,
    name: str,
    command: list[str],
    volumes: list[Any],
    mounts: list[Any],
    deadline_s: int,
) -> dict[str, Any]:
    labels = _labels(request)
    # The pod's own grace ends the pause.
    stop = f"({interrupt_suite()}) && sleep 50; :"
    container = {
        "name": CONTAINER,
        "image": request.image,
        "command": command,
        "volumeMounts": mounts,
        "resources": {
            "requests": {"cpu": "500m", "memory": "1Gi"},
            "limits": {"cpu": "2", "memory": request.memory or options.memory},
        },
        "lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "-c", stop]}}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    if request.pull == "always":
        container["imagePullPolicy"] = "Always"
    # No user is set: OpenShift gives the pod one of the namespace's range, elsewhere the image's own is used.
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": volumes,
        "terminationGracePeriodSeconds": 60,
    }
    if options.service_account:
        pod["serviceAccountName"] = options.service_account
    queue = {QUEUE_LABEL: options.queue} if options.queue else {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": options.namespace, "labels": {**labels, **queue}},
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": options.ttl_s,
            "activeDeadlineSeconds": deadline_s,
            "suspend": bool(options.queue),
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _labels(request: QaRequest) -> dict[str, str]:
    return {RUN_LABEL: object_name(request.run_id), "app.kubernetes.io/managed-by": "modelcar-tui"}
