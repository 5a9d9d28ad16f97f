"""LLMInferenceServices in short, for tests."""

from __future__ import annotations

import textwrap
from typing import Any

from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest.kinds.places import Place
from modelcar_tui.manifest.kinds.reading import places_of, read_objects
from modelcar_tui.manifest.source import decode
from modelcar_tui.manifest.spans import compose_all
from modelcar_tui.manifest.types import Manifest, ModelCar

HEAD = """\
apiVersion: serving.kserve.io/{version}
kind: LLMInferenceService
metadata:
  name: qwen
  namespace: llm
spec:
"""
MODEL = """\
model: {uri: 'hf://Qwen/Qwen3-8B', name: Qwen/Qwen3-8B}
"""


def service(spec: str, *, version: str = "v1alpha2", model: str = MODEL) -> str:
    """A service with such a specification."""
    inside = textwrap.dedent(model) + textwrap.dedent(spec)
    return HEAD.format(version=version) + textwrap.indent(inside, "  ").rstrip() + "\n"


def read(text: str) -> tuple[Manifest, tuple[Problem, ...]]:
    """What a file serves, and the errors in it."""
    source = decode(text.encode(), "llm.yaml")
    return read_objects(source, compose_all(text))


def requests(text: str) -> dict[str, ModelCar]:
    """The requests of a file by name."""
    manifest, errors = read(text)
    assert not errors, errors
    return {one.name: one for one in manifest.models}


def request(text: str) -> ModelCar:
    """The only request of a file."""
    (one,) = requests(text).values()
    return one


def place(text: str, name: str = "qwen") -> Place:
    """Where one is written."""
    return places_of(text)[name]


def at(document: Any, path: tuple[str | int, ...]) -> Any:
    """The value at a path of plain YAML."""
    for key in path:
        document = document[key]
    return document
