"""The longest context that vLLM lets a user ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelcar_tui.models.class_defaults import made_whole
from modelcar_tui.models.config import Config, overridden, positive, text_config
from modelcar_tui.models.families import family_of

_POSITIONS = (
    "max_position_embeddings",
    "n_positions",
    "max_seq_len",
    "seq_length",
    "model_max_length",
    "max_target_positions",
    "max_sequence_length",
    "max_seq_length",
    "seq_len",
)
_UNSCALED = ("su", "longrope", "llama3", "default", "mrope", "proportional")


def longest_context(config: Config | None, overrides: Config | None = None) -> int | None:
    """The longest `--max-model-len` that vLLM accepts for this config.json; None when it does not say.

    The smallest of the position limits, times the rope scaling factor where vLLM applies it
    (config/model.py).

    Args:
        config: the model's config.json.
        overrides: what the arguments put in the place of its values; vLLM puts it there before it looks.
    """
    text = text_config(overridden(made_whole(config or {}), overrides or {}))
    found = [value for key in _POSITIONS if (value := positive(text.get(key))) is not None]
    if not found:
        return None
    limit, stretch = float(min(found)), 1.0
    family = family_of(str(text.get("model_type") or "").lower())
    for rope in _ropes(text) if family.stretches else ():
        kind, factor = str(rope.get("rope_type") or rope.get("type") or "default"), rope.get("factor")
        if kind not in _UNSCALED and isinstance(factor, (int, float)) and 0 < factor < 1e6:
            stretch = factor
            if kind == "yarn":
                limit = float(positive(rope.get("original_max_position_embeddings")) or limit)
    return int(limit * stretch)


def _ropes(text: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rope's parameters, or those of each kind of layer; vLLM takes the last factor of them."""
    scaling = text.get("rope_scaling") or text.get("rope_parameters")
    if not isinstance(scaling, dict):
        return []
    return [part for part in scaling.values() if isinstance(part, dict)] or [scaling]
