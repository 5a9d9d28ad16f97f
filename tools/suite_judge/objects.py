"""The objects that the stub of OpenShift's API holds: a small cluster, and what its operators make of an
InferenceService whose name asks for a failure.

Messages are worded as kubelet, scheduler and controllers word them; names, addresses and figures are made up.
"""

from __future__ import annotations

import time
from typing import Any

Object = dict[str, Any]
APPLICATIONS = "redhat-ods-applications"
SERVER = "kserve-container"

KINDS: dict[str, dict[str, tuple[str, bool]]] = {
    "v1": {
        "namespaces": ("Namespace", False),
        "secrets": ("Secret", True),
        "pods": ("Pod", True),
        "nodes": ("Node", False),
        "services": ("Service", True),
        "events": ("Event", True),
        "configmaps": ("ConfigMap", True),
    },
    "apps/v1": {"deployments": ("Deployment", True), "replicasets": ("ReplicaSet", True)},
    "config.openshift.io/v1": {"clusterversions": ("ClusterVersion", False)},
    "datasciencecluster.opendatahub.io/v1": {"datascienceclusters": ("DataScienceCluster", False)},
    "dscinitialization.opendatahub.io/v1": {"dscinitializations": ("DSCInitialization", False)},
    "serving.kserve.io/v1beta1": {"inferenceservices": ("InferenceService", True)},
    "serving.kserve.io/v1alpha1": {"servingruntimes": ("ServingRuntime", True)},
    "template.openshift.io/v1": {"templates": ("Template", True)},
    "route.openshift.io/v1": {"routes": ("Route", True)},
}
"""By group and version: the plural, its kind and whether it lies in a namespace."""


def condition(kind: str, status: str = "True", **more: str) -> Object:
    """One condition of a status."""
    return {"type": kind, "status": status, **more}


def stamp() -> str:
    """The time as the API server writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def cluster(
    *, dsc_ready: bool = True, template: bool = True, ai: str = "3.5.0"
) -> list[tuple[str, str, str, Object]]:
    """What stands on the cluster before a run, as `(group and version, plural, namespace, object)`."""
    component = condition(
        "TrustyAIReady",
        "True" if dsc_ready else "False",
        reason="Ready" if dsc_ready else "Error",
        message="" if dsc_ready else "deployment trustyai-service-operator has 0/1 ready replicas",
    )
    dsc: Object = {
        "metadata": {"name": "default-dsc"},
        "spec": {
            "components": {
                "kserve": {"managementState": "Managed"},
                "modelregistry": {
                    "managementState": "Managed",
                    "registriesNamespace": "rhoai-model-registries",
                },
            }
        },
        "status": {
            "phase": "Ready" if dsc_ready else "Not Ready",
            "release": {"name": "OpenShift AI Self-Managed", "version": ai},
            "conditions": [condition("Ready", "True" if dsc_ready else "False"), component],
        },
    }
    dsci: Object = {
        "metadata": {"name": "default-dsci"},
        "spec": {"applicationsNamespace": APPLICATIONS},
        "status": {"phase": "Ready", "conditions": [condition("Available"), condition("Ready")]},
    }
    node: Object = {
        "metadata": {"name": "gpu-0"},
        "spec": {},
        "status": {
            "conditions": [condition("Ready", reason="KubeletReady")]
            + [condition(f"{what}Pressure", "False") for what in ("Disk", "Memory", "PID")]
        },
    }
    found: list[tuple[str, str, str, Object]] = [
        ("datasciencecluster.opendatahub.io/v1", "datascienceclusters", "", dsc),
        ("dscinitialization.opendatahub.io/v1", "dscinitializations", "", dsci),
        ("v1", "nodes", "", node),
        ("v1", "namespaces", "", {"metadata": {"name": APPLICATIONS}, "status": {"phase": "Active"}}),
    ]
    if template:
        found.append(("template.openshift.io/v1", "templates", APPLICATIONS, _template()))
    return found


def _template() -> Object:
    container = {"name": SERVER, "image": "registry.example.test/vllm:1", "args": ["--port=8080"]}
    runtime = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ServingRuntime",
        "metadata": {"name": "vllm-cuda-runtime", "annotations": {}},
        "spec": {"containers": [container], "supportedModelFormats": [{"name": "vLLM", "autoSelect": True}]},
    }
    return {"metadata": {"name": "vllm-cuda-runtime-template"}, "objects": [runtime]}


def deployment(name: str, *, ready: bool) -> Object:
    """The Deployment that KServe makes of an InferenceService."""
    count = 1 if ready else 0
    return {
        "metadata": {"name": f"{name}-predictor", "labels": {"serving.kserve.io/inferenceservice": name}},
        "spec": {"replicas": 1},
        "status": {
            "replicas": 1,
            "updatedReplicas": 1,
            "readyReplicas": count,
            "availableReplicas": count,
            "unavailableReplicas": 1 - count,
        },
    }


def pod(name: str, image: str, failure: Object) -> Object:
    """The server's pod; `failure` holds what differs from one that runs well."""
    running: Object = {"running": {"startedAt": stamp()}}
    ready = not failure
    state = failure.get("state", running)
    server: Object = {
        "name": SERVER,
        "ready": ready,
        "started": ready,
        "restartCount": failure.get("restarts", 0),
        "image": "registry.example.test/vllm:1",
        "imageID": "",
        "state": state,
        "lastState": failure.get("last", {}),
    }
    init: Object = {
        "name": "modelcar-init",
        "ready": "init" not in failure,
        "restartCount": 0,
        "image": image,
        "imageID": "",
        "state": failure.get("init", {"terminated": {"exitCode": 0, "reason": "Completed"}}),
    }
    placed = "unplaced" not in failure
    scheduled = (
        condition("PodScheduled")
        if placed
        else condition("PodScheduled", "False", reason="Unschedulable", message=failure["unplaced"])
    )
    statuses: Object = {"initContainerStatuses": [init], "containerStatuses": [server]} if placed else {}
    return {
        "metadata": {
            "name": f"{name}-predictor-5d8f7c9b6-x2x9k",
            "labels": {"serving.kserve.io/inferenceservice": name, "app": f"isvc.{name}-predictor"},
        },
        "spec": {
            "containers": [{"name": SERVER, "image": "registry.example.test/vllm:1"}],
            "initContainers": [{"name": "modelcar-init", "image": image}],
        },
        "status": {
            "phase": "Running" if "running" in state or "terminated" in state else "Pending",
            "conditions": [scheduled, condition("Ready", "True" if ready else "False")],
            **statuses,
        },
    }


def event(of: Object, kind: str, reason: str, message: str) -> Object:
    """A warning about an object, as its controller writes it."""
    name = of["metadata"]["name"]
    return {
        "metadata": {"name": f"{name}.{reason.lower()}"},
        "involvedObject": {"kind": kind, "name": name, "uid": of["metadata"].get("uid", "")},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "count": 1,
        "firstTimestamp": stamp(),
        "lastTimestamp": stamp(),
    }
