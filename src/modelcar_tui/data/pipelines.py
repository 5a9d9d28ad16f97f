"""Which architectures vLLM can't cut into pipeline stages, from `pipelines.json`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec


class PipelineTable(msgspec.Struct, frozen=True):
    """Everything in `pipelines.json`."""

    source: str
    without: dict[str, tuple[str, ...]]
    """Architectures without pipeline stages, by the release that was read, oldest first."""


@cache
def pipeline_table() -> PipelineTable:
    """The table, decoded at the first call."""
    return msgspec.json.decode((Path(__file__).parent / "pipelines.json").read_bytes(), type=PipelineTable)
