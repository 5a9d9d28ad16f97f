"""The pod of a QA Job: one container, as OpenShift's `restricted-v2` and Kubernetes' `restricted` admit it.

No user is set unless the operator wants one: OpenShift gives the pod an id of the namespace's range and group
0. Its image's tree is read-only, so all that the suite writes goes to `/tmp`, which is the pod's own, as is
the folder of stored answers that some suites write when they end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelcar_tui.qa.engines.kube_options import CONTAINER, JobOptions, toleration
from modelcar_tui.qa.engines.staging import IN_CONTAINER
from modelcar_tui.qa.engines.stopping import interrupt_suite
from modelcar_tui.qa.suite_facts import IMAGE
from modelcar_tui.qa.types import QaRequest

WRITABLE = "/tmp"  # noqa: S108 - in the pod, whose /tmp is its own
ANY = "any"
PUBLISHED_ARCH = "amd64"
"""Of the published image."""
_ROOM = "4Gi"
"""Of each place that can be written: `oc`, a sample, a log."""
GRACE_S = 60
"""How long a pod that is asked to end may clean up on the cluster."""


def suite_pod(
    request: QaRequest,
    options: JobOptions,
    command: Sequence[str],
    env: Mapping[str, str] | None = None,
    *,
    secret: str = "",
    snapshots: str = "",
) -> dict[str, Any]:
    """A pod's spec.

    Args:
        secret: Name of the Secret that is lent to it; a probe needs none.
        snapshots: See `suite_job`; a probe writes none.
    """
    places = {"tmp": WRITABLE} | ({"snapshots": snapshots} if snapshots else {})
    volumes: list[dict[str, Any]] = [{"name": name, "emptyDir": {"sizeLimit": _ROOM}} for name in places]
    mounts: list[dict[str, Any]] = [{"name": name, "mountPath": path} for name, path in places.items()]
    if secret:
        volumes.append({"name": "stage", "secret": {"secretName": secret, "defaultMode": 0o444}})
        mounts.append({"name": "stage", "mountPath": IN_CONTAINER, "readOnly": True})
    container = _container(request, options, command, {**_homeless(), **(env or {})})
    container["volumeMounts"] = mounts
    container["securityContext"]["readOnlyRootFilesystem"] = bool(snapshots or not secret)
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": _who(options),
        "containers": [container],
        "volumes": volumes,
        "terminationGracePeriodSeconds": GRACE_S,
        **_where(request, options),
    }


def _who(options: JobOptions) -> dict[str, Any]:
    user = {} if options.run_as is None else {"runAsUser": options.run_as}
    return {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **user}


def _where(request: QaRequest, options: JobOptions) -> dict[str, Any]:
    """The fields that say where it runs and what it may pull."""
    found: dict[str, Any] = {}
    published = request.image.startswith((f"{IMAGE}:", f"{IMAGE}@"))
    arch = options.arch or (PUBLISHED_ARCH if published else ANY)
    if arch != ANY:
        found["nodeSelector"] = {"kubernetes.io/arch": arch}
    if options.tolerations:
        found["tolerations"] = [toleration(text) for text in options.tolerations]
    if options.pull_secrets:
        found["imagePullSecrets"] = [{"name": name} for name in options.pull_secrets]
    if options.service_account:
        found["serviceAccountName"] = options.service_account
    return found


def _container(
    request: QaRequest, options: JobOptions, command: Sequence[str], env: Mapping[str, str]
) -> dict[str, Any]:
    stop = f"({interrupt_suite(GRACE_S - 10)}); :"
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": request.image,
        "command": list(command),
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "resources": {
            "requests": {"cpu": "500m", "memory": "1Gi"},
            "limits": {"cpu": "2", "memory": _quantity(request.memory or options.memory)},
        },
        "lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "-c", stop]}}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    if request.pull == "always":
        container["imagePullPolicy"] = "Always"
    return container


def _quantity(size: str) -> str:
    """podman's `4g` as Kubernetes writes it; there `g` is nothing, and `m` a thousandth."""
    units = {"b": "", "k": "Ki", "m": "Mi", "g": "Gi"}
    return size[:-1] + units[size[-1]] if size[-1:] in units and size[:-1].isdecimal() else size


def _homeless() -> dict[str, str]:
    """For a user without a name, a home or a folder of its own."""
    return {
        "HOME": WRITABLE,
        "USER": CONTAINER,
        "UV_CACHE_DIR": f"{WRITABLE}/uv-cache",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
