"""What every object has: its metadata (k8s.io/apimachinery, pkg/api/validation/objectmeta.go)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from modelcar_tui.core.errors import Problem
from modelcar_tui.kserve.schemas import Schema
from modelcar_tui.kserve.settle import step

_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "object", "additionalProperties": _TEXT}
_TIME: Schema = {"type": "string", "format": "date-time"}
_COUNT: Schema = {"type": "integer", "format": "int64"}
_OWNER: Schema = {
    "type": "object",
    "required": ["apiVersion", "kind", "name", "uid"],
    "properties": {
        **dict.fromkeys(("apiVersion", "kind", "name", "uid"), _TEXT),
        **{name: {"type": "boolean"} for name in ("blockOwnerDeletion", "controller")},
    },
}
OBJECT_META: Schema = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("name", "generateName", "namespace", "resourceVersion", "selfLink", "uid"), _TEXT),
        **dict.fromkeys(("labels", "annotations"), _TEXTS),
        **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), _TIME),
        **dict.fromkeys(("generation", "deletionGracePeriodSeconds"), _COUNT),
        "finalizers": {"type": "array", "items": _TEXT},
        "ownerReferences": {"type": "array", "items": _OWNER},
        "managedFields": {
            "type": "array",
            "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    },
}
"""ObjectMeta (meta/v1), which no CustomResourceDefinition describes."""
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*", re.ASCII)
_DNS_LABEL = re.compile(_LABEL, re.ASCII)
_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", re.ASCII)
_LONGEST_NAME = 253
_LONGEST_PART = 63
_ANNOTATIONS = 256 * 1024
"""Bytes of all annotations with their keys."""


def names(meta: dict[str, Any], scope: str) -> Iterator[Problem]:
    """What is wrong with the names in an object's metadata, whose types are right.

    Args:
        meta: of the object, settled.
        scope: `Namespaced` or `Cluster`.
    """
    yield from _name(meta)
    yield from _namespace(meta.get("namespace", ""), scope)
    for key, value in meta.get("labels", {}).items():
        yield from _key("metadata.labels", key)
        if value and not (_PART.fullmatch(value) and len(value) <= _LONGEST_PART):
            what = (
                "a label must be letters, digits, -, _ and ., at most 63, with a letter or digit at both ends"
            )
            yield _wrong(step("metadata.labels", key), what)
    annotations = meta.get("annotations", {})
    for key in annotations:
        yield from _key("metadata.annotations", key.lower())
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _ANNOTATIONS:
        yield _wrong("metadata.annotations", "must have at most 256 KiB together", code="value-out-of-range")


def _name(meta: dict[str, Any]) -> Iterator[Problem]:
    name, prefix = meta.get("name", ""), meta.get("generateName", "")
    if not name and not prefix:
        yield _wrong("metadata.name", "is missing", "add it", "field-missing")
    elif not _is_subdomain(name or prefix.rstrip("-")):
        what = "must be lower-case letters, digits, - and ., at most 253, with a letter or digit at both ends"
        yield _wrong("metadata.name" if name else "metadata.generateName", what)


def _namespace(space: str, scope: str) -> Iterator[Problem]:
    if space and scope == "Cluster":
        fix = "take the namespace out"
        yield _wrong("metadata.namespace", "objects of this kind stand in no namespace", fix)
    elif space and not (_DNS_LABEL.fullmatch(space) and len(space) <= _LONGEST_PART):
        what = "must be lower-case letters, digits and -, at most 63, with a letter or digit at both ends"
        yield _wrong("metadata.namespace", what)


def _key(path: str, key: str) -> Iterator[Problem]:
    prefix, slash, name = key.rpartition("/")
    right = len(name) <= _LONGEST_PART and _PART.fullmatch(name) and (not slash or _is_subdomain(prefix))
    if not right:
        what = "a key must be a name of at most 63 letters, digits, -, _ and ., or domain/name"
        yield _wrong(step(path, key), what)


def _is_subdomain(text: str) -> bool:
    return len(text) <= _LONGEST_NAME and _SUBDOMAIN.fullmatch(text) is not None


def _wrong(where: str, what: str, fix: str = "", code: str = "value-malformed") -> Problem:
    return Problem(where=where, what=what, fix=fix, code=code)
