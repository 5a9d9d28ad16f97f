"""Kubernetes objects out of a file, JSON or YAML, however hostile: bounded, and one clear line on a fault."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean

JSON_LIMIT = 512 * 2**20
YAML_LIMIT = 32 * 2**20
DEPTH_LIMIT = 60


def read_documents(path: Path, *, what: str, yaml_limit: int = YAML_LIMIT) -> list[Any]:
    """The documents of a file: one for JSON, any number for YAML.

    Raises:
        UserError: it can't be read, is too large, or is neither JSON nor YAML; one line that says where.
    """
    return parse(read_bytes(path, what=what), where=clean(str(path)), what=what, yaml_limit=yaml_limit)


def read_bytes(path: Path, *, what: str) -> bytes:
    """The bytes of a file.

    Raises:
        UserError: it can't be read, or is too large; one line that says where.
    """
    where = clean(str(path))
    try:
        if path.is_dir():
            raise _problem(where, f"{what} is a folder", "name a file")
        with path.open("rb") as file:
            data = file.read(JSON_LIMIT + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _problem(where, f"{what} can't be read: {reason}", "check the path and its rights") from None
    if len(data) > JSON_LIMIT:
        raise _problem(where, f"{what} is larger than {JSON_LIMIT // 2**20} MiB", "")
    return data


def parse(data: bytes, *, where: str, what: str, yaml_limit: int = YAML_LIMIT) -> list[Any]:
    """`read_documents` for bytes that are there already."""
    if not data.strip():
        raise _problem(where, f"{what} is empty", "")
    if b"\0" in data[:4096]:
        raise _problem(where, f"{what} is not text", "give a file in JSON or YAML")
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            return [msgspec.json.decode(data)]
        except RecursionError:
            raise _problem(where, f"{what} is nested too deeply", "") from None
        except msgspec.DecodeError as error:
            if len(data) > 2**20 or data.lstrip()[:2] == b"{%":
                raise _problem(where, f"{what} is not valid JSON: {clean(str(error), limit=120)}", "") from None
    return _yaml(data, where=where, what=what, limit=yaml_limit)


def _yaml(data: bytes, *, where: str, what: str, limit: int) -> list[Any]:
    import yaml

    if len(data) > limit:
        fix = "save it as JSON (kubectl get ... -o json)"
        raise _problem(where, f"{what} is YAML of more than {limit // 2**20} MiB", fix)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_shape(yaml, loader, data, where, what)
        return [document for document in yaml.load_all(data, Loader=loader) if document is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
        if "nesting depth" in (error.problem or ""):
            raise _problem(place, f"{what} is nested more than {DEPTH_LIMIT} levels deep", "") from None
        reason = clean(error.problem or "can't be parsed", limit=120)
        if "nesting" in reason:  # newer versions of libyaml have a limit of their own
            raise _problem(place, f"{what} is nested too deeply", "") from None
        raise _problem(place, f"{what} is not valid YAML: {reason}", "mend this line") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = clean(re.sub(r"\s+", " ", str(error)), limit=120)
        raise _problem(where, f"{what} is not valid YAML: {reason}", "") from None


def _check_shape(yaml: Any, loader: Any, data: bytes, where: str, what: str) -> None:
    """Refuse deep nesting and aliases before anything recursive sees them: the C composer overflows the stack."""
    depth = 0
    for event in yaml.parse(data, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_LIMIT:
                place = f"{where}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"
                raise _problem(place, f"{what} is nested more than {DEPTH_LIMIT} levels deep", "")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            place = f"{where}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"
            raise _problem(place, f"{what} uses a YAML alias (*{clean(event.anchor, limit=40)})", "write it out")


def _problem(where: str, what: str, fix: str) -> UserError:
    return UserError(Problem(where=where, what=what, fix=fix, code="file"))
