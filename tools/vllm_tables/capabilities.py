"""What a quantization asks of an NVIDIA GPU: its classes' minimum capability, and its experts' kernels.

Capabilities are compute capability x 10.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from vllm_judge.source import Source
from vllm_tables import kernels
from vllm_tables.methods import methods
from vllm_tables.stores import Groups, ValueTable

_ROOT = "vllm/model_executor/layers/quantization/"
_METHOD = ("MoEMethod", "FusedMoE", "MoeMethod")
"""How classes that run a layer of experts are named."""


def capabilities(source: Source) -> Groups:
    """Minimum capability, dtypes of the activations and methods for experts by class; kernels of experts."""
    trees = [source.tree(path) for path in source.paths if path.startswith(_ROOT)]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return {
        "min_capability": {
            name: least for name, least in minimum_capabilities(source).items() if _matters(name)
        },
        "experts": {node.name: found for node in classes if (found := sorted(set(_experts(node))))},
        "expert_kernels": kernels.devices(source),
        "expert_schemes": kernels.schemes(source),
        **methods(source),
    }


def _matters(name: str) -> bool:
    """Config classes and schemes decide; kernels and layers are chosen afterwards."""
    return name.endswith("Config") or name.startswith(("CompressedTensors", "Quark"))


def _experts(node: ast.ClassDef) -> Iterator[str]:
    """Classes that `get_quant_method` or `get_moe_method` makes for a layer of experts."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name in ("get_quant_method", "get_moe_method"):
            for inner in ast.walk(item):
                match inner:
                    case ast.Call(func=ast.Name(id=name)) if name.endswith(_METHOD):
                        yield name
                    case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="get_moe_method")) if name[
                        0
                    ].isupper():
                        yield name


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


TABLE = ValueTable(
    name="capabilities",
    file="capabilities.json",
    about="What vLLM's quantization classes ask of an NVIDIA GPU, compute capability x 10: "
    "get_min_capability and "
    "get_supported_act_dtypes by class, the methods that a class makes for experts, the"
    " capabilities that the "
    "experts' kernels accept, by themselves and for a scheme of weights / activations, "
    "their libraries being there; the class of each method, the file that it wants of a checkpoint, what its "
    "constructor needs; models refused in float16.",
    reader=capabilities,
)
