"""The rotary caches that vLLM keeps on every GPU: `positions x rotary_dim x 2 B` for each distinct rope."""

from __future__ import annotations

from typing import Any

from modelcar_tui.models.config import Reader
from modelcar_tui.models.families import Family

_STRETCHED = ("linear", "dynamic", "yarn", "deepseek_yarn")


def rope_caches(
    read: Reader, family: Family, head_dim: int, mla_rope: int | None, kinds: tuple[str, ...]
) -> int:
    """Bytes of the rotary caches on one GPU (vllm model_executor/layers/rotary_embedding)."""
    if not family.rope:
        return 0
    positions = read.integer("max_position_embeddings", "n_positions", "seq_length", high=2**31)
    if positions is None:
        return 0
    scaling = _scaling(read)
    stated = scaling.get("partial_rotary_factor")
    partial = stated if isinstance(stated, float) and 0 < stated <= 1 else None
    partial = partial or read.number("partial_rotary_factor", "rotary_pct", "rope_pct", high=1.0) or 1.0
    dim = mla_rope or read.integer("rotary_dim", high=2**14) or int(head_dim * partial)
    width = 4 if mla_rope and scaling.get("type") in ("yarn", "deepseek_yarn") else 2
    main = int(_positions(positions, scaling) * dim * width)
    if _two_ropes(read, family, kinds):
        return main + positions * dim * 2
    return main


def _two_ropes(read: Reader, family: Family, kinds: tuple[str, ...]) -> bool:
    """Gemma 3 gives its sliding layers a rope of their own, without scaling."""
    return "sliding" in kinds and (read.has("rope_local_base_freq") or family.two_ropes)


def _scaling(read: Reader) -> dict[str, Any]:
    found = read.mapping("rope_scaling", "rope_parameters")
    nested = found.get("full_attention")
    if isinstance(nested, dict):
        found = nested
    kind = found.get("rope_type", found.get("type"))
    return {**found, "type": kind if isinstance(kind, str) else ""}


def _positions(positions: int, scaling: dict[str, Any]) -> float:
    factor = scaling.get("factor")
    if scaling["type"] not in _STRETCHED or not isinstance(factor, int | float) or not 1 <= factor <= 4096:
        return positions
    if scaling["type"] == "linear":
        return positions * factor
    original = scaling.get("original_max_position_embeddings")
    if scaling["type"] in ("yarn", "deepseek_yarn") and isinstance(original, int) and 0 < original <= 2**31:
        return original * factor
    return positions if scaling["type"] != "dynamic" else positions * factor
