"""What the operators of OpenShift AI 3.4 write on a healthy cluster, false conditions among the true ones.

Shapes and words: rhods-operator, branch rhoai-3.4 (config/rhoai/samples, internal/controller,
config/hardwareprofiles); odh-dashboard, manifests/rhoai; opendatahub-io/kserve, config/overlays/odh;
openshift/api, config/v1.
"""

from __future__ import annotations

import json
from typing import Any

from modelcar_tui.demo.kube_store import Object

APPLICATIONS = "redhat-ods-applications"
RELEASE = "3.4.0"
OPENSHIFT = "4.21.3"
TIME = "2026-11-01T08:00:00Z"
_OPERATOR = {"name": "OpenShift AI Self-Managed", "version": RELEASE}
_COMPONENTS = {
    "aipipelines": "AIPipelines",
    "dashboard": "Dashboard",
    "feastoperator": "FeastOperator",
    "kserve": "Kserve",
    "kueue": "Kueue",
    "llamastackoperator": "LlamaStackOperator",
    "mlflowoperator": "MLflowOperator",
    "modelregistry": "ModelRegistry",
    "ray": "Ray",
    "sparkoperator": "SparkOperator",
    "trainer": "Trainer",
    "trainingoperator": "TrainingOperator",
    "trustyai": "TrustyAI",
    "workbenches": "Workbenches",
}
"""Components of the DataScienceCluster v2, and the kind that its condition is called after."""
_NOT_WANTED = ("kueue", "llamastackoperator", "sparkoperator", "trainingoperator")
"""`Removed` in the sample that the operator offers."""


def condition(kind: str, status: str, reason: str = "", message: str = "", **more: Any) -> Object:
    """A condition; what is empty is left out, as Go leaves it out."""
    words = {"reason": reason, "message": message}
    told = {key: value for key, value in words.items() if value}
    return {"type": kind, "status": status, **told, "lastTransitionTime": TIME, **more}


def _removed(kind: str) -> Object:
    message = "Component ManagementState is set to Removed"
    return condition(kind, "False", "Removed", message, severity="Info")


def data_science_cluster() -> Object:
    """The DataScienceCluster v2 of the operator's own sample, reconciled."""
    states = {name: "Removed" if name in _NOT_WANTED else "Managed" for name in _COMPONENTS}
    spec: dict[str, Any] = {name: {"managementState": state} for name, state in states.items()}
    spec["kserve"] |= {
        "rawDeploymentServiceConfig": "Headless",
        "nim": {"managementState": "Managed"},
        "modelsAsService": {"managementState": "Removed"},
        "wva": {"managementState": "Removed"},
    }
    spec["modelregistry"]["registriesNamespace"] = "rhoai-model-registries"
    status: dict[str, Any] = {name: {"managementState": state} for name, state in states.items()}
    status["kserve"]["releases"] = [
        {"name": "KServe", "version": "v0.17.0", "repoUrl": "https://github.com/kserve/kserve/"}
    ]
    of_components = [
        condition(f"{kind}Ready", "True") if states[name] == "Managed" else _removed(f"{kind}Ready")
        for name, kind in _COMPONENTS.items()
    ]
    dependencies = condition(
        "KserveLLMInferenceServiceDependencies",
        "False",
        "Subscription not found",
        "Warning: Red Hat Connectivity Link not installed, LLMInferenceService cannot be used",
        severity="Info",
    )
    rest = [
        *of_components,
        dependencies,
        condition("ModelControllerReady", "True"),
        _removed("ModelsAsServiceReady"),
    ]
    return {
        "metadata": {"name": "default-dsc", "generation": 1, "creationTimestamp": TIME},
        "spec": {"components": spec},
        "status": {
            "phase": "Ready",
            "observedGeneration": 1,
            "release": _OPERATOR,
            "conditions": [
                condition("Ready", "True"),
                condition("ComponentsReady", "True"),
                condition("ProvisioningSucceeded", "True", observedGeneration=1),
                *sorted(rest, key=lambda one: str(one["type"])),
            ],
            "components": status,
        },
    }


def initialization() -> Object:
    """The DSCInitialization v2: its conditions have the older form, in which Degraded is False when all is
    well."""
    done = ("ReconcileCompleted", "Reconcile completed successfully")
    states = {"ReconcileComplete": "True", "Available": "True", "Progressing": "False", "Degraded": "False"}
    return {
        "metadata": {"name": "default-dsci", "generation": 1, "creationTimestamp": TIME},
        "spec": {
            "applicationsNamespace": APPLICATIONS,
            "monitoring": {
                "managementState": "Managed",
                "namespace": "redhat-ods-monitoring",
                "metrics": {},
            },
            "trustedCABundle": {"managementState": "Managed", "customCABundle": ""},
        },
        "status": {
            "phase": "Ready",
            "release": _OPERATOR,
            "conditions": [
                condition(kind, status, *done) for kind, status in {**states, "Upgradeable": "True"}.items()
            ],
        },
    }


