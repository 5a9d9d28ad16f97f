"""Pods and events as a cluster shows them for the suite's models."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

LABEL = "serving.kserve.io/inferenceservice"
SERVER = "kserve-container"
State = dict[str, Any]


def waiting(reason: str, message: str = "") -> State:
    return {"waiting": {"reason": reason, "message": message}}


def terminated(reason: str, code: int) -> State:
    return {"terminated": {"reason": reason, "exitCode": code}}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(
    name: str,
    *,
    server: State | None = None,
    init: State | None = None,
    last: State | None = None,
    restarts: int = 0,
    ready: bool = False,
    pending: str = "",
    evicted: str = "",
    reason: str = "Evicted",
    deleted: bool = False,
    version: int = 1,
) -> dict[str, Any]:
    """The predictor's pod of an InferenceService `name`."""
    meta: dict[str, Any] = {
        "name": f"{name}-predictor-abc",
        "uid": f"uid-of-{name}{'-gone' * deleted}",
        "resourceVersion": str(version),
        "creationTimestamp": now(),
        "labels": {LABEL: name},
    }
    if deleted:
        meta["deletionTimestamp"] = now()
    status: dict[str, Any] = {"phase": "Pending" if pending else "Running", "conditions": []}
    status["conditions"].append({"type": "Ready", "status": "True" if ready else "False"})
    if evicted:
        status |= {"phase": "Failed", "reason": reason, "message": evicted}
    if pending:
        unfit = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": pending}
        status["conditions"].append(unfit)
    else:
        state = server or (waiting("PodInitializing") if init else {"running": {}})
        one = {
            "name": SERVER,
            "state": state,
            "restartCount": restarts,
            "ready": ready,
            "lastState": last or {},
        }
        status["containerStatuses"] = [one]
        if init:
            status["initContainerStatuses"] = [{"name": "modelcar-init", "state": init, "restartCount": 0}]
    return {
        "metadata": meta,
        "spec": {"containers": [{"name": SERVER, "image": "registry.test/vllm:1"}]},
        "status": status,
    }


def event(
    reason: str, message: str, about: dict[str, Any] | None, *, kind: str = "Pod", name: str = ""
) -> dict[str, Any]:
    """A warning about a pod, or about an object of another kind."""
    name = name or (about["metadata"]["name"] if about else "")
    return {
        "metadata": {"name": f"{name}.{reason}", "creationTimestamp": now()},
        "involvedObject": {"kind": kind, "name": name},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "lastTimestamp": now(),
    }
