"""The schemas of `tests/data/crds`: objects held against them, and the fields that a reader's types name."""

from __future__ import annotations

import json
import lzma
import types
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import msgspec

from modelcar_tui import kserve
from modelcar_tui.demo.kube_store import Kind

FOLDER = Path(__file__).parents[2] / "data" / "crds"
KSERVE = Path(kserve.__file__).parent / "crds"
Schema = dict[str, Any]
_OPEN = "x-kubernetes-preserve-unknown-fields"
_WORDS = ("kind", "apiVersion", "metadata")


@cache
def kind_file(name: str) -> dict[str, Any]:
    """A kind with its schemas in each release: `plural.group`."""
    if name in (found := _kserve()):
        return found[name]
    read: dict[str, Any] = json.loads(lzma.decompress((FOLDER / f"{name}.json.xz").read_bytes()))
    return read


@cache
def _kserve() -> dict[str, dict[str, Any]]:
    """KServe's kinds, which the product keeps with their CEL rules, in the form of the folder's files."""
    kept = json.loads(lzma.decompress((KSERVE / "kserve.json.xz").read_bytes()))
    made = {}
    for kind, told in kept["kinds"].items():
        releases = [
            {
                "release": f"OpenShift AI {one['release']}",
                **{key: one[key] for key in ("repository", "commit")},
                "path": shipped["path"],
                "versions": {
                    version: without_rules(kept["schemas"][digest])
                    for version, digest in shipped["versions"].items()
                },
            }
            for one in kept["releases"]
            if (shipped := one["kinds"].get(kind)) is not None
        ]
        made[f"{told['plural']}.{told['group']}"] = {**told, "kind": kind, "releases": releases}
    return made


def without_rules(schema: Any) -> Any:
    """A schema without CEL rules, which API servers before 1.23 refuse."""
    if isinstance(schema, list):
        return [without_rules(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: without_rules(one) for key, one in schema.items() if key != "x-kubernetes-validations"}


@cache
def names() -> list[str]:
    return sorted({*(path.name.removesuffix(".json.xz") for path in FOLDER.glob("*.json.xz")), *_kserve()})


def schemas(name: str, version: str) -> list[tuple[str, Schema]]:
    """Each release that serves the version, the newest last, with its schema."""
    return [
        (one["release"], one["versions"][version])
        for one in kind_file(name)["releases"]
        if version in one["versions"]
    ]


def closed(schema: Any) -> Any:
    """The schema with every object closed that does not keep unknown fields, and nulls where they may be."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items() if key not in ("properties", "format")}
    if "properties" in schema:
        made["properties"] = {key: closed(value) for key, value in schema["properties"].items()}
        if not schema.get(_OPEN) and "additionalProperties" not in schema:
            made["additionalProperties"] = False
    if schema.get("nullable") and "type" in schema:
        made["type"] = [schema["type"], "null"]
    return made


def checker(schema: Schema) -> jsonschema.Draft202012Validator:
    whole = closed(schema)
    for word in _WORDS:
        whole["properties"].setdefault(word, {})
    return jsonschema.Draft202012Validator(whole)


def faults(value: dict[str, Any], against: jsonschema.Draft202012Validator) -> list[str]:
    """What is wrong with an object, each with its place."""
    return [f"{one.json_path}: {one.message}" for one in against.iter_errors(value)]


def fields(reader: Any, path: str = "") -> Iterator[str]:
    """The paths that a type of ours reads: `spec.components.kserve`; `[]` is a list's item, `{}` a map's."""
    origin, inner = typing.get_origin(reader), typing.get_args(reader)
    if origin in (typing.Union, types.UnionType):
        for one in inner:
            yield from fields(one, path)
    elif origin in (list, tuple):
        yield from fields(inner[0], f"{path}[]")
    elif origin is dict:
        yield from fields(inner[1], f"{path}{{}}")
    elif isinstance(reader, type) and issubclass(reader, msgspec.Struct):
        hints = typing.get_type_hints(reader)
        for field in msgspec.structs.fields(reader):
            step = f"{path}.{field.encode_name}" if path else field.encode_name
            yield step
            yield from fields(hints[field.name], step)


def has(schema: Schema, path: str) -> bool:
    """Whether a schema knows the path; below what is kept unread every path is known."""
    at: Any = schema
    for step in path.replace("[]", ".[]").replace("{}", ".{}").split("."):
        if at is True or at.get(_OPEN) or (not at.keys() - {"type", "x-kubernetes-map-type"}):
            return True
        if step == "[]":
            at = at.get("items", {"properties": {}})
        elif step == "{}":
            at = at.get("additionalProperties", {"properties": {}})
        elif step in at.get("properties", {}):
            at = at["properties"][step]
        else:  # a name of one's own in a map of texts, such as a label, which has dots itself
            named = at.get("additionalProperties", {})
            return "properties" not in at and "string" in named.get("type", ())
    return True


@cache
def core_schemas(name: str) -> list[Schema]:
    """A kind of Kubernetes' own, `api.core.v1.Node`, in an old and in the newest release that has it."""
    folder = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    found = []
    for release in ("v1.25.0-local", "v1.34.0-local", "v1.37.0-local"):
        every = json.loads((folder / release / "_definitions.json").read_text())["$defs"]
        if (schema := every.get(f"io.k8s.{name}")) is not None:
            found.append(_inlined(schema, every))
    assert found, f"no release has {name}"
    return found


def _inlined(schema: Any, every: Schema) -> Any:
    if isinstance(schema, list):
        return [_inlined(one, every) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(named := schema.get("$ref"), str):
        return _inlined(every[named.rpartition("/")[2]], every)
    return {
        key: _inlined(value, every)
        for key, value in schema.items()
        if key != "description" or isinstance(value, dict)
    }


@cache
def _checkers(name: str, version: str) -> list[tuple[str, jsonschema.Draft202012Validator]]:
    return [(release, checker(schema)) for release, schema in schemas(name, version)]


def faults_of(kind: Kind, value: dict[str, Any]) -> list[str]:
    """What is wrong with an object of a stub cluster, by the release that finds least; nothing of kinds whose
    schema is not kept."""
    name = f"{kind.plural}.{kind.group}"
    if name not in names():
        return []
    told = [
        [f"{kind.kind} {value.get('metadata', {}).get('name')} ({release}): {fault}" for fault in wrong]
        for release, one in _checkers(name, kind.version)
        for wrong in (faults(value, one),)
    ]
    return min(told, key=len) if told else [f"no release serves {kind.api} {kind.kind}"]
