"""The clusters that the stub can be: a small OpenShift AI cluster, and one of any size."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from modelcar_tui.demo import kube_operators as written
from modelcar_tui.demo.kube_objects import (
    CLAIMS,
    CLUSTER_VERSIONS,
    CONFIG_MAPS,
    DASHBOARD,
    DSC,
    DSCI,
    INFRASTRUCTURES,
    LIMIT_RANGES,
    MACHINE_SETS,
    NAMESPACES,
    NODES,
    PODS,
    PROFILES,
    QUOTAS,
    RUNTIMES,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    SLICES,
    TEMPLATES,
    USERS,
    digest,
    node,
    nvidia,
    pod,
    template,
)
from modelcar_tui.demo.kube_operators import APPLICATIONS
from modelcar_tui.demo.kube_rights import Fault, User, admin
from modelcar_tui.demo.kube_store import Item, Kind, Object, item

_REPOSITORY = "registry.redhat.io/rhaii/"


@dataclass
class Scenario:
    """What a stub cluster holds and who may log in."""

    objects: dict[Kind, list[Object]] = field(default_factory=dict)
    prepared: dict[Kind, list[Item]] = field(default_factory=dict)
    """Items whose bytes are made already, for very large clusters."""
    user: User = field(default_factory=admin)
    """Whom the kubeconfig's token belongs to."""
    version: str = "v1.34.2"
    faults: list[Fault] = field(default_factory=list)
    namespace: str = "default"
    """The kubeconfig context's namespace."""


def templates() -> list[Object]:
    """The vLLM templates of OpenShift AI: name, accelerators, image, display name."""
    rows: tuple[tuple[str, list[str], str, str], ...] = (
        ("cuda", ["nvidia.com/gpu"], "vllm-cuda-rhel9", "NVIDIA GPU"),
        ("rocm", ["amd.com/gpu"], "vllm-rocm-rhel9", "AMD GPU"),
        ("gaudi", ["habana.ai/gaudi"], "vllm-gaudi-rhel9", "Intel Gaudi Accelerator"),
        ("cpu-x86", [], "vllm-cpu-rhel9", "CPU (x86)"),
        ("cpu", [], "vllm-cpu-rhel9", "CPU (ppc64le/s390x)"),
        ("spyre-x86", ["ibm.com/spyre_pf"], "vllm-spyre-rhel9", "Spyre on x86"),
        ("spyre-ppc64le", ["ibm.com/spyre_pf"], "vllm-spyre-rhel9", "Spyre ppc64le"),
        ("spyre-s390x", ["ibm.com/spyre_vf"], "vllm-spyre-rhel9", "Spyre s390x"),
    )
    made = [
        template(
            f"vllm-{name}-runtime-template",
            accelerators,
            _image(image),
            display=f"vLLM {display} ServingRuntime for KServe",
            runtime={"schedulerName": "spyre-scheduler"} if "spyre" in name else None,
        )
        for name, accelerators, image, display in rows
    ]
    several = template(
        "vllm-multinode-runtime-template",
        ["nvidia.com/gpu"],
        _image("vllm-cuda-rhel9"),
        display="vLLM Multi-Node ServingRuntime for KServe",
        dashboard="false",
        runtime={
            "workerSpec": {
                "pipelineParallelSize": 2,
                "tensorParallelSize": 1,
                "containers": [{"name": "worker-container", "image": _image("vllm-cuda-rhel9")}],
            }
        },
    )
    fast = template(
        "vllm-cuda-runtime-fast-1-template",
        ["nvidia.com/gpu"],
        _image("vllm-cuda-fast"),
        display="vLLM NVIDIA GPU ServingRuntime (fast)",
        version="v0.19.1",
        annotations={"opendatahub.io/support-status": "unsupported", "opendatahub.io/fast-version": "1"},
    )
    return [*made, several, fast]


def _image(name: str) -> str:
    return f"{_REPOSITORY}{name}@{digest(name)}"


def operators() -> dict[Kind, list[Object]]:
    """The operators' own objects: initialization, components, KServe's settings."""
    return {
        DSCI: [written.initialization()],
        DSC: [written.data_science_cluster()],
        DASHBOARD: [written.dashboard_config()],
        PROFILES: [written.hardware_profile()],
        CONFIG_MAPS: [written.serving_config()],
        CLUSTER_VERSIONS: [written.cluster_version()],
        INFRASTRUCTURES: [written.infrastructure()],
    }


def pull_secrets() -> dict[Kind, list[Object]]:
    """The default service account with a pull secret for Red Hat's registry. Its login is nobody's."""
    login = base64.b64encode(b"demo:not-a-password").decode()
    text = json.dumps({"auths": {"registry.redhat.io": {"auth": login}, "quay.io": {"auth": login}}})
    secret = {
        "metadata": {"name": "models-pull", "namespace": "default"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(text.encode()).decode()},
    }
    account = {
        "metadata": {"name": "default", "namespace": "default"},
        "imagePullSecrets": [{"name": "models-pull"}],
    }
    return {SERVICE_ACCOUNTS: [account], SECRETS: [secret]}


