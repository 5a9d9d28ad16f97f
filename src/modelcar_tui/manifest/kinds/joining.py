"""How KServe makes one container and pod of a ServingRuntime and a predictor.

`MergeRuntimeContainers`, `MergePodSpec` and `ReplacePlaceholders` of its InferenceService controller
(pkg/controller/v1beta1/inferenceservice/utils/utils.go): a strategic merge patch, the predictor's over the
runtime's, but for the arguments, of which it gets the runtime's and then its own. The nodes stay those of the
file, so that what is joined still knows its places.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Table

from modelcar_tui.manifest.kinds.objects import below
from modelcar_tui.manifest.plain import entries, is_empty, plain
from modelcar_tui.manifest.spans import Mapping, Node, Scalar, Sequence, deref

_MERGED_BY = {
    "containers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ports": "containerPort",
    "resourceClaims": "name",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""Lists that a patch merges item by item (`patchMergeKey` of core/v1); of any other the patch's is taken."""
_OF_RUNTIME = (
    "nodeSelector",
    "affinity",
    "tolerations",
    "volumes",
    "imagePullSecrets",
    "schedulerName",
    "resourceClaims",
)
"""What KServe takes of a runtime's pod besides its containers."""
_PLACEHOLDER = re.compile(
    r"\{\{-?\s*(?:\.(?P<field>Name|Namespace)"
    r"|\.(?P<table>Labels|Annotations)\.(?P<word>\w+)"
    r"|index\s+\.(?P<indexed>Labels|Annotations)\s+[\"`](?P<key>[^\"`}]+)[\"`])\s*-?\}\}"
)


def joined_container(runtime: Node, own: Node) -> Mapping:
    """The container that KServe starts: the predictor's over the runtime's, the arguments of both."""
    merged = patched(runtime, own)
    arguments = [item for one in (runtime, own) for item in _items(below(one, "args"))]
    pairs = [(key, value) for key, value in merged.pairs if key.value != "args"]
    if arguments:
        key = next(key for one in (own, runtime) for key, _ in _entries(deref(one)) if key.value == "args")
        pairs.append((key, _sequence(merged, arguments)))
    return _mapping(merged, pairs)


def joined_pod(runtime: Node, own: Node) -> Mapping:
    """The pod's specification without its containers."""
    base = deref(runtime)
    kept = [(key, value) for key, value in _entries(base) if key.value in _OF_RUNTIME]
    return patched(_mapping(base, kept), own)


def patched(base: Node, patch: Node) -> Mapping:
    """A mapping with a strategic merge patch applied.

    What is empty in the patch changes nothing: KServe's types leave it out.
    """
    base, patch = deref(base), deref(patch)
    found = {key.value: (key, value) for key, value in _entries(base)}
    for key, value in _entries(patch):
        if is_empty(value) or plain(value) == "":
            continue
        before = found.get(key.value)
        found[key.value] = (key, _over(key.value, before[1], value) if before else value)
    return _mapping(patch, list(found.values()))


def _over(key: str, base: Node, patch: Node) -> Node:
    base, patch = deref(base), deref(patch)
    if isinstance(base, Mapping) and isinstance(patch, Mapping):
        return patched(base, patch)
    if key in _MERGED_BY and isinstance(base, Sequence) and isinstance(patch, Sequence):
        return _sequence(patch, _merged_items(base.items, patch.items, _MERGED_BY[key]))
    return patch


def _merged_items(base: list[Node], patch: list[Node], by: str) -> list[Node]:
    """The patch's items over those of the same name, in the order that a strategic merge patch gives them:
    an item that only the base has stands before the first of the patch's that follows it there."""
    ranks = {_name(item, by): rank for rank, item in enumerate(base)}
    named = {_name(item, by): item for item in patch}
    left = [item for item in base if _name(item, by) not in named]
    right = list(named)
    out: list[Node] = []
    taken = 0
    for name in right:
        while taken < len(left) and name in ranks and ranks[_name(left[taken], by)] < ranks[name]:
            out.append(left[taken])
            taken += 1
        out.append(_item(base[ranks[name]], named[name], by) if name in ranks else named[name])
    return [*out, *left[taken:]]


def _item(base: Node, patch: Node, by: str) -> Node:
    """One item over the other; a variable's `value` and `valueFrom` are one thing."""
    valued = below(patch, "value") is not None or below(patch, "valueFrom") is not None
    return patch if by == "name" and valued else patched(base, patch)


def filled(text: str, name: str, namespace: str, labels: Table[str, str], notes: Table[str, str]) -> str:
    """A text with KServe's placeholders (`{{.Name}}`) replaced by the InferenceService's metadata.

    A namespace that nothing states, and what is no such placeholder, stay as they are.
    """

    def value(match: re.Match[str]) -> str:
        if match["field"]:
            return (name if match["field"] == "Name" else namespace) or match[0]
        tables = {"Labels": labels, "Annotations": notes}
        return tables[match["table"] or match["indexed"]].get(match["word"] or match["key"], "")

    return _PLACEHOLDER.sub(value, text) if "{{" in text else text


def _name(item: Node, by: str) -> str:
    named = below(item, by)
    return named.value if isinstance(named, Scalar) else ""


def _entries(node: Node) -> list[tuple[Scalar, Node]]:
    return entries(node) if isinstance(node, Mapping) else []


def _items(node: Node | None) -> list[Node]:
    return node.items if isinstance(node, Sequence) else []


def _mapping(like: Node, pairs: list[tuple[Scalar, Node]]) -> Mapping:
    return Mapping(like.start, like.end, like.line, like.column, pairs=pairs)


def _sequence(like: Node, items: list[Node]) -> Sequence:
    return Sequence(like.start, like.end, like.line, like.column, items=items)
