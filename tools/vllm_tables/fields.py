"""Defaults that vLLM's configuration classes state as plain values, and the constants beside them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from vllm_judge.source import Source

_PLACES = ("vllm/config/", "vllm/config.py")
_MISSING = object()


def fields(source: Source) -> dict[str, Any]:
    """Default by `Class.field`; what is no plain value, or None, is left out."""
    classes = {
        node.name: node
        for path in source.paths
        if path.startswith(_PLACES)
        for node in source.tree(path).body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Config")
    }
    found = {}
    for name, node in classes.items():
        for field, value in _stated(node):
            plain = _plain(value, classes)
            if plain is not _MISSING and plain is not None:
                found[f"{name}.{field}"] = plain
    return found


def _stated(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    for item in node.body:
        match item:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name[0] != "_":
                yield name, value
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name[0] != "_":
                yield name, value


def _plain(value: ast.expr, classes: dict[str, ast.ClassDef], depth: int = 0) -> Any:
    """The value of a literal, of `Field(default=...)`, of `field(default_factory=lambda: ...)` or
    `Other.field`."""
    if depth > 4:
        return _MISSING
    match value:
        case ast.Call(func=ast.Name(id="Field" | "field"), args=args, keywords=keywords):
            named = {keyword.arg: keyword.value for keyword in keywords}
            if "default_factory" in named:
                made = named["default_factory"]
                return _plain(made.body, classes, depth + 1) if isinstance(made, ast.Lambda) else _MISSING
            inner = named.get("default") or (args[0] if args else None)
            return _plain(inner, classes, depth + 1) if inner is not None else _MISSING
        case ast.Attribute(value=ast.Name(id=owner), attr=field) if owner in classes:
            stated = dict(_stated(classes[owner])).get(field)
            return _plain(stated, classes, depth + 1) if stated is not None else _MISSING
        case ast.Call(func=ast.Name(id="get_field")):
            return _MISSING
    try:
        plain = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return _MISSING
    return plain if isinstance(plain, (bool, int, float, str, list)) else _MISSING
