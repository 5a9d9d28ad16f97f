"""Names that vLLM collects while it is imported: parsers, backends, connectors, methods, formats."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from vllm_judge.source import Source
from vllm_tables.asked import asked
from vllm_tables.stores import Names, NameTable

_CONFIGS = ("vllm/config/", "vllm/config.py")
_LITERALS = {
    "quantization": ("QuantizationMethods",),
    "speculative methods": ("SpeculativeMethod",),
    "structured outputs backends": (
        "StructuredOutputsBackend",
        "GuidedDecodingBackend",
        "GuidedDecodingBackendV1",
    ),
    "executor backends": ("DistributedExecutorBackend",),
    "config formats": ("ConfigFormat",),
    "load formats": ("LoadFormats",),
    "tokenizer modes": ("TokenizerMode",),
    "kv-cache dtypes": ("CacheDType",),
    "mamba cache dtypes": ("MambaDType",),
    "mamba cache modes": ("MambaCacheMode",),
    "expert backends": ("MoEBackend",),
    "linear backends": ("LinearBackend",),
    "model dtypes": ("ModelDType",),
    "model implementations": ("ModelImpl",),
    "runners": ("RunnerType", "RunnerOption"),
    "conversions": ("ConvertType", "ConvertOption"),
    "kv roles": ("KVRole",),
}
"""Type aliases of which any file may hold one."""
_ENUMS = {
    "attention backends": ("AttentionBackendEnum", "_Backend"),
    "config formats": ("ConfigFormat",),
    "load formats": ("LoadFormat",),
    "cudagraph modes": ("CUDAGraphMode",),
    "compilation modes": ("CompilationMode", "CompilationLevel"),
}
_TABLES = {
    "tool-call parsers": ("_TOOL_PARSERS_TO_REGISTER",),
    "reasoning parsers": ("_REASONING_PARSERS_TO_REGISTER",),
    "config formats": ("_CONFIG_FORMAT_TO_CONFIG_PARSER",),
    "load formats": ("_LOAD_FORMAT_TO_MODEL_LOADER",),
    "tokenizer modes": ("_VLLM_TOKENIZERS",),
    "quantization": ("QUANTIZATION_METHODS",),
}
"""Dictionaries whose keys are the names."""
_CALLS = {
    "kv connectors": ("KVConnectorFactory.register_connector", ""),
    "ec connectors": ("ECConnectorFactory.register_connector", ""),
    "tool-call parsers": ("ToolParserManager.register_module", "tool_parsers/"),
    "reasoning parsers": ("ReasoningParserManager.register_module", "reasoning/"),
    "tokenizer modes": ("TokenizerRegistry.register", ""),
}
"""Calls whose first argument, or `name`, is the name; only below a folder where one is told."""


def names(source: Source) -> Names:
    """Sorted names by group; a group that this release does not have is not there."""
    found: dict[str, set[str]] = {}
    for path in source.paths:
        text = source.text(path)
        if not any(word in text for word in _WORDS):  # spares the tree of almost every file
            continue
        for node in ast.walk(source.tree(path)):
            for group, name in _of(node, path):
                found.setdefault(group, set()).add(name)
    for group, aliases in _LITERALS.items():
        for alias in aliases:
            found.setdefault(group, set()).update(_literal(source, alias))
    if source.root is not None:  # what registers itself while it is imported is asked, not read
        asking = asked(source.root, source.version)
        found |= {
            "tool-call parsers": set(asking.tool_parsers),
            "reasoning parsers": set(asking.reasoning_parsers),
        }
    return {group: sorted(listed) for group, listed in sorted(found.items()) if listed}


_WORDS = (
    *(f"class {name}(" for enums in _ENUMS.values() for name in enums),
    *(name for tables in _TABLES.values() for name in tables),
    *(call for call, _ in _CALLS.values()),
)


def _of(node: ast.AST, path: str) -> Iterator[tuple[str, str]]:
    match node:
        case ast.ClassDef(name=name):
            for group, enums in _ENUMS.items():
                if name in enums:
                    yield from ((group, member) for member in _members(node, group))
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(keys=keys))
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict(keys=keys))
        ):
            for group, tables in _TABLES.items():
                if name in tables:
                    yield from ((group, word) for word in map(_word, keys) if word)
        case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=attribute)):
            for group, (call, below) in _CALLS.items():
                if call == f"{owner}.{attribute}" and below in path:
                    yield from ((group, name) for name in _first(node))


def _members(node: ast.ClassDef, group: str) -> Iterator[str]:
    """Names of an enumeration's members; values where they are what is written (`auto`)."""
    by_value = group in ("config formats", "load formats")
    for item in node.body:
        match item:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if not name.startswith("_"):
                if not by_value:
                    yield name
                elif isinstance(value, ast.Constant):
                    yield str(value.value)


def _first(call: ast.Call) -> Iterator[str]:
    named = [keyword.value for keyword in call.keywords if keyword.arg == "name"]
    for value in [*named, *call.args][:1]:
        for item in value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value]:
            if word := _word(item):
                yield word


def _word(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _literal(source: Source, alias: str) -> Iterator[str]:
    """The options of a type alias, other aliases in it included."""
    for path in source.paths:
        if f"{alias} =" in source.text(path) or f"{alias}:" in source.text(path):
            aliases = dict(_aliases(source.tree(path)))
            if alias in aliases:
                yield from _options(aliases[alias], aliases.get)


def _aliases(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value


def _options(node: ast.expr | None, find: Callable[[str], ast.expr | None]) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Name(id=name):
            yield from _options(find(name), find)
        case ast.Subscript(value=ast.Name(id="Literal" | "Union" | "Optional"), slice=inner):
            for part in inner.elts if isinstance(inner, ast.Tuple) else [inner]:
                yield from _options(part, find)
        case ast.BinOp(left=left, right=right):
            yield from _options(left, find)
            yield from _options(right, find)
        case ast.Call(func=ast.Name(id="get_args"), args=[inner]):
            yield from _options(inner, find)


TABLE = NameTable(
    name="names",
    file="names.json",
    about="Names that vLLM registers or lists itself, by group and the span of read releases that have them.",
    reader=names,
)
