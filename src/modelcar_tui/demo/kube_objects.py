"""The objects that stub clusters are made of: kinds, and builders with the labels that real components
write."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from modelcar_tui.demo.kube_operators import APPLICATIONS, TIME, node_conditions
from modelcar_tui.demo.kube_store import Kind, Object

NODES = Kind("", "v1", "nodes", "Node", namespaced=False, short=("no",))
PODS = Kind("", "v1", "pods", "Pod", short=("po",))
NAMESPACES = Kind("", "v1", "namespaces", "Namespace", namespaced=False, short=("ns",))
CONFIG_MAPS = Kind("", "v1", "configmaps", "ConfigMap", short=("cm",))
QUOTAS = Kind("", "v1", "resourcequotas", "ResourceQuota", short=("quota",))
CLUSTER_QUOTAS = Kind(
    "quota.openshift.io", "v1", "appliedclusterresourcequotas", "AppliedClusterResourceQuota"
)
LIMIT_RANGES = Kind("", "v1", "limitranges", "LimitRange", short=("limits",))
SLICES = Kind("resource.k8s.io", "v1", "resourceslices", "ResourceSlice", namespaced=False)
CLAIMS = Kind("resource.k8s.io", "v1", "resourceclaims", "ResourceClaim")
TEMPLATES = Kind("template.openshift.io", "v1", "templates", "Template")
RUNTIMES = Kind("serving.kserve.io", "v1alpha1", "servingruntimes", "ServingRuntime")
SERVICES = Kind("serving.kserve.io", "v1beta1", "inferenceservices", "InferenceService", short=("isvc",))
DSCI = Kind(
    "dscinitialization.opendatahub.io", "v2", "dscinitializations", "DSCInitialization", namespaced=False
)
DSC = Kind(
    "datasciencecluster.opendatahub.io", "v2", "datascienceclusters", "DataScienceCluster", namespaced=False
)
DASHBOARD = Kind("opendatahub.io", "v1alpha", "odhdashboardconfigs", "OdhDashboardConfig")
MACHINE_SETS = Kind("machine.openshift.io", "v1beta1", "machinesets", "MachineSet")
CLUSTER_VERSIONS = Kind("config.openshift.io", "v1", "clusterversions", "ClusterVersion", namespaced=False)
INFRASTRUCTURES = Kind("config.openshift.io", "v1", "infrastructures", "Infrastructure", namespaced=False)
USERS = Kind("user.openshift.io", "v1", "users", "User", namespaced=False)
PROFILES = Kind("infrastructure.opendatahub.io", "v1", "hardwareprofiles", "HardwareProfile", short=("hwp",))
LOCAL_QUEUES = Kind("kueue.x-k8s.io", "v1beta1", "localqueues", "LocalQueue")
CLUSTER_QUEUES = Kind("kueue.x-k8s.io", "v1beta1", "clusterqueues", "ClusterQueue", namespaced=False)
SERVICE_ACCOUNTS = Kind("", "v1", "serviceaccounts", "ServiceAccount", short=("sa",))
SECRETS = Kind("", "v1", "secrets", "Secret")

VLLM = "v0.18.0"


def digest(name: str) -> str:
    """A well-formed digest that belongs to no image."""
    return "sha256:" + hashlib.sha256(f"demo {name}".encode()).hexdigest()


def node(
    name: str,
    labels: dict[str, str] | None = None,
    resources: dict[str, str] | None = None,
    *,
    instance: str = "m6i.4xlarge",
    cpu: str = "16",
    memory: str = "64839428Ki",
    taints: list[dict[str, str]] | None = None,
    allocatable: dict[str, str] | None = None,
    unschedulable: bool = False,
    ready: str = "True",
) -> Object:
    """A core/v1 Node on AWS."""
    basic = {"cpu": cpu, "memory": memory, "ephemeral-storage": "524275692Ki", "pods": "250"}
    spec: dict[str, Any] = {
        "providerID": f"aws:///us-east-1a/i-{hashlib.sha256(name.encode()).hexdigest()[:17]}"
    }
    if taints:
        spec["taints"] = taints
    if unschedulable:
        spec["unschedulable"] = True
    return {
        "metadata": {
            "name": name,
            "uid": hashlib.sha256(name.encode()).hexdigest()[:32],
            "creationTimestamp": TIME,
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/os": "linux",
                "kubernetes.io/hostname": name,
                "node-role.kubernetes.io/worker": "",
                "node.kubernetes.io/instance-type": instance,
                "topology.kubernetes.io/region": "us-east-1",
                "topology.kubernetes.io/zone": "us-east-1a",
                **(labels or {}),
            },
        },
        "spec": spec,
        "status": {
            "capacity": {**basic, **(resources or {})},
            "allocatable": {
                **basic,
                "ephemeral-storage": "483171977216",
                **(resources or {}),
                **(allocatable or {}),
            },
            "conditions": node_conditions(ready),
            "addresses": [
                {"type": "InternalIP", "address": "10.0.0.1"},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": "0",
                "containerRuntimeVersion": "cri-o://1.34.1",
                "kernelVersion": "5.14.0-570.el9.x86_64",
                "kubeProxyVersion": "",
                "kubeletVersion": "v1.34.2",
                "machineID": "0",
                "operatingSystem": "linux",
                "systemUUID": "0",
                "osImage": "Red Hat Enterprise Linux CoreOS 9.6",
            },
        },
    }


def nvidia(product: str, memory: int, count: int, cc: str, family: str, **more: str) -> dict[str, str]:
    """GPU Feature Discovery's labels."""
    major, _, minor = cc.partition(".")
    return {
        "feature.node.kubernetes.io/pci-10de.present": "true",
        "nvidia.com/gpu.present": "true",
        "nvidia.com/gpu.product": product,
        "nvidia.com/gpu.memory": str(memory),
        "nvidia.com/gpu.count": str(count),
        "nvidia.com/gpu.family": family,
        "nvidia.com/gpu.replicas": "1",
        "nvidia.com/gpu.sharing-strategy": "none",
        "nvidia.com/gpu.compute.major": major,
        "nvidia.com/gpu.compute.minor": minor,
        "nvidia.com/mig.capable": "true",
        "nvidia.com/cuda.driver-version.full": "580.65.06",
        **{f"nvidia.com/{k}": v for k, v in more.items()},
    }


