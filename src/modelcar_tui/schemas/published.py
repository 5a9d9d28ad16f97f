"""The JSON Schemas: from pydantic where people write the document, from msgspec where we do; the settings
file's from its table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from pydantic import BaseModel

from modelcar_tui.manifest import PlanFile
from modelcar_tui.schemas.config import config_schema
from modelcar_tui.schemas.descriptions import describe
from modelcar_tui.schemas.manifest import ModelCarManifest
from modelcar_tui.schemas.report import Report
from modelcar_tui.schemas.settings import RunSettings

DRAFT_07 = "http://json-schema.org/draft-07/schema#"
"""What editors speak; no keyword that pydantic writes here is newer."""
DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema"


def _written_by_people(kind: type[BaseModel]) -> dict[str, Any]:
    return {"$schema": DRAFT_07, **kind.model_json_schema()}


def _written_by_us(kind: type) -> dict[str, Any]:
    schema = msgspec.json.schema(kind, schema_hook=_anything)
    describe(schema, kind)
    return {"$schema": DRAFT_2020, **schema}


def _anything(kind: type) -> dict[str, Any]:
    """Of fields that are declared as `object`.

    Raises:
        NotImplementedError: it is another type of which msgspec knows no schema.
    """
    if kind is object:
        return {"description": "Any value."}
    raise NotImplementedError(kind)


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "config": lambda: {"$schema": DRAFT_07, **config_schema()},
    "manifest": lambda: _written_by_people(ModelCarManifest),
    "plan": lambda: _written_by_us(PlanFile),
    "report": lambda: _written_by_us(Report),
    "settings": lambda: _written_by_people(RunSettings),
}


def text(kind: str) -> bytes:
    """The file of a schema: indented, with its keys in one order."""
    return msgspec.json.format(msgspec.json.encode(SCHEMAS[kind](), order="sorted"), indent=2) + b"\n"
