"""What vLLM's configuration asks of a quantization method: its class, the checkpoint's own file, the dtypes;
and the models that it refuses in float16."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TypeVar

from vllm_judge.source import Source
from vllm_tables.stores import Groups

_ROOT = "vllm/model_executor/layers/quantization/"
_REGISTRIES = ("QUANTIZATION_METHODS", "method_to_config")
_ONLINE = "OnlineQuantizationConfig"
_SHORTHANDS = ("_ONLINE_SHORTHANDS", "OnlineQuantScheme")
_HALF = "_FLOAT16_NOT_SUPPORTED_MODELS"
_DEEP = 8
Value = TypeVar("Value")


def methods(source: Source) -> Groups:
    """Groups of `capabilities.json`: `methods` by name, `online`, `config_files`, `constructors` and
    `act_dtypes` by class, `float16`."""
    online = sorted(set(_shorthands(source)))
    named = dict.fromkeys(online, _ONLINE) | dict(_methods(source))
    classes = _Classes(source, set(named.values()))
    kinds = sorted(set(named.values()))
    refused = _refused_in_half(source)
    return {
        "methods": named,
        "online": {"methods": online} if online else {},
        "config_files": _found(kinds, classes, _config_files),
        "constructors": _found(kinds, classes, _required),
        "act_dtypes": _found(classes.configs(), classes, _dtypes),
        "float16": {"refused": refused} if refused else {},
    }


class _Classes:
    """Classes by name, and what they inherit."""

    def __init__(self, source: Source, wanted: set[str]) -> None:
        self._nodes: dict[str, ast.ClassDef] = {}
        for path in source.paths:
            if path.startswith(_ROOT):
                self._take(source, path)
        for name in sorted(wanted - set(self._nodes)):
            for path in source.paths:
                if f"class {name}(" in source.text(path):
                    self._take(source, path)

    def _take(self, source: Source, path: str) -> None:
        for node in ast.walk(source.tree(path)):
            if isinstance(node, ast.ClassDef):
                self._nodes.setdefault(node.name, node)

    def configs(self) -> list[str]:
        """Those that are named as configurations."""
        return sorted(name for name in self._nodes if name.endswith("Config"))

    def of(self, name: str, ask: Callable[[ast.ClassDef], Value | None], depth: int = 0) -> Value | None:
        """What the class says, or the first of its bases that does."""
        node = self._nodes.get(name)
        if node is None or depth > _DEEP:
            return None
        found = ask(node)
        bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
        answers = (self.of(base, ask, depth + 1) for base in bases)
        return found if found is not None else next((one for one in answers if one is not None), None)


def _found(
    names: list[str], classes: _Classes, ask: Callable[[ast.ClassDef], list[str] | None]
) -> dict[str, list[str]]:
    answers = ((name, classes.of(name, ask)) for name in names)
    return {name: answer for name, answer in answers if answer is not None}


def _methods(source: Source) -> Iterator[tuple[str, str]]:
    """The class of each method that has one of its own."""
    for node in ast.walk(source.tree(_ROOT + "__init__.py")):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict() as table)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict() as table)
            ) if name in _REGISTRIES:
                yield from _rows(table)


def _rows(table: ast.Dict) -> Iterator[tuple[str, str]]:
    for key, value in zip(table.keys, table.values, strict=True):
        match key, value:
            case ast.Constant(value=str(name)), ast.Name(id="deepseek_config"):
                yield name, "DeepseekV4FP8Config"
            case ast.Constant(value=str(name)), ast.Name(id=kind):
                yield name, kind


def _shorthands(source: Source) -> Iterator[str]:
    """Methods that quantize an unquantized checkpoint while it is loaded: vllm/config/quantization.py."""
    path = "vllm/config/quantization.py"
    for node in source.tree(path).body if path in source.paths else ():
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(keys=keys))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(keys=keys))
            ) if name in _SHORTHANDS:
                yield from (str(key.value) for key in keys if isinstance(key, ast.Constant))
            case ast.ClassDef(name=name) if name in _SHORTHANDS:
                values = [item.value for item in node.body if isinstance(item, ast.Assign)]
                yield from (str(value.value) for value in values if isinstance(value, ast.Constant))


def _method_of(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    functions = (item for item in node.body if isinstance(item, ast.FunctionDef))
    return next((item for item in functions if item.name == name), None)


def _config_files(node: ast.ClassDef) -> list[str] | None:
    """`get_config_filenames`: the files one of which a checkpoint must have; none where it needs none."""
    method = _method_of(node, "get_config_filenames")
    returned = [item.value for item in ast.walk(method) if isinstance(item, ast.Return)] if method else []
    for value in returned:
        if isinstance(value, ast.List):
            return [str(item.value) for item in value.elts if isinstance(item, ast.Constant)]
    return None


def _required(node: ast.ClassDef) -> list[str] | None:
    """What its constructor can't do without, which only a checkpoint's own configuration tells."""
    method = _method_of(node, "__init__")
    if method is None:
        return None
    names = [argument.arg for argument in method.args.args][1:]
    alone = zip(method.args.kwonlyargs, method.args.kw_defaults, strict=True)
    return [*names[: len(names) - len(method.args.defaults)], *(one.arg for one, own in alone if own is None)]


def _dtypes(node: ast.ClassDef) -> list[str] | None:
    """`get_supported_act_dtypes`: the dtypes that it names."""
    method = _method_of(node, "get_supported_act_dtypes")
    named = (inner for inner in ast.walk(method) if isinstance(inner, ast.Attribute)) if method else ()
    found = {
        inner.attr
        for inner in named
        if isinstance(inner.value, ast.Name) and inner.value.id == "torch" and inner.attr != "dtype"
    }
    return sorted(found) or None


def _refused_in_half(source: Source) -> list[str]:
    """Keys of the models that `_check_valid_dtype` refuses in float16."""
    for path in source.paths:
        if path.startswith(("vllm/config/", "vllm/config.py")) and _HALF in source.text(path):
            for node in source.tree(path).body:
                match node:
                    case (
                        ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(keys=keys))
                        | ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(keys=keys))
                    ) if name == _HALF:
                        return sorted(str(key.value) for key in keys if isinstance(key, ast.Constant))
    return []
