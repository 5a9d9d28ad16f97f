"""What a pod's specification says of the container that serves and of the node that it wants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Table
from typing import Any

from modelcar_tui.core.names import kind_of
from modelcar_tui.core.shapes import is_secret_value
from modelcar_tui.core.text import clean
from modelcar_tui.hardware import resource_prefixes, vendor_of_resource
from modelcar_tui.kube import mebibytes, thousandths, whole
from modelcar_tui.manifest.kinds.demands import fields_of, requests_of, whole_of
from modelcar_tui.manifest.kinds.objects import below
from modelcar_tui.manifest.kinds.places import CountPlace, Path
from modelcar_tui.manifest.plain import Other, entries, plain
from modelcar_tui.manifest.scheduling import Requirement, Scheduling, Toleration
from modelcar_tui.manifest.spans import Mapping, Node, Scalar, Sequence, deref
from modelcar_tui.manifest.variables import expanded, references

SHM = "/dev/shm"  # noqa: S108 - where the container mounts it
_PARAMETER = re.compile(r"\$\{|\{\{")
_USER = re.compile(r"access_?key_?id\Z", re.IGNORECASE)
"""AWS's name of a user: no secret, but half of a login, and no server's setting."""
_MOST_VARIABLES, _LONGEST = 200, 2000


def texts(node: Node | None) -> dict[str, Any]:
    """A mapping's plain values by key; numbers as they are spelled."""
    value = plain(node) if node is not None else None
    if not isinstance(value, dict):
        return {}
    return {str(key): _spelled(one) for key, one in value.items()}


def containers_of(pod: Node, path: Path) -> Iterator[tuple[Mapping, Path]]:
    """The containers of a pod's specification, and where each stands."""
    listed = below(pod, "containers")
    for index, item in enumerate(listed.items if isinstance(listed, Sequence) else ()):
        container = deref(item)
        if isinstance(container, Mapping):
            yield container, (*path, "containers", index)


def environment_of(container: Node) -> tuple[tuple[str, str], ...]:
    """What is said literally and may be told: no value of another object, and nothing that looks secret.

    A value may refer to variables before it, as Kubernetes has it; a name that stands there again counts
    anew.
    """
    found: dict[str, str] = {}
    listed = below(container, "env")
    for item in (listed.items if isinstance(listed, Sequence) else ())[:_MOST_VARIABLES]:
        one = texts(item)
        name, written = str(one.get("name") or ""), one.get("value")
        found.pop(name, None)
        if not isinstance(written, str):
            continue
        value = expanded(written, found)
        if name and may_tell(name, value) and not references(value):
            found[name] = value
    return tuple(found.items())


def may_tell(name: str, value: str) -> bool:
    """Whether a variable's value is plain text: no secret by its name or shape, no user of a login, no
    parameter to fill in."""
    told = len(value) <= _LONGEST and value == clean(value) and not is_secret_value(kind_of(name), value)
    return told and not _PARAMETER.search(value) and not _USER.search(name)


def accelerator_of(container: Node) -> tuple[str, int | None]:
    """The accelerator's resource that a container asks for, and how many; None where that is no number.

    A limit alone is the request, too. Empty and 0 where it asks for none.
    """
    for name, amount in _asked(container).items():
        if is_accelerator(name) and (count := whole(amount)) != 0:
            return clean(name, limit=200), count
    return "", 0


def is_accelerator(resource: str) -> bool:
    """Whether a resource's name is an accelerator's."""
    return vendor_of_resource(resource) is not None or resource.startswith(tuple(resource_prefixes()))


def count_places(container: Node, path: Path, resource: str) -> tuple[CountPlace, ...]:
    """Where the number of a resource is written: its request and its limit."""
    found = []
    for part in ("requests", "limits"):
        mapping = below(container, "resources", part)
        for key, value in entries(mapping) if isinstance(mapping, Mapping) else ():
            node = deref(value)
            if key.value == resource and isinstance(node, Scalar):
                found.append(CountPlace((*path, "resources", part, resource), node))
    return tuple(found)


def amounts_of(container: Node) -> tuple[int | None, int | None, int | None]:
    """Requested thousandths of a CPU, requested MiB of RAM, and its limit."""
    limits, asked = texts(below(container, "resources", "limits")), _asked(container)
    return thousandths(asked.get("cpu")), mebibytes(asked.get("memory")), mebibytes(limits.get("memory"))


def shm_of(pod: Node, container: Node) -> int | None:
    """MiB of the memory volume at /dev/shm: 0 where it has no limit of its own, or is the node's (`hostIPC`);
    None where there is none."""
    host = below(pod, "hostIPC")
    if isinstance(host, Scalar) and host.value.lower() == "true":
        return 0
    volumes = {str(one.get("name")): one for one in _mappings(below(pod, "volumes"))}
    for mount in _mappings(below(container, "volumeMounts")):
        if str(mount.get("mountPath") or "").rstrip("/") == SHM:
            volume = volumes.get(str(mount.get("name")), {}).get("emptyDir")
            if isinstance(volume, dict) and volume.get("medium") == "Memory":
                return mebibytes(_spelled(volume.get("sizeLimit"))) or 0
    return None


def scheduling_of(pod: Node, container: Node, beside: Iterable[Node] = ()) -> Scheduling:
    """What a pod asks of its node; `beside` are containers of it that stand elsewhere."""
    cpu, memory, _ = amounts_of(container)
    required = below(
        pod, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"
    )
    selector = texts(below(pod, "nodeSelector"))
    return Scheduling(
        cpu_milli=cpu,
        memory_mib=memory,
        selector=tuple((clean(key), clean(str(value))) for key, value in sorted(selector.items())),
        terms=tuple(
            (*_expressions(term.get("matchExpressions")), *fields_of(term.get("matchFields")))
            for term in _mappings(required)
        ),
        tolerations=tolerations_of(_mappings(below(pod, "tolerations"))),
        whole=whole_of(pod, container, accelerator_of(container)[0], beside),
    )


def tolerations_of(written: Iterable[Table[str, Any]]) -> tuple[Toleration, ...]:
    """Tolerations as objects write them, cleaned; without an operator it is `Equal`."""
    return tuple(
        Toleration(
            key=_text(one, "key", 320),
            operator=_text(one, "operator", 20) or "Equal",
            value=_text(one, "value", 63),
            effect=_text(one, "effect", 20),
        )
        for one in written
    )


def names_of(node: Node | None) -> tuple[str, ...]:
    """The names of a list of references (`imagePullSecrets`)."""
    return tuple(name for one in _mappings(node) if (name := _text(one, "name", 253)))


def _asked(container: Node) -> dict[str, Any]:
    """What a container requests; a limit alone is the request, too."""
    return requests_of(container)


def _expressions(written: object) -> Iterator[Requirement]:
    for one in written if isinstance(written, list) else ():
        if isinstance(one, dict):
            values = one.get("values")
            yield Requirement(
                key=_text(one, "key", 320),
                operator=_text(one, "operator", 20),
                values=tuple(
                    clean(str(_spelled(value))) for value in (values if isinstance(values, list) else ())
                ),
            )


def _mappings(node: Node | None) -> list[dict[str, Any]]:
    value = plain(node) if node is not None else None
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(one: Table[str, Any], key: str, limit: int) -> str:
    value = _spelled(one.get(key))
    return clean(value, limit=limit) if isinstance(value, str) else ""


def _spelled(value: Any) -> Any:
    return value.text if isinstance(value, Other) else value
