"""OpenShift AI 2.16's objects, in the form before severities: what is read of a cluster that was not updated.

rhods-operator, branch rhoai-2.16: controllers/status/status.go, config/samples; odh-dashboard, stable-2.x.
"""

from __future__ import annotations

from typing import Any

from modelcar_tui.demo.kube_objects import DSC, DSCI, PROFILES, TEMPLATES
from modelcar_tui.demo.kube_operators import APPLICATIONS, condition
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai
from modelcar_tui.demo.kube_store import Kind

DSC_V1 = Kind(DSC.group, "v1", DSC.plural, DSC.kind, namespaced=False)
DSCI_V1 = Kind(DSCI.group, "v1", DSCI.plural, DSCI.kind, namespaced=False)
ACCELERATORS = Kind("dashboard.opendatahub.io", "v1", "acceleratorprofiles", "AcceleratorProfile")
RELEASE = {"name": "OpenShift AI Self-Managed", "version": "2.16.3"}
_WANTED = ("dashboard", "kserve", "workbenches")
_NOT_WANTED = (
    "codeflare",
    "datasciencepipelines",
    "kueue",
    "modelmeshserving",
    "ray",
    "trainingoperator",
    "trustyai",
)


def complete(what: str) -> list[dict[str, Any]]:
    """SetCompleteCondition: Progressing and Degraded are False because all is well."""
    states = {"ReconcileComplete": "True", "Available": "True", "Progressing": "False", "Degraded": "False"}
    return [
        condition(kind, status, "ReconcileCompleted", f"{what} resource reconciled successfully")
        for kind, status in {**states, "Upgradeable": "True"}.items()
    ]


def data_science_cluster() -> dict[str, Any]:
    """v1: components that are not wanted have no condition, and KServe's begins with a small letter."""
    spec: dict[str, Any] = {name: {"managementState": "Managed"} for name in _WANTED}
    spec |= {name: {"managementState": "Removed"} for name in _NOT_WANTED}
    spec["kserve"] |= {
        "defaultDeploymentMode": "RawDeployment",
        "serving": {"managementState": "Removed", "name": "knative-serving"},
    }
    spec["modelregistry"] = {
        "managementState": "Removed",
        "registriesNamespace": "rhoai-model-registries",
    }
    ready = [
        condition(f"{name}Ready", "True", "ReconcileCompleted", "Component reconciled successfully")
        for name in _WANTED
    ]
    return {
        "metadata": {"name": "default-dsc", "generation": 1},
        "spec": {"components": spec},
        "status": {
            "phase": "Ready",
            "release": RELEASE,
            "conditions": [*complete("DataScienceCluster"), *ready],
            "installedComponents": {name: name in _WANTED for name in (*_WANTED, *_NOT_WANTED)},
            "components": {},
        },
    }


def initialization() -> dict[str, Any]:
    """v1, with a service mesh that is not wanted."""
    removed = condition("CapabilityServiceMesh", "False", "Removed", "ServiceMesh is set to Removed")
    return {
        "metadata": {"name": "default-dsci", "generation": 1},
        "spec": {
            "applicationsNamespace": APPLICATIONS,
            "monitoring": {"managementState": "Managed", "namespace": "redhat-ods-monitoring"},
            "serviceMesh": {
                "managementState": "Removed",
                "controlPlane": {
                    "name": "data-science-smcp",
                    "namespace": "istio-system",
                    "metricsCollection": "Istio",
                },
            },
            "trustedCABundle": {"managementState": "Managed", "customCABundle": ""},
        },
        "status": {
            "phase": "Ready",
            "release": RELEASE,
            "conditions": [*complete("DSCInitialization"), removed],
        },
    }


def accelerator_profile() -> dict[str, Any]:
    """An AcceleratorProfile as the dashboard's migration makes it."""
    return {
        "metadata": {"name": "migrated-gpu", "namespace": APPLICATIONS},
        "spec": {
            "displayName": "NVIDIA GPU",
            "enabled": True,
            "identifier": "nvidia.com/gpu",
            "tolerations": [{"effect": "NoSchedule", "key": "nvidia.com/gpu", "operator": "Exists"}],
        },
    }


def openshift_ai_216() -> Scenario:
    """The demo's cluster under OpenShift AI 2.16."""
    scenario = openshift_ai()
    for newer in (DSC, DSCI, PROFILES):
        del scenario.objects[newer]
    scenario.objects |= {
        DSC_V1: [data_science_cluster()],
        DSCI_V1: [initialization()],
        ACCELERATORS: [accelerator_profile()],
        # Its ServingRuntime has no schedulerName yet, and it has no runtimes for Spyre.
        TEMPLATES: [one for one in scenario.objects[TEMPLATES] if "spyre" not in one["metadata"]["name"]],
    }
    return scenario
