"""A fact is a value with its source, its time and, where it was computed, its terms."""

from __future__ import annotations

from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")
GIB = 1024**3
MIB = 1024**2


class Source(StrEnum):
    """Where a value comes from. From `MEASURED` to `NAME` they are sources of model facts in falling order of
    trust."""

    OPERATOR = "operator"
    MEASURED = "measured start"
    HEADERS = "safetensors headers"
    MODEL_CONFIG = "config.json"
    INDEX = "safetensors index"
    IMAGE_CONFIG = "image config"
    LAYERS = "layer sizes"
    CATALOG = "catalog"
    PUBLIC = "public model"
    NAME = "name"
    MANIFEST = "manifest"
    NODE_LABEL = "node label"
    NODE_ANNOTATION = "node annotation"
    RESOURCE = "resource"
    DRA = "ResourceSlice"
    INSTANCE_TYPE = "instance type"
    GPU_TABLE = "GPU table"
    TEMPLATE = "runtime template"
    ENVIRONMENT = "environment"
    API = "API server"
    LOG = "QA log"
    COMPUTED = "computed"
    NONE = "unknown"

    @property
    def is_guess(self) -> bool:
        """Values from these sources are badged and widen the bounds of what is computed from them."""
        return self in (Source.NAME, Source.PUBLIC, Source.CATALOG)

    @property
    def told(self) -> str:
        """How a value from here was come by: `read from config.json`, `guessed from the model's name`."""
        return _TOLD.get(self, f"read from the {self.value}")


_TOLD = {
    Source.OPERATOR: "stated by the operator",
    Source.MEASURED: "measured by a start on the GPU",
    Source.MODEL_CONFIG: "read from config.json",
    Source.CATALOG: "guessed from its entry in Red Hat's catalog",
    Source.PUBLIC: "guessed from the public model of that name",
    Source.NAME: "guessed from the model's name",
    Source.GPU_TABLE: "looked up in the GPU table",
    Source.INSTANCE_TYPE: "looked up by the instance type",
    Source.COMPUTED: "computed",
    Source.NONE: "from an unknown source",
}


class Term(msgspec.Struct, frozen=True):
    """One term of a sum, for the answer to "why this number?"."""

    label: str
    value: float
    unit: str
    source: Source
    note: str = ""
    """The formula and its origin, such as `2 x kv_heads x head_dim x 2 B (vllm v1/kv_cache_interface.py)`."""


class Fact(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A value and how it is known. `value is None` means unknown, which is never 0 and never "fits"."""

    value: T | None = None
    source: Source = Source.NONE
    at: float = 0.0
    """When it was learned, in seconds since 1970; 0 when the value has no age (a table, a formula)."""
    unit: str = ""
    note: str = ""
    """Why it is unknown, or what was read; cleaned text."""
    terms: tuple[Term, ...] = ()
    low: float | None = None
    high: float | None = None
    """Bounds of a guess, in the same unit; None where the value is exact."""

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    @property
    def least(self) -> float | T | None:
        """What can be counted on: the lower bound where it has one, else the value."""
        return self.value if self.low is None or self.value is None else self.low

    @property
    def guess(self) -> bool:
        """Whether the value is a guess that must be badged."""
        return self.known and (self.source.is_guess or self.low is not None or self.high is not None)


def unknown(note: str, *, unit: str = "") -> Fact[T]:
    """A fact whose value is not known, and why."""
    return Fact(note=note, unit=unit)
