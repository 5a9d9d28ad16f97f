"""Which architectures vLLM can't cut into pipeline stages, from `pipelines.json`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from modelcar_tui.models import architecture_of, layers_told
from modelcar_tui.vllm.name_table import pipeline_table

_GROUP = "without pipeline stages"


@lru_cache(maxsize=64)
def without_pipeline(vllm: str | None) -> frozenset[str]:
    """Architectures that this release can't cut into pipeline stages."""
    return pipeline_table().names(_GROUP, vllm)


def pipeline_fault(config: Mapping[str, Any] | None, stages: int, vllm: str | None) -> str:
    """Why the model can't be cut into so many pipeline stages; empty when nothing speaks against it."""
    first = architecture_of(config)
    if first and first in without_pipeline(vllm):
        return f"vLLM can't cut {first} into pipeline stages"
    layers = layers_told(config)
    return f"{layers} layers make no {stages} pipeline stages" if layers and layers < stages else ""
