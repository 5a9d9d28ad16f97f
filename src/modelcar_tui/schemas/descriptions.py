"""What a struct's author wrote below each field, for schemas: msgspec tells only of classes."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, get_origin

import msgspec


def attribute_docs(kind: type) -> dict[str, str]:
    """The text below each field of a class, or member of an enum, on one line, by its name."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    found = {}
    for field, text in pairwise(getattr(body, "body", ())):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(words))),
            ):
                found[name] = " ".join(words.split())
    return found


def describe(schema: dict[str, Any], kind: type) -> None:
    """Put the texts of all structs that `kind` reaches into its schema, in place."""
    for struct in _structs(msgspec.inspect.type_info(kind), set()):
        docs, names = attribute_docs(struct), {field.encode_name for field in msgspec.structs.fields(struct)}
        for definition in schema["$defs"].values():
            properties = definition.get("properties", {})
            if definition.get("title", "").partition("[")[0] == struct.__name__ and names == set(properties):
                for name in docs.keys() & names:
                    properties[name]["description"] = docs[name]


def _structs(info: Any, seen: set[type]) -> Iterator[type]:
    """All structs below a type, each once; `info` is what `msgspec.inspect` says of it, or a part of that."""
    if isinstance(info, tuple):
        for part in info:
            yield from _structs(part, seen)
    elif isinstance(info, msgspec.inspect.StructType):
        kind = get_origin(info.cls) or info.cls
        if kind not in seen:
            seen.add(kind)
            yield kind
            yield from _structs(info.fields, seen)
    elif isinstance(info, (msgspec.inspect.Type, msgspec.inspect.Field)):
        for name in info.__struct_fields__:
            yield from _structs(getattr(info, name), seen)
