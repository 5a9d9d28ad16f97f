"""Whether a node takes pods at all: its conditions, and the taints of who starts, drains or removes nodes.

Such a taint is nobody's to tolerate; every other one needs a toleration and is told as that. Writers:
Kubernetes ("Taint nodes by condition", cloud-provider), cluster-autoscaler, kubernetes-sigs/karpenter,
pkg/apis/v1/taints.go (`karpenter.sh/disruption` before 1.0), Cluster API, GKE's and AWS's termination
handlers, medik8s.
"""

from __future__ import annotations

from modelcar_tui.core.text import clean
from modelcar_tui.kube import objects

_BORNE = "node.kubernetes.io/memory-pressure"
"""Every pod with requests tolerates it by admission; a key of one's own in that domain nobody does."""
_BARS = ("NoSchedule", "NoExecute")
"""Effects that keep a pod away; `PreferNoSchedule` does not."""
_TAINTS = {
    "node.kubernetes.io/unreachable": "node-not-ready",
    "node.kubernetes.io/not-ready": "node-not-ready",
    "node.kubernetes.io/out-of-service": "node-not-ready",
    "node.cloudprovider.kubernetes.io/shutdown": "node-not-ready",
    "node.kubernetes.io/unschedulable": "cordoned",
    "ToBeDeletedByClusterAutoscaler": "leaving",
    "karpenter.sh/disrupted": "leaving",
    "karpenter.sh/disruption": "leaving",
    "cloud.google.com/impending-node-termination": "leaving",
    "aws-node-termination-handler/spot-itn": "leaving",
    "aws-node-termination-handler/scheduled-maintenance": "leaving",
    "aws-node-termination-handler/asg-lifecycle-termination": "leaving",
    "aws-node-termination-handler/rebalance-recommendation": "leaving",
    "medik8s.io/remediation": "leaving",
    "medik8s.io/drain": "leaving",
    "kubevirt.io/drain": "leaving",
    "node.kubernetes.io/disk-pressure": "disk-pressure",
    "node.kubernetes.io/pid-pressure": "pid-pressure",
    "node.kubernetes.io/network-unavailable": "network-unavailable",
}
_STARTS = ("uninitialized", "unregistered", "not-ready", "agent-not-ready")
"""What taints are called, after the writer's domain, until something on the node is set up: the cloud's and
Cluster API's `uninitialized`, Karpenter's `unregistered`, network and storage drivers' `agent-not-ready`."""
_STARTERS = (
    "readiness.k8s.io",
    "startup-taint.cluster-autoscaler.kubernetes.io",
    "ignore-taint.cluster-autoscaler.kubernetes.io",
)
"""Domains under which anybody bars a node until it is set up: the autoscaler takes it for one that is not
ready (kubernetes/autoscaler, cluster-autoscaler/utils/taints)."""
_CONDITIONS = {
    "Terminating": "leaving",
    "DiskPressure": "disk-pressure",
    "PIDPressure": "pid-pressure",
    "NetworkUnavailable": "network-unavailable",
}
"""`Terminating` is what OpenShift's handler of spot interruptions sets. Pods with requests tolerate memory
pressure."""
_GRAVEST = (
    "node-not-ready",
    "cordoned",
    "leaving",
    "starting",
    "disk-pressure",
    "pid-pressure",
    "network-unavailable",
)
LABEL_LIMIT = 400
"""Of labels and taints; Kubernetes allows 63 characters in a value and 253 + 63 in a key."""


def unusable(node: objects.Node) -> str:
    """Why the node takes no pods, as a code of `GpuNode.why`, the gravest first; empty where it does."""
    if node.metadata.deletion_timestamp:
        return "being-deleted"
    told = _conditions(node)
    found = {_meaning(taint) for taint in node.spec.taints or () if taint.effect in _BARS}
    found |= {why for kind, why in _CONDITIONS.items() if told.get(kind) == "true"}
    if told.get("Ready", "") not in ("", "true"):
        found.add("node-not-ready")
    if node.spec.unschedulable:
        found.add("cordoned")
    return next((why for why in _GRAVEST if why in found), "")


def cautions(node: objects.Node) -> tuple[str, ...]:
    """What bars no pod yet, one sentence each."""
    if _conditions(node).get("MemoryPressure") == "true":
        return ("the node is short of memory: its pods may be evicted",)
    return ()


def taints(node: objects.Node) -> tuple[str, ...]:
    """`key[=value]:effect` of the taints that a pod must tolerate."""
    texts = []
    for taint in node.spec.taints or ():
        if taint.effect in _BARS and taint.key != _BORNE and not _meaning(taint):
            value = f"={taint.value}" if taint.value else ""
            texts.append(clean(f"{taint.key}{value}:{taint.effect}", limit=LABEL_LIMIT))
    return tuple(texts)


def _meaning(taint: objects.Taint) -> str:
    """What a taint says of the node's life; empty where it asks for a toleration."""
    domain, mark, name = taint.key.partition("/")
    if taint.key in _TAINTS:
        return _TAINTS[taint.key]
    return "starting" if mark and (name in _STARTS or domain in _STARTERS) else ""


def _conditions(node: objects.Node) -> dict[str, str]:
    """Status by type, in small letters; of one that comes twice the last."""
    return {one.type: one.status.casefold() for one in node.status.conditions or ()}
