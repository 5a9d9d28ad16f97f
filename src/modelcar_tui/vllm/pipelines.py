"""Which architectures vLLM can't cut into pipeline stages, from `pipelines.json`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from modelcar_tui.core.resources import table
from modelcar_tui.models.config import architecture_of, positive, text_config
from modelcar_tui.vllm.release import parse_version, stand_in


class PipelineTable(msgspec.Struct, frozen=True):
    """Everything in `pipelines.json`."""

    source: str
    without: dict[str, tuple[str, ...]]
    """Architectures without pipeline stages, by the release that was read, oldest first."""


@cache
def pipeline_table() -> PipelineTable:
    """The table, decoded at the first call."""
    return table(__file__, "pipelines.json", PipelineTable)


def pipeline_fault(config: Mapping[str, Any] | None, stages: int, vllm: str | None) -> str:
    """Why the model can't be cut into so many pipeline stages; empty when nothing speaks against it."""
    first = architecture_of(config)
    releases = pipeline_table().without
    if first and first in releases[stand_in(parse_version(vllm), tuple(releases))]:
        return f"vLLM can't cut {first} into pipeline stages"
    layers = positive(text_config(config).get("num_hidden_layers"))
    return f"{layers} layers make no {stages} pipeline stages" if layers and layers < stages else ""
