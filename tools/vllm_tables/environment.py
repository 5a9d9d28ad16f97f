"""What vLLM takes for an environment variable that is not set: its `envs.py`, with none set."""

from __future__ import annotations

import builtins
import contextlib
import importlib
import os
import re
from collections.abc import Iterator
from typing import Any

from vllm_judge.source import Source
from vllm_tables.lenient import Anything

_PATH = "vllm/envs.py"
_OF_THE_MACHINE = re.compile(
    r"HOST_IP|_PORT$|INSTANCE_ID|MAX_JOBS|THREADS|_PATH$|HOME|ROOT|_DIR$|BUILD_|IMAGE_TAG|BUFFER_NAME"
)
"""Paths, addresses and numbers of processors: they say nothing of the engine."""
_STANDARD = (
    "collections",
    "functools",
    "hashlib",
    "json",
    "logging",
    "os",
    "pathlib",
    "re",
    "sys",
    "tempfile",
    "typing",
)


def environment(source: Source) -> dict[str, Any]:
    """Default by name, of the variables that have one and tell something of the engine."""
    if _PATH not in source.paths:
        return {}
    scope: dict[str, Any] = {
        "__name__": "vllm.envs",
        "__builtins__": {**vars(builtins), "__import__": _brought},
    }
    with _empty():
        exec(compile(source.text(_PATH), _PATH, "exec"), scope)
        return dict(_values(scope.get("environment_variables", {})))


def _values(variables: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, ask in variables.items():
        value = None
        if not _OF_THE_MACHINE.search(name):
            with contextlib.suppress(Exception):
                value = ask()
        if isinstance(value, (bool, int, float)) or (isinstance(value, str) and "/" not in value):
            yield name, value


def _brought(name: str, *arguments: Any, **options: Any) -> Any:
    """The standard library's modules that it asks for; `Anything` for vLLM's own and others'."""
    if name.partition(".")[0] in (*_STANDARD, "__future__"):
        return importlib.__import__(name, *arguments, **options)
    return Anything()


@contextlib.contextmanager
def _empty() -> Iterator[None]:
    kept = dict(os.environ)
    os.environ.clear()
    try:
        yield
    finally:
        os.environ.update(kept)
