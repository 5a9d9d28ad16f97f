"""The pod of a try: the model's files joined by an init container, then vLLM as its runtime starts it.

As OpenShift's `restricted-v2` admits it: no privilege, no capability, no token, no service's variables. Which
user it runs as is the cluster's word there; elsewhere it is the image's own, as in production, unless the
namespace enforces Kubernetes' `restricted`: images of vLLM run as root then, and a kubelet refuses root.
"""

from __future__ import annotations

from typing import Any

import msgspec

from modelcar_tui.cluster.types import Runtime
from modelcar_tui.manifest import Requirement, Scheduling, Server
from modelcar_tui.trial.environment import CONFIG_PATH, LOGGING_FILE, SCRATCH, logging_config
from modelcar_tui.trial.files import JOIN, MIB, Lent, part_name
from modelcar_tui.trial.place import Spot
from modelcar_tui.trial.refusing import MODEL_PATH

MAIN, FILES = "vllm", "files"
"""The containers; a mesh may put others beside them."""
LENT = "/lent"
SHM = "/dev/shm"  # noqa: S108 - a mount of the pod
PERIOD_S = 2
"""How often the kubelet asks /health."""
CLOSED_PORT = 1
"""On which nothing listens: see `_ends_itself`."""
LINGERS_S = 120
"""How long a server that has become healthy may stay, when nobody is there who removes it."""
SOME_USER = 1000
"""Where a namespace wants a user that is not root, and the cluster gives none."""
_ROOM = "10Gi"
"""Of /tmp: compiled graphs and kernels."""
_SUITE_SHM = (1024, 16 * 1024)
"""MiB of /dev/shm as the QA suite has it, for one GPU and for several."""
_GRACE_S = 15
_SOME_CPU_MILLI = 1000
"""Limit of a pod that asks for less, where a quota wants one."""


class Security(msgspec.Struct, frozen=True, kw_only=True):
    """What the cluster says of a pod's user."""

    gives_user: bool = False
    """Whether it gives each pod one, as OpenShift does."""
    restricted: bool = False
    """Whether the namespace enforces Kubernetes' `restricted`."""


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """What runs in the main container."""

    runtime: Runtime
    args: tuple[str, ...]
    environment: dict[str, str]
    port: int
    limit_s: int
    cpu_limited: bool = False
    """Whether the namespace takes no container without a limit of CPU."""


def trial_pod(
    name: str,
    spot: Spot,
    what: Container,
    lent: Lent,
    server: Server | None,
    security: Security,
    priority: str,
) -> dict[str, Any]:
    """The pod's spec.

    Args:
        name: of the Job; the Secrets' begin with it.
        spot: where it may land.
        what: runs in it.
        lent: the model's files.
        server: what the manifest says of the pod; None for a model-car.
        security: of the namespace.
        priority: the PriorityClass; empty for none.
    """
    main = _main(spot, what, shm := shared_memory(what.runtime, server, spot.shape.units), server)
    amounts = {
        part: {key: value for key, value in given.items() if key in ("cpu", "memory")}
        for part, given in main["resources"].items()
    }
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE_S,
        "securityContext": _who(security, server),
        "initContainers": [_joining(what, lent, amounts)],
        "containers": [main],
        "volumes": _volumes(name, lent, shm),
        **_where(spot, server, priority),
    }


def shared_memory(runtime: Runtime, server: Server | None, units: int) -> int | None:
    """MiB of the volume at /dev/shm: 0 for one without a limit, None for no volume."""
    if runtime.shm_mib is not None or server is not None:
        return runtime.shm_mib
    return _SUITE_SHM[units > 1]


def memory_limit(spot: Spot, runtime: Runtime, server: Server | None) -> int | None:
    """MiB of RAM that vLLM may take: as the file or the runtime says, else as the QA suite's pods have it."""
    if runtime.memory_limit_mib is not None or server is not None:
        return runtime.memory_limit_mib
    return spot.shape.memory_mib + 1024


