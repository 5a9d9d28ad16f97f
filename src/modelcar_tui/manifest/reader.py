"""Reading a manifest of any kind: a model-car list, Kubernetes objects, a command line of vLLM."""

from __future__ import annotations

import re
from pathlib import Path

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.manifest.kinds import is_kubernetes, is_serve_line, read_objects, read_serve_line
from modelcar_tui.manifest.modelcar import ModelCarReader
from modelcar_tui.manifest.source import decode, read_bytes
from modelcar_tui.manifest.spans import ManifestSyntaxError, compose_all, only_document
from modelcar_tui.manifest.types import Manifest


def read_manifest(path: Path) -> Manifest:
    """Read and check a manifest.

    Raises:
        UserError: up to `MAX_PROBLEMS` problems, each with `file:line:column`; status USAGE.
    """
    return parse_manifest(read_bytes(path), str(path))


def parse_manifest(data: bytes, label: str) -> Manifest:
    """`read_manifest` for bytes at hand; `label` is the path that the messages show."""
    manifest, errors = inspect_text(data, label)
    if errors:
        passed_over = manifest.findings if errors[0].code == "nothing-served" else ()
        raise UserError(errors[0], *errors[1:], *passed_over)
    return manifest


def inspect_manifest(path: Path) -> tuple[Manifest, tuple[Problem, ...]]:
    """What is sound in a manifest, and its errors: a lint goes on where a run must stop.

    Raises:
        UserError: it can't be read at all, or is no YAML.
    """
    return inspect_text(read_bytes(path), str(path))


def inspect_text(data: bytes, label: str) -> tuple[Manifest, tuple[Problem, ...]]:
    """`inspect_manifest` for bytes at hand; `label` is the path that the messages show."""
    source = decode(data, label)
    if is_serve_line(source.text):
        return read_serve_line(source)
    try:
        tree = compose_all(source.text)
        if any(map(is_kubernetes, tree.roots)):
            return read_objects(source, tree)
        return ModelCarReader(source, only_document(tree)).read()
    except ManifestSyntaxError as fault:
        before = re.split("\r\n|[\r\n]", source.text[: fault.index])
        where = f"{source.label}:{len(before)}:{len(before[-1]) + 1}"
        raise UserError(Problem(where=where, what=fault.what, fix=fault.fix, code=fault.code)) from None