def openshift_ai() -> Scenario:
    """Two nodes with eight H100 each, partly in use, one with L40S, one A100 node cut with MIG, CPU nodes."""
    h100 = nvidia("NVIDIA-H100-80GB-HBM3", 81559, 8, "9.0", "hopper")
    l40s = nvidia("NVIDIA-L40S", 46068, 4, "8.9", "ada-lovelace")
    mig = nvidia(
        "NVIDIA-A100-SXM4-80GB",
        81920,
        8,
        "8.0",
        "ampere",
        **{
            "mig.strategy": "mixed",
            "mig.config": "custom",
            "mig.config.state": "success",
            "mig-2g.20gb.product": "NVIDIA-A100-SXM4-80GB-MIG-2g.20gb",
            "mig-2g.20gb.count": "6",
            "mig-2g.20gb.memory": "19968",
            "mig-2g.20gb.replicas": "1",
            "mig-2g.20gb.sharing-strategy": "none",
        },
    )
    taint = [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]
    big: dict[str, Any] = {"instance": "p5.48xlarge", "cpu": "192", "memory": "2113410780Ki"}
    nodes = [
        node("gpu-h100-0", h100, {"nvidia.com/gpu": "8"}, **big),
        node("gpu-h100-1", h100, {"nvidia.com/gpu": "8"}, **big),
        node(
            "gpu-l40s-0",
            l40s,
            {"nvidia.com/gpu": "4"},
            instance="g6e.12xlarge",
            cpu="48",
            memory="393216Mi",
            taints=taint,
        ),
        node(
            "gpu-a100-mig-0",
            mig,
            {"nvidia.com/gpu": "6", "nvidia.com/mig-2g.20gb": "6"},
            instance="p4de.24xlarge",
            cpu="96",
            memory="1152Gi",
        ),
        node(
            "gpu-l40s-old",
            l40s,
            {"nvidia.com/gpu": "4"},
            instance="g6e.12xlarge",
            cpu="48",
            memory="393216Mi",
            unschedulable=True,
            taints=[{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}],
        ),
        *(node(f"worker-{index}") for index in range(4)),
        *(
            node(
                f"master-{index}",
                {"node-role.kubernetes.io/control-plane": ""},
                taints=[{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}],
            )
            for index in range(3)
        ),
    ]
    pods = [
        pod("llama-70b-predictor-0", "team-a", "gpu-h100-0", {"nvidia.com/gpu": "4"}),
        pod("granite-predictor-0", "team-a", "gpu-h100-1", {"nvidia.com/gpu": "1"}),
        pod("notebook-0", "team-b", "gpu-h100-1", {"nvidia.com/gpu": "1"}),
        pod("finished-train", "team-b", "gpu-h100-1", {"nvidia.com/gpu": "8"}, phase="Succeeded"),
        pod("whisper-predictor-0", "team-b", "gpu-l40s-0", {"nvidia.com/gpu": "1"}),
        pod("small-predictor-0", "team-b", "gpu-a100-mig-0", {"nvidia.com/mig-2g.20gb": "2"}),
        pod("waiting-0", "team-c", None, {"nvidia.com/gpu": "8"}, phase="Pending"),
        *(pod(f"web-{index}", "team-c", f"worker-{index % 4}") for index in range(12)),
    ]
    machine_set = {
        "metadata": {
            "name": "demo-gpu-us-east-1a",
            "namespace": "openshift-machine-api",
            "annotations": {
                "machine.openshift.io/vCPU": "48",
                "machine.openshift.io/memoryMb": "393216",
                "machine.openshift.io/GPU": "4",
                "machine.openshift.io/cluster-api-autoscaler-node-group-min-size": "0",
                "machine.openshift.io/cluster-api-autoscaler-node-group-max-size": "2",
            },
        },
        "spec": {
            "replicas": 0,
            "template": {"spec": {"providerSpec": {"value": {"instanceType": "g6e.12xlarge"}}}},
        },
    }
    namespaces = ("default", APPLICATIONS, "openshift-machine-api", "team-a", "team-b", "team-c")
    return Scenario(
        objects={
            NODES: nodes,
            PODS: pods,
            SLICES: [],
            CLAIMS: [],
            TEMPLATES: templates(),
            RUNTIMES: [],
            SERVICES: [],
            NAMESPACES: [{"metadata": {"name": name}, "status": {"phase": "Active"}} for name in namespaces],
            MACHINE_SETS: [machine_set],
            QUOTAS: [],
            LIMIT_RANGES: [],
            USERS: [],
            **pull_secrets(),
            **operators(),
        }
    )


def large(nodes: int = 5000, pods: int = 50_000, gpu_nodes: int = 400) -> tuple[Scenario, int]:
    """A cluster of any size with objects as big as real ones; and the number of its free GPUs.

    Every ninth pod of a GPU node has finished; the others hold one GPU each.
    """
    padding = {
        "managedFields": [
            {
                "manager": "kubelet",
                "operation": "Update",
                "apiVersion": "v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": {f"f:field-{n}": {".": {}, "f:inner": {}} for n in range(115)},
            }
        ]
    }
    labels = nvidia("NVIDIA-H100-80GB-HBM3", 81559, 8, "9.0", "hopper")
    node_items: list[Item] = []
    for index in range(nodes):
        gpu = index < gpu_nodes
        one = node(f"node-{index:05}", labels if gpu else None, {"nvidia.com/gpu": "8"} if gpu else None)
        one["metadata"].update(padding)
        node_items.append(item(NODES, one))
    free = gpu_nodes * 8
    pod_items: list[Item] = []
    wanting = min(gpu_nodes * 5, pods)
    for index in range(pods):
        if index < wanting:
            done = index % 9 == 8
            one = pod(
                f"gpu-{index:05}",
                f"team-{index % 40}",
                f"node-{index % gpu_nodes:05}",
                {"nvidia.com/gpu": "1"},
                "Succeeded" if done else "Running",
            )
            free -= 0 if done else 1
        else:
            one = pod(f"web-{index:05}", f"team-{index % 40}", f"node-{index % nodes:05}")
        one["metadata"].update(padding)
        pod_items.append(item(PODS, one))
    scenario = openshift_ai()
    scenario.objects.pop(NODES)
    scenario.objects.pop(PODS)
    scenario.prepared = {NODES: node_items, PODS: pod_items}
    return scenario, free