def _main(spot: Spot, what: Container, shm: int | None, server: Server | None) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/health", "port": what.port, "scheme": "HTTP"}, "timeoutSeconds": 2}
    tries = max(1, what.limit_s // PERIOD_S)
    mounts = [
        {"name": "model", "mountPath": MODEL_PATH, "readOnly": True},
        {"name": "scratch", "mountPath": SCRATCH},
        *([] if shm is None else [{"name": "shm", "mountPath": SHM}]),
    ]
    return {
        "name": MAIN,
        "image": what.runtime.image,
        **({"command": list(what.runtime.starts)} if what.runtime.starts else {}),
        "args": list(what.args),
        "env": [{"name": key, "value": value} for key, value in what.environment.items()],
        "ports": [{"containerPort": what.port, "protocol": "TCP"}],
        "resources": _resources(spot, what, server),
        "startupProbe": {**probe, "periodSeconds": PERIOD_S, "failureThreshold": tries},
        "livenessProbe": _ends_itself(),
        "volumeMounts": mounts,
        "securityContext": _confined(),
    }


def _ends_itself() -> dict[str, Any]:
    """A probe that fails on purpose, so that a server that nobody removes gives its GPUs back: it is asked
    only once the start-up probe has passed."""
    return {
        "tcpSocket": {"port": CLOSED_PORT},
        "periodSeconds": LINGERS_S // 4,
        "failureThreshold": 4,
        "timeoutSeconds": 1,
    }


def _joining(what: Container, lent: Lent, amounts: dict[str, Any]) -> dict[str, Any]:
    """The init container. It asks for no GPU, and else for what the main one does: limits of the namespace
    that let that in take it, too, and quotas count the larger of the two."""
    return {
        "name": FILES,
        "image": what.runtime.image,
        "command": ["python3", "-c", JOIN, LENT, MODEL_PATH, lent.sha256, *_own_files(what)],
        "resources": {part: given for part, given in amounts.items() if given},
        "volumeMounts": [
            {"name": "lent", "mountPath": LENT, "readOnly": True},
            {"name": "model", "mountPath": MODEL_PATH},
        ],
        "securityContext": _confined(),
    }


def _own_files(what: Container) -> list[str]:
    named = LOGGING_FILE in what.environment.get(CONFIG_PATH, "")
    return [LOGGING_FILE, logging_config()] if named else []


def _resources(spot: Spot, what: Container, server: Server | None) -> dict[str, Any]:
    shape, most = spot.shape, memory_limit(spot, what.runtime, server)
    gpus = {spot.resource: str(shape.units)}
    asked = {"cpu": f"{shape.cpu_milli}m"} if shape.cpu_milli else {}
    asked |= {"memory": f"{shape.memory_mib}Mi"} if shape.memory_mib else {}
    limit = {} if most is None else {"memory": f"{max(most, shape.memory_mib)}Mi"}
    if server is None:
        limit |= {"cpu": f"{shape.cpu_milli + 1000}m"}
    elif what.cpu_limited:
        limit |= {"cpu": f"{max(shape.cpu_milli, _SOME_CPU_MILLI)}m"}
    return {"requests": {**asked, **gpus}, "limits": {**limit, **gpus}}


def _volumes(name: str, lent: Lent, shm: int | None) -> list[dict[str, Any]]:
    sources = [
        {"secret": {"name": secret_name(name, at), "items": [{"key": part_name(at), "path": part_name(at)}]}}
        for at in range(len(lent.parts))
    ]
    room = 16 + 2 * lent.unpacked // MIB
    limit = {"sizeLimit": f"{shm}Mi"} if shm else {}
    return [
        {"name": "lent", "projected": {"sources": sources, "defaultMode": 0o444}},
        {"name": "model", "emptyDir": {"sizeLimit": f"{room}Mi"}},
        {"name": "scratch", "emptyDir": {"sizeLimit": _ROOM}},
        *([] if shm is None else [{"name": "shm", "emptyDir": {"medium": "Memory", **limit}}]),
    ]


def secret_name(name: str, number: int) -> str:
    """Of the Secret with one part of the files."""
    return f"{name}-{number}"


def _who(security: Security, server: Server | None) -> dict[str, Any]:
    """Where the manifest names a service account, that may give the pod its image's own user, root included,
    by a constraint like `anyuid`: a kubelet would refuse it if it must not be root."""
    told: dict[str, Any] = {"seccompProfile": {"type": "RuntimeDefault"}}
    if security.restricted:
        user = {} if security.gives_user else {"runAsUser": SOME_USER}
        return {**told, "runAsNonRoot": True, **user}
    named = server is not None and bool(server.service_account)
    return {**told, "runAsNonRoot": True} if security.gives_user and not named else told


def _confined() -> dict[str, Any]:
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def _where(spot: Spot, server: Server | None, priority: str) -> dict[str, Any]:
    """Which nodes, past which taints, by whose word, and with which logins the runtime's image is pulled."""
    asked = spot.shape.scheduling
    found: dict[str, Any] = {"affinity": _affinity(spot, asked)}
    if asked.selector:
        found["nodeSelector"] = dict(asked.selector)
    if asked.tolerations:
        rows = [msgspec.structs.asdict(one) for one in asked.tolerations]
        found["tolerations"] = [{key: value for key, value in row.items() if value} for row in rows]
    scheduler = (server.scheduler if server is not None else "") or spot.nodes[0].scheduler
    named = {
        "schedulerName": scheduler,
        "priorityClassName": priority,
        "serviceAccountName": server.service_account if server is not None else "",
    }
    found |= {key: value for key, value in named.items() if value}
    if server is not None and server.pull_secrets:
        found["imagePullSecrets"] = [{"name": name} for name in server.pull_secrets]
    return found


def _affinity(spot: Spot, asked: Scheduling) -> dict[str, Any]:
    """The nodes by name, each with what the file or the runtime requires; a field takes one name alone."""
    terms = [
        {
            **({"matchExpressions": [_requirement(one) for one in term if not one.of_node]} if term else {}),
            "matchFields": [{"key": "metadata.name", "operator": "In", "values": [node.name]}],
        }
        for node in spot.nodes
        for term in (asked.terms or ((),))
    ]
    terms = [{key: value for key, value in term.items() if value} for term in terms]
    required = {"nodeSelectorTerms": terms}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def _requirement(one: Requirement) -> dict[str, Any]:
    found: dict[str, Any] = {"key": one.key, "operator": one.operator}
    return {**found, "values": list(one.values)} if one.values else found
