"""Kubernetes' strategic merge over YAML trees: what KServe does with configurations and the service.

The values that come out are the nodes of the texts that they stand in, so each still knows its place.
Source: `mergeSpecs` in pkg/controller/v1alpha2/llmisvc/config_merge.go of KServe, which makes a patch out of
what is said alone: a null, an empty list or an empty mapping takes nothing away. The keys of lists are the
`patchMergeKey`s of k8s.io/api core/v1.
"""

from __future__ import annotations

from modelcar_tui.manifest.plain import entries, is_null, plain
from modelcar_tui.manifest.spans import Mapping, Node, Scalar, Sequence, deref

_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "resourceClaims": "name",
}
"""Lists that are merged item by item, and by what; any other is replaced whole."""
_RETAINED = ("volumes",)
"""Lists whose items keep only the keys that are written last: a volume changes its kind whole."""
_DEEPEST = 40


def merged(base: Node | None, over: Node | None, key: str = "", depth: int = 0) -> Node | None:
    """One value laid over another; None where neither says anything.

    Args:
        key: under which both stand: it tells what a list is merged by.
    """
    if over is None or is_null(over):
        return base
    over = deref(over)
    below = deref(base) if base is not None else None
    if isinstance(over, Mapping) and isinstance(below, Mapping) and depth < _DEEPEST:
        return _mappings(below, over, depth)
    if isinstance(over, Sequence) and isinstance(below, Sequence):
        if not over.items:
            return below
        if key in _KEYS and depth < _DEEPEST:
            return _sequences(below, over, key, depth)
    return over


def _mappings(base: Mapping, over: Mapping, depth: int) -> Mapping:
    found: dict[str, tuple[Scalar, Node]] = {name.value: (name, value) for name, value in entries(base)}
    for name, value in entries(over):
        before = found.get(name.value)
        laid = merged(before[1] if before else None, value, name.value, depth + 1)
        if laid is not None:
            found[name.value] = (name, laid)
    return Mapping(over.start, over.end, over.line, over.column, pairs=list(found.values()))


def _sequences(base: Sequence, over: Sequence, key: str, depth: int) -> Sequence:
    by = _KEYS[key]
    items = [deref(item) for item in base.items]
    places = {name: index for index, item in enumerate(items) if (name := _name(item, by)) is not None}
    for item in over.items:
        name = _name(item, by)
        if name is not None and name in places:
            laid = merged(items[places[name]], item, "", depth + 1) or deref(item)
            items[places[name]] = _retained(laid, item) if key in _RETAINED else laid
        else:
            items.append(deref(item))
    return Sequence(over.start, over.end, over.line, over.column, items=items)


def _retained(laid: Node, item: Node) -> Node:
    item = deref(item)
    if isinstance(laid, Mapping) and isinstance(item, Mapping):
        said = {name.value for name, _ in entries(item)}
        laid.pairs = [(name, value) for name, value in laid.pairs if name.value in said]
    return laid


def _name(item: Node, by: str) -> str | None:
    item = deref(item)
    for key, value in entries(item) if isinstance(item, Mapping) else ():
        if key.value == by:
            return str(plain(value))
    return None