def dashboard_config() -> Object:
    """The OdhDashboardConfig, with one template that an administrator disabled."""
    return {
        "metadata": {
            "name": "odh-dashboard-config",
            "namespace": APPLICATIONS,
            "annotations": {"opendatahub.io/managed": "false"},
        },
        "spec": {
            "dashboardConfig": {"disableTracking": False},
            "notebookController": {
                "enabled": True,
                "pvcSize": "20Gi",
                "notebookNamespace": "rhods-notebooks",
            },
            "templateOrder": [],
            "templateDisablement": ["vllm-rocm-runtime"],
            "hardwareProfileOrder": [],
        },
    }


def hardware_profile() -> Object:
    """The HardwareProfile v1 that the operator makes: no accelerator."""
    cpu = {"identifier": "cpu", "displayName": "CPU", "resourceType": "CPU"}
    memory = {"identifier": "memory", "displayName": "Memory", "resourceType": "Memory"}
    return {
        "metadata": {
            "name": "default-profile",
            "namespace": APPLICATIONS,
            "annotations": {
                "opendatahub.io/dashboard-feature-visibility": "[]",
                "opendatahub.io/disabled": "false",
                "opendatahub.io/display-name": "default-profile",
                "opendatahub.io/managed": "false",
            },
        },
        "spec": {
            "identifiers": [
                {**cpu, "defaultCount": 2, "minCount": 1, "maxCount": 4},
                {**memory, "defaultCount": "4Gi", "minCount": "2Gi", "maxCount": "8Gi"},
            ]
        },
    }


def serving_config() -> Object:
    """The ConfigMap `inferenceservice-config`: KServe's settings, each a JSON text."""
    limits = {"memoryRequest": "100Mi", "cpuRequest": "100m", "cpuLimit": "1"}
    settings: dict[str, Any] = {
        "deploy": {"defaultDeploymentMode": "RawDeployment"},
        "ingress": {
            "enableGatewayApi": False,
            "ingressGateway": "knative-serving/knative-ingress-gateway",
            "ingressDomain": "example.com",
            "ingressClassName": "openshift-default",
            "domainTemplate": "{{ .Name }}-{{ .Namespace }}.{{ .IngressDomain }}",
            "urlScheme": "http",
            "disableIstioVirtualHost": False,
            "disableIngressCreation": True,
        },
        "localModel": {"enabled": False, "jobNamespace": APPLICATIONS, "fsGroup": 1000},
        "security": {"autoMountServiceAccountToken": False},
        "service": {"serviceClusterIPNone": True},
        "storageInitializer": {
            "image": "registry.redhat.io/rhoai/odh-kserve-storage-initializer-rhel9",
            **limits,
            "memoryLimit": "24Gi",
            "cpuModelcar": "10m",
            "memoryModelcar": "15Mi",
            "enableModelcar": True,
        },
    }
    return {
        "metadata": {"name": "inferenceservice-config", "namespace": APPLICATIONS},
        "data": {name: json.dumps(value, indent=4) for name, value in settings.items()},
    }


def cluster_version() -> Object:
    """OpenShift's ClusterVersion after an update that went well."""
    image = "quay.io/openshift-release-dev/ocp-release@sha256:" + "0" * 64
    return {
        "metadata": {"name": "version", "generation": 2},
        "spec": {"channel": "stable-4.21", "clusterID": "8b5c3a0e-0f55-4a39-9d6c-6d4a7f1f2c11"},
        "status": {
            "observedGeneration": 2,
            "versionHash": "demo",
            "availableUpdates": None,
            "desired": {"version": OPENSHIFT, "image": image},
            "history": [
                {
                    "state": "Completed",
                    "version": OPENSHIFT,
                    "image": image,
                    "startedTime": TIME,
                    "completionTime": TIME,
                    "verified": True,
                }
            ],
            "conditions": [
                condition("Available", "True", message=f"Done applying {OPENSHIFT}"),
                condition("Failing", "False"),
                condition("Progressing", "False", message=f"Cluster version is {OPENSHIFT}"),
                condition("RetrievedUpdates", "True"),
            ],
        },
    }


def infrastructure() -> Object:
    """OpenShift's Infrastructure on AWS."""
    return {
        "metadata": {"name": "cluster", "generation": 1},
        "spec": {
            "cloudConfig": {"name": "cloud-provider-config", "key": "config"},
            "platformSpec": {"type": "AWS", "aws": {}},
        },
        "status": {
            "infrastructureName": "demo-x7k2p",
            "platform": "AWS",
            "platformStatus": {"type": "AWS", "aws": {"region": "us-east-1"}},
            "apiServerURL": "https://api.demo.example:6443",
            "apiServerInternalURI": "https://api-int.demo.example:6443",
            "controlPlaneTopology": "HighlyAvailable",
            "infrastructureTopology": "HighlyAvailable",
            "cpuPartitioning": "None",
            "etcdDiscoveryDomain": "",
        },
    }


def node_conditions(ready: str = "True") -> list[Object]:
    """A node's conditions as the kubelet writes them: False is good for all but Ready (kubernetes,
    pkg/kubelet/nodestatus/setters.go)."""
    words = {
        "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        "Ready": (ready, "KubeletReady", "kubelet is posting ready status"),
    }
    return [condition(kind, *told, lastHeartbeatTime=TIME) for kind, told in words.items()]
