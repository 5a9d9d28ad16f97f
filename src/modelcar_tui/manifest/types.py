"""The model-car manifest as the QA suite and KServe see it, with the position of everything."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from modelcar_tui.core.errors import Problem


class Position(msgspec.Struct, frozen=True):
    """A place in the file; both counted from 1, as editors do."""

    line: int
    column: int


class Ignore(msgspec.Struct, frozen=True, kw_only=True):
    """A comment that says which findings are not to be told, and where."""

    codes: tuple[str, ...]
    """Empty where the comment can't be read."""
    first: int
    last: int
    """The lines that it is about, both included."""
    at: Position


class ArgumentsFrom(StrEnum):
    """Which block of the manifest gave a model its serving arguments."""

    ITEM = "item"
    DEFAULT = "default block"
    """The item has none, so the whole `default.serving_arguments` is used; the two are never merged."""
    NONE = "none"


class ServingArguments(msgspec.Struct, frozen=True, kw_only=True):
    """vLLM arguments and the GPU count of one model."""

    gpu_count: int = 1
    args: tuple[str, ...] = ()
    origin: ArgumentsFrom = ArgumentsFrom.NONE
    gpu_count_at: Position | None = None
    """None when the count is the suite's default of 1."""
    args_at: tuple[Position, ...] = ()


class ModelCar(msgspec.Struct, frozen=True, kw_only=True):
    """One item of `model-car`; every text is cleaned."""

    name: str
    image: str
    """As written, transport included (`oci://...`)."""
    serving: ServingArguments = ServingArguments()
    model_output_type: str = "text"
    execution_mode: str = "sequential"
    at: Position
    name_at: Position
    image_at: Position


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest that could be read. `findings` are warnings; errors are raised instead."""

    path: str
    sha256: str
    """Of the file's bytes; what is approved later is checked against it."""
    shape: str
    """`list`, or `mapping` where `model-car` is a single mapping (the QA suite accepts only a list)."""
    models: tuple[ModelCar, ...]
    findings: tuple[Problem, ...] = ()
    ignores: tuple[Ignore, ...] = ()
