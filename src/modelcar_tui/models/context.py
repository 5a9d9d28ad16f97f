"""How many positions config.json tells of, and the ropes that may stretch them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelcar_tui.models.config import Config, positive, text_config
from modelcar_tui.models.families import family_of

POSITIONS = (
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
"""Keys that tell how many positions a model has (vllm `_get_and_verify_max_len`)."""


class Rope(msgspec.Struct, frozen=True):
    """How positions are scaled: `rope_type` and what belongs to it."""

    kind: str
    factor: float | None
    original: int | None
    """`original_max_position_embeddings`."""


class Positions(msgspec.Struct, frozen=True, kw_only=True):
    """What a config.json says of the length of a context; each release makes its own of it."""

    limit: int | None
    """`model_max_length`, else the smallest of the position limits; None where there is none."""
    ropes: tuple[Rope, ...] = ()
    """One, or one for each kind of layer; none where vLLM does not look at them (Gemma 3)."""
    new_name: bool = False
    """They are called `rope_parameters`, as Transformers 5 does, and not `rope_scaling`."""
    original: int | None = None
    """`original_max_position_embeddings` beside the ropes."""


def positions_of(config: Config) -> Positions:
    """The positions of a config that is whole and has its overrides applied."""
    text = text_config(config)
    found = [value for key in POSITIONS if (value := positive(text.get(key))) is not None]
    alone = positive(text.get("model_max_length"))
    family = family_of(str(text.get("model_type") or "").lower())
    scaling = text.get("rope_scaling")
    parameters = scaling or text.get("rope_parameters")
    return Positions(
        limit=alone or min(found, default=None),
        ropes=_ropes(parameters) if family.stretches else (),
        new_name=not scaling,
        original=positive(text.get("original_max_position_embeddings")),
    )


def _ropes(parameters: object) -> tuple[Rope, ...]:
    if not isinstance(parameters, dict):
        return ()
    parts = [part for part in parameters.values() if isinstance(part, dict)] or [parameters]
    return tuple(_rope(part) for part in parts)


def _rope(part: Mapping[str, Any]) -> Rope:
    factor = part.get("factor")
    usable = isinstance(factor, int | float) and not isinstance(factor, bool) and 0 < factor < 1e6
    return Rope(
        kind=str(part.get("rope_type") or part.get("type") or "default"),
        factor=float(factor) if usable and factor is not None else None,
        original=positive(part.get("original_max_position_embeddings")),
    )
