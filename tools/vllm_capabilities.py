"""Minimum compute capabilities, and the method names, from the syntax trees of a vLLM release."""

from __future__ import annotations

import ast

from vllm_judge.source import Source

_ROOT = "vllm/model_executor/layers/quantization/"


def minimum_capabilities(source: Source) -> dict[str, int]:
    """`get_min_capability` of every class below the quantization layers, by class name.

    A class without one of its own takes its base's; of several returned numbers the smallest counts, as it is
    the one for NVIDIA GPUs that need least.
    """
    own: dict[str, int | str] = {}
    bases: dict[str, list[str]] = {}
    for path in source.paths:
        if path.startswith(_ROOT):
            for node in ast.walk(source.tree(path)):
                if isinstance(node, ast.ClassDef):
                    bases.setdefault(
                        node.name, [base.id for base in node.bases if isinstance(base, ast.Name)]
                    )
                    found = _own(node)
                    if found is not None:
                        own[node.name] = found
    result: dict[str, int] = {}
    for name in bases:
        value = _resolve(name, own, bases, depth=0)
        if value is not None:
            result[name] = value
    return result


def methods(source: Source) -> tuple[str, ...]:
    """The names in `QUANTIZATION_METHODS`, sorted."""
    path = _ROOT + "__init__.py"
    for node in source.tree(path).body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(
            node.value, (ast.List, ast.Subscript)
        ):
            names = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            if any(isinstance(name, ast.Name) and "QuantizationMethods" in name.id for name in names) or any(
                isinstance(name, ast.Name) and name.id == "QUANTIZATION_METHODS" for name in names
            ):
                words = [item.value for item in ast.walk(node.value) if isinstance(item, ast.Constant)]
                return tuple(sorted(str(word) for word in words))
    return ()


def _own(node: ast.ClassDef) -> int | str | None:
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "get_min_capability":
            returned = [
                inner.value for inner in ast.walk(item) if isinstance(inner, ast.Return) and inner.value
            ]
            whole = [number for value in returned for number in _numbers(value)]
            if whole:
                return min(whole)
            for value in returned:
                if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
                    inner = value.func.value
                    return inner.id if isinstance(inner, ast.Name) else None
    return None


def _numbers(node: ast.expr) -> list[int]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return [-number for number in _numbers(node.operand)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, int) else []


def _resolve(name: str, own: dict[str, int | str], bases: dict[str, list[str]], *, depth: int) -> int | None:
    if depth > 8:
        return None
    value = own.get(name)
    if isinstance(value, int):
        return value
    nexts = [value] if isinstance(value, str) else bases.get(name, [])
    for other in nexts:
        found = _resolve(other, own, bases, depth=depth + 1)
        if found is not None:
            return found
    return None
