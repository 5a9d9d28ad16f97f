"""What a YAML tree means: plain values with aliases expanded and merge keys flattened.

Values are `str`, `None`, `Other` (numbers, booleans, ... as they are spelled), `list` and `dict`. Two texts
with equal plain values mean the same to every reader of YAML.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from modelcar_tui.manifest.spans import (
    BOOL,
    FLOAT,
    INT,
    MAX_DEPTH,
    MERGE,
    NULL,
    STR,
    Mapping,
    Node,
    Scalar,
    Sequence,
    deref,
)


class Other(NamedTuple):
    """A scalar that is neither text nor null, by its tag and spelling."""

    tag: str
    text: str


def integer(value: int) -> Other:
    """A whole number as a plain value."""
    return Other(INT, str(value))


def plain(node: Node, memo: dict[int, Any] | None = None) -> Any:
    """The plain value of a node. Aliases of one node give the same object: don't change it in place."""
    memo = {} if memo is None else memo
    node = deref(node)
    if isinstance(node, Scalar):
        return scalar(node)
    if id(node) not in memo:
        if isinstance(node, Sequence):
            memo[id(node)] = [plain(item, memo) for item in node.items]
        elif isinstance(node, Mapping):
            memo[id(node)] = {scalar(key): plain(value, memo) for key, value in entries(node)}
    return memo[id(node)]


def node_of(value: Any, depth: int = 0) -> Node:
    """A tree without places of a value as JSON has it; what is too deep for a manifest is a null."""
    if isinstance(value, dict) and depth < MAX_DEPTH:
        pairs = [(_leaf(STR, str(key)), node_of(inner, depth + 1)) for key, inner in value.items()]
        return Mapping(0, 0, 0, 0, pairs=pairs)
    if isinstance(value, list) and depth < MAX_DEPTH:
        return Sequence(0, 0, 0, 0, items=[node_of(item, depth + 1) for item in value])
    if isinstance(value, str):
        return _leaf(STR, value)
    if isinstance(value, bool):
        return _leaf(BOOL, str(value).lower())
    if isinstance(value, int | float):
        return _leaf(INT if isinstance(value, int) else FLOAT, str(value))
    return _leaf(NULL, "")


def _leaf(tag: str, value: str) -> Scalar:
    return Scalar(0, 0, 0, 0, value=value, tag=tag)


def scalar(node: Scalar) -> str | Other | None:
    """The plain value of a scalar."""
    if node.tag == STR:
        return node.value
    return None if node.tag == NULL else Other(node.tag, node.value)


def entries(mapping: Mapping) -> list[tuple[Scalar, Node]]:
    """The pairs of a mapping with merge keys (`<<`) flattened: its own keys first, then the merged ones."""
    own = [(key, value) for key, value in mapping.pairs if key.tag != MERGE]
    if len(own) == len(mapping.pairs):
        return own
    seen = {scalar(key) for key, _ in own}
    for key, value in mapping.pairs:
        if key.tag != MERGE:
            continue
        target = deref(value)
        for source in target.items if isinstance(target, Sequence) else [target]:
            merged = deref(source)
            for inner_key, inner in entries(merged) if isinstance(merged, Mapping) else []:
                if scalar(inner_key) not in seen:
                    seen.add(scalar(inner_key))
                    own.append((inner_key, inner))
    return own


def bad_merge(mapping: Mapping) -> Node | None:
    """The value of a merge key that is no mapping and no list of mappings."""
    for key, value in mapping.pairs:
        if key.tag == MERGE:
            target = deref(value)
            for source in target.items if isinstance(target, Sequence) else [target]:
                if not isinstance(deref(source), Mapping):
                    return source
    return None


def get(mapping: Node, name: str) -> Node | None:
    """The value of a key, own or merged; still an alias if one stands there."""
    mapping = deref(mapping)
    if isinstance(mapping, Mapping):
        for key, value in entries(mapping):
            if key.tag == STR and key.value == name:
                return value
    return None


def own_pair(mapping: Mapping, name: str) -> tuple[Scalar, Node] | None:
    """The pair that is written in this very mapping, not merged into it."""
    for key, value in mapping.pairs:
        if key.tag == STR and key.value == name:
            return key, value
    return None


def is_null(node: Node | None) -> bool:
    """Whether there is no value, or a null."""
    if node is None:
        return True
    node = deref(node)
    return isinstance(node, Scalar) and node.tag == NULL


def is_empty(node: Node | None) -> bool:
    """Null, or a collection with nothing in it: what the QA suite calls missing."""
    if node is None or is_null(node):
        return True
    node = deref(node)
    return not plain(node) if isinstance(node, (Sequence, Mapping)) else False
