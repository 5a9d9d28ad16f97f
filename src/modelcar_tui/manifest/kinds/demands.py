"""What a pod as a whole asks of its node, beside the container that serves.

Its requests are those of Kubernetes' scheduler (component-helpers, resource/helpers.go, PodRequests): all
containers and restartable init containers together, or an init container with what is up before it where that
is more, and the pod's overhead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from modelcar_tui.core.text import clean
from modelcar_tui.kube import mebibytes, thousandths, whole
from modelcar_tui.manifest.kinds.objects import below, text_below
from modelcar_tui.manifest.plain import plain
from modelcar_tui.manifest.scheduling import Requirement, Whole
from modelcar_tui.manifest.spans import Mapping, Node, Scalar, Sequence, deref

_OWN = ("cpu", "memory", "ephemeral-storage")
_AFFINITIES = {"podAffinity": "required pod affinity", "podAntiAffinity": "required pod anti-affinity"}
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_NAME = "metadata.name"
"""The one field of a node that an affinity may name."""
_LONGEST = 63


def whole_of(pod: Node, container: Node, accelerator: str, beside: Iterable[Node] = ()) -> Whole:
    """What the pod asks for, as far as it is more than the container's own.

    Args:
        pod: its specification.
        container: that serves; it may be joined of several, and is known by its name then.
        accelerator: the resource that it asks for.
        beside: containers that come from elsewhere, such as a ServingRuntime's.
    """
    name = text_below(container, "name")
    others = [
        one
        for one in (*_listed(pod, "containers"), *beside)
        if one is not deref(container) and not (name and text_below(one, "name") == name)
    ]
    inits = _listed(pod, "initContainers")
    overhead = _table(below(pod, "overhead"))

    def more(resource: str, read: Callable[[object], int | None]) -> int:
        def asked(one: Node) -> int:
            return read(requests_of(one).get(resource)) or 0

        own = asked(container)
        at_once = own + sum(map(asked, others))
        up = most = 0
        for one in inits:
            if text_below(one, "restartPolicy") == "Always":
                up += asked(one)
                most = max(most, up)
            else:
                most = max(most, up + asked(one))
        return max(at_once + up, most) + (read(overhead.get(resource)) or 0) - own

    storage = more("ephemeral-storage", mebibytes)
    own = mebibytes(requests_of(container).get("ephemeral-storage")) or 0
    resources = {
        clean(key, limit=200)
        for one in (container, *others, *inits)
        for key, amount in requests_of(one).items()
        if key not in (*_OWN, accelerator) and whole(amount) != 0
    }
    return Whole(
        units=more(accelerator, whole) if accelerator else 0,
        cpu_milli=more("cpu", thousandths),
        memory_mib=more("memory", mebibytes),
        storage_mib=own + storage,
        refused=next((why for one in (container, *others, *inits) for why in _refused(one)), ""),
        node=clean(text_below(pod, "nodeName"), limit=253),
        resources=tuple(sorted(resources)),
        unjudged=tuple(_unjudged(pod, (container, *others, *inits))),
        among=tuple(_among(pod)),
    )


def requests_of(container: Node) -> dict[str, object]:
    """What a container requests; a limit alone is the request, too."""
    limits, requests = (_table(below(container, "resources", part)) for part in ("limits", "requests"))
    return {**limits, **requests}


def _refused(container: Node) -> Iterator[str]:
    """What an API server refuses of a container's amounts (pkg/apis/core/validation, validateResource
    Requirements)."""
    limits, requests = (_table(below(container, "resources", part)) for part in ("limits", "requests"))
    for key in dict.fromkeys((*limits, *requests)):
        told, most, least = clean(key, limit=_LONGEST), limits.get(key), requests.get(key)
        if key in _OWN:
            if _more(key, least, most):
                yield f"more {told} is requested than its limit allows"
        elif "/" in key and any((thousandths(one) or 0) % 1000 for one in (most, least)):
            yield f"{told} is asked for in parts, and is counted in whole ones"
        elif least is not None and most is None:
            yield f"{told} is requested without a limit, which has to be the same"
        elif least is not None and _more(key, least, most) is not _more(key, most, least):
            yield f"the request of {told} is not its limit"


def _more(key: str, one: object, other: object) -> bool:
    """Whether one amount is more than the other; never where one is not there."""
    read = thousandths if key == "cpu" else whole
    return None not in (one, other) and (read(one) or 0) > (read(other) or 0)


def fields_of(written: object) -> Iterator[Requirement]:
    """The requirements of `matchFields`: on the node's own name."""
    for one in written if isinstance(written, list) else ():
        if isinstance(one, dict) and one.get("key") == _NAME:
            values = one.get("values")
            yield Requirement(
                key=_NAME,
                operator=str(one.get("operator") or ""),
                values=tuple(clean(str(value)) for value in (values if isinstance(values, list) else ())),
                of_node=True,
            )


def _unjudged(pod: Node, containers: Iterable[Node]) -> Iterator[str]:
    """What may keep the pod from any node, and nobody here compares with the cluster."""
    for key, words in _AFFINITIES.items():
        terms = below(pod, "affinity", key, _REQUIRED)
        if isinstance(terms, Sequence) and terms.items:
            yield words
    if _listed(pod, "schedulingGates"):
        yield "scheduling gates"
    if runtime_class := text_below(pod, "runtimeClassName"):
        yield f"RuntimeClass {clean(runtime_class, limit=_LONGEST)}"
    claims = below(pod, "resourceClaims")
    if isinstance(claims, Sequence) and claims.items:
        yield "resource claims"
    keys = ("hostPort", "containerPort") if _on_host(pod) else ("hostPort",)
    for container in containers:
        for port in map(_table, _listed(container, "ports")):
            number = next((port[key] for key in keys if port.get(key)), None)
            if number is not None:
                yield f"port {clean(str(number), limit=10)} of the node"


def _among(pod: Node) -> Iterator[str]:
    """What bars one of several pods that are alike."""
    if _on_host(pod):
        yield "network, which is the node's"
    for one in _listed(pod, "topologySpreadConstraints"):
        if text_below(one, "whenUnsatisfiable") != "ScheduleAnyway":
            yield f"spread over {clean(text_below(one, 'topologyKey'), limit=_LONGEST)}"


def _on_host(pod: Node) -> bool:
    network = below(pod, "hostNetwork")
    return isinstance(network, Scalar) and network.value.lower() == "true"


def _listed(node: Node, key: str) -> list[Mapping]:
    listed = below(node, key)
    items = [deref(item) for item in listed.items] if isinstance(listed, Sequence) else []
    return [item for item in items if isinstance(item, Mapping)]


def _table(node: Node | None) -> dict[str, object]:
    value = plain(node) if node is not None else None
    if not isinstance(value, dict):
        return {}
    return {str(key): getattr(amount, "text", amount) for key, amount in value.items()}
