"""Connectors that work with the hybrid KV cache manager: classes below vLLM's `SupportsHMA`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from vllm_judge.source import Source

_WHERE = "vllm/distributed/kv_transfer/kv_connector"
_MARK = "SupportsHMA"


def hybrid_connectors(source: Source) -> dict[str, str]:
    """`on` by the name under which such a connector is registered."""
    trees = [source.tree(path) for path in source.paths if path.startswith(_WHERE)]
    bases = {one.name: {_name(base) for base in one.bases} for tree in trees for one in _classes(tree)}
    bases |= {name: {meant} for tree in trees for name, meant in _other_names(tree)}
    able = {_MARK}
    while more := {name for name, own in bases.items() if own & able} - able:
        able |= more
    return {name: "on" for tree in trees for name, target in _registered(tree) if target in able}


def _classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def _other_names(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """`NixlConnector = NixlPullConnector`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            yield from ((one.id, node.value.id) for one in node.targets if isinstance(one, ast.Name))


def _registered(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Name and class of each `register_connector(name, module, class)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) == "register_connector":
            words = [one.value for one in node.args if isinstance(one, ast.Constant)]
            if len(words) == 3:
                yield str(words[0]), str(words[2])


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
