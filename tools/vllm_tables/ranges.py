"""Bounds of numbers that vLLM's configuration classes state in `Field(ge=1)`, by flag and by key of an
object."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from vllm_judge.source import Source
from vllm_tables.stores import Groups, ValueTable

_PLACES = ("vllm/config/", "vllm/config.py")
_LINE = "vllm/engine/arg_utils.py"
_BOUNDS = ("ge", "gt", "le", "lt")
_WHOLE = ("ModelConfig", "ParallelConfig", "CacheConfig", "SchedulerConfig", "LoadConfig", "VllmConfig")
"""What has flags of its own, and inside of another configuration is set by vLLM, not by a key."""
_DEEPEST = 2
_Fields = dict[str, tuple[dict[str, float], tuple[str, ...]]]
"""Of a class, by field: its bounds, and the names in its annotation."""


def ranges(source: Source) -> Groups:
    """`{"ge": 1}` by `arguments` and flag, and by flag and key; no group before vLLM stated bounds."""
    if _LINE not in source.paths:
        return {}
    classes = _classes(source)
    found: Groups = {"arguments": {}}
    for flag, named, field in _flags(source.tree(_LINE)):
        owner = named or next((name for name in _WHOLE if field in classes.get(name, {})), "")
        bounds, names = classes.get(owner, {}).get(field, ({}, ()))
        if bounds:
            found["arguments"][flag] = bounds
        for name in names:
            if name in classes and name not in _WHOLE and (keys := dict(_keys(name, classes, ""))):
                found.setdefault(flag, {}).update(keys)
    return found


def _classes(source: Source) -> dict[str, _Fields]:
    return {
        node.name: dict(_fields(node))
        for path in source.paths
        if path.startswith(_PLACES)
        for node in source.tree(path).body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Config")
    }


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, tuple[dict[str, float], tuple[str, ...]]]]:
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            bounds = _bounds(item.value)
            if item.target.id[0] != "_":
                names = tuple(part.id for part in ast.walk(item.annotation) if isinstance(part, ast.Name))
                yield item.target.id, (bounds, names)


def _bounds(value: ast.expr | None) -> dict[str, float]:
    match value:
        case ast.Call(func=ast.Name(id="Field"), keywords=keywords):
            stated = {keyword.arg: keyword.value for keyword in keywords if keyword.arg in _BOUNDS}
            return {str(name): ast.literal_eval(bound) for name, bound in sorted(stated.items(), key=str)}
    return {}


def _flags(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Flag, class and field of each `add_argument("--flag", **kwargs_of_class["field"])`."""
    owners: dict[str, str] = {}
    fields: dict[str, tuple[str, str]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Call(func=ast.Name(id="get_kwargs"), args=[ast.Name(id=owner)]),
            ):
                owners[name] = owner
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Subscript(
                    value=ast.Call(func=ast.Name(id="get_kwargs"), args=[ast.Name(id=owner)]),
                    slice=ast.Constant(value=str() as field),
                ),
            ):
                fields[name] = (owner, field)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
            yield from _flag(node, owners, fields)


def _flag(
    node: ast.Call, owners: dict[str, str], fields: dict[str, tuple[str, str]]
) -> Iterator[tuple[str, str, str]]:
    names = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    flag = next((name for name in names if name.startswith("--")), "")
    spread = [keyword.value for keyword in node.keywords if keyword.arg is None] if flag else []
    for value in spread:
        inner = value.values if isinstance(value, ast.Dict) else [value]
        for one in inner:
            match one:
                case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str() as field)) if (
                    name in owners
                ):
                    yield flag, owners[name], field
                case ast.Name(id=name) if name in fields:
                    yield flag, *fields[name]
    if flag and not spread:  # written out by hand: the field has the flag's own name
        yield flag, "", flag.removeprefix("--").replace("-", "_")


def _keys(
    owner: str, classes: dict[str, _Fields], before: str, depth: int = 0
) -> Iterator[tuple[str, dict[str, Any]]]:
    for field, (bounds, names) in classes[owner].items():
        if bounds:
            yield before + field, bounds
        for name in names:
            if name in classes and name not in _WHOLE and depth < _DEEPEST:
                yield from _keys(name, classes, f"{before}{field}.", depth + 1)


TABLE = ValueTable(
    name="ranges",
    file="ranges.json",
    about="Bounds (ge, gt, le, lt) that vLLM's configuration classes state for numbers: `arguments` by flag, "
    "and by flag and key of the objects that flags take; null: none.",
    reader=ranges,
)
