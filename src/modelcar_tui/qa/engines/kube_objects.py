"""The objects of a QA run on Kubernetes: a Job and the Secret that it owns."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from modelcar_tui.core.secrets import Secret
from modelcar_tui.kube.jobs import QUEUE_LABEL
from modelcar_tui.qa.engines.kube_ground import ground_script
from modelcar_tui.qa.engines.kube_indexed import FILE, MODELS
from modelcar_tui.qa.engines.kube_options import JobOptions
from modelcar_tui.qa.engines.kube_pod import WRITABLE, suite_pod
from modelcar_tui.qa.engines.staging import IN_CONTAINER, env_file, read_env
from modelcar_tui.qa.suite import MANIFEST_IN_CONTAINER
from modelcar_tui.qa.types import QaRequest

RUN_LABEL = "io.modelcar-tui/run"
ENTRYPOINT = ("uv", "run", "pytest")
"""The published image's; a Job can't ask the image for it."""
PROBE_LIMIT_S = 300
"""How long the image may take to say what it is, from its container's start."""


def object_name(run_id: str) -> str:
    """The name of Job and Secret: a DNS label."""
    return "modelcar-tui-" + re.sub(r"[^a-z0-9-]+", "-", run_id.lower())[:45].strip("-")


def probe_job(request: QaRequest, options: JobOptions, script: str) -> dict[str, Any]:
    """A Job of a few seconds that tells which suite the image holds; it waits in no queue."""
    command = ["/bin/sh", "-c", f"{ground_script()}; {script}"]
    pod = suite_pod(request, options, command)
    at_once = msgspec.structs.replace(options, queue=None)
    return _job(request, at_once, object_name(request.run_id) + "-probe", pod, PROBE_LIMIT_S)


def suite_job(
    request: QaRequest,
    options: JobOptions,
    args: Sequence[str],
    env: Mapping[str, str],
    snapshots: str = "",
) -> dict[str, Any]:
    """The Job that runs the suite. It needs the Secret of `suite_secret` and waits for it.

    Args:
        snapshots: The folder in the image's tree that the suite writes to; where it is not known, the tree is
            left writable as far as the pod's user may write.
    """
    name = object_name(request.run_id)
    command = ["/bin/sh", "-c", read_env(), "sh", *ENTRYPOINT, *args, f"-ocache_dir={WRITABLE}/pytest-cache"]
    variables = {"KUBECONFIG": f"{IN_CONTAINER}/kubeconfig", **env}
    pod = suite_pod(request, options, command, variables, secret=name, snapshots=snapshots)
    return _job(request, options, name, pod, int(request.timeout_s))


def indexed_job(
    request: QaRequest,
    options: JobOptions,
    args: Sequence[str],
    env: Mapping[str, str],
    models: Sequence[str],
    snapshots: str = "",
) -> dict[str, Any]:
    """The same as an indexed Job; each pod reads the manifest of its own index.

    A failed index is not tried again and stops no other (`backoffLimitPerIndex`, Kubernetes 1.29 or newer).
    """
    own = [f"{IN_CONTAINER}/{FILE}".join(arg.split(MANIFEST_IN_CONTAINER)) for arg in args]
    job = suite_job(request, options, own, env, snapshots)
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
        late = int(request.model_timeout_s) + options.index_start_s
        spec["template"]["spec"]["activeDeadlineSeconds"] = late
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
            "labels": labels_of(request),
            "ownerReferences": [owner],
        },
        "data": {name: base64.b64encode(value).decode() for name, value in data.items()},
    }


def _job(
    request: QaRequest, options: JobOptions, name: str, pod: Mapping[str, Any], limit_s: int
) -> dict[str, Any]:
    labels = labels_of(request)
    queue = {QUEUE_LABEL: options.queue} if options.queue else {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": options.namespace, "labels": {**labels, **queue}},
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": options.ttl_s,
            # Counts from before the node is found and the image pulled; our own limits do not.
            "activeDeadlineSeconds": limit_s + options.start_s,
            "suspend": bool(options.queue),
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def labels_of(request: QaRequest) -> dict[str, str]:
    """What all objects of a run carry."""
    return {RUN_LABEL: object_name(request.run_id), "app.kubernetes.io/managed-by": "modelcar-tui"}