def pod(
    name: str, namespace: str, on: str | None, resources: dict[str, str] | None = None, phase: str = "Running"
) -> Object:
    """A core/v1 Pod with one container."""
    wanted = {"cpu": "4", **(resources or {})}
    spec: dict[str, Any] = {
        "containers": [
            {
                "name": "main",
                "image": f"registry.example/{name}:1",
                "resources": {"requests": wanted, "limits": dict(resources or {})},
            }
        ]
    }
    if on:
        spec["nodeName"] = on
    meta = {"name": name, "namespace": namespace, "creationTimestamp": TIME}
    return {"metadata": meta, "spec": spec, "status": {"phase": phase}}


def template(
    name: str,
    accelerators: list[str],
    image: str,
    *,
    display: str,
    dashboard: str = "true",
    version: str = VLLM,
    runtime: dict[str, Any] | None = None,
    annotations: dict[str, str] | None = None,
) -> Object:
    """An OpenShift Template with one ServingRuntime, in the shape that odh-model-controller ships
    (config/runtimes/vllm)."""
    runtime_name = name.removesuffix("-template")
    notes = {
        "opendatahub.io/recommended-accelerators": json.dumps(accelerators),
        "opendatahub.io/runtime-version": version,
        "openshift.io/display-name": display,
    }
    container = {
        "name": "kserve-container",
        "image": image,
        "command": ["python", "-m", "vllm.entrypoints.openai.api_server"],
        "args": ["--port=8080", "--model=/mnt/models", "--served-model-name={{.Name}}"],
        "env": [{"name": "HF_HOME", "value": "/tmp/hf_home"}],  # noqa: S108 - a folder of the container
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
    }
    return {
        "metadata": {
            "name": name,
            "namespace": APPLICATIONS,
            "creationTimestamp": TIME,
            "labels": {
                "opendatahub.io/dashboard": dashboard,
                "opendatahub.io/ootb": "true",
                "platform.opendatahub.io/part-of": "modelcontroller",
            },
            "annotations": {
                "openshift.io/display-name": display,
                "openshift.io/provider-display-name": "Red Hat, Inc.",
                "tags": "rhods,rhoai,kserve,servingruntime",
                "opendatahub.io/apiProtocol": "REST",
                "opendatahub.io/modelServingSupport": '["single"]',
                "opendatahub.io/model-type": '["generative"]',
                **(annotations or {}),
            },
        },
        "objects": [
            {
                "apiVersion": "serving.kserve.io/v1alpha1",
                "kind": "ServingRuntime",
                "metadata": {
                    "name": runtime_name,
                    "annotations": notes,
                    "labels": {"opendatahub.io/dashboard": "true"},
                },
                "spec": {
                    "annotations": {
                        "opendatahub.io/kserve-runtime": "vllm",
                        "prometheus.io/path": "/metrics",
                        "prometheus.io/port": "8080",
                    },
                    "containers": [container],
                    "multiModel": False,
                    "supportedModelFormats": [{"name": "vLLM", "autoSelect": True}],
                    **(runtime or {}),
                },
            }
        ],
        "parameters": [],
    }
