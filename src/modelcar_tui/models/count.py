"""A model's weights counted from its config.json alone, for images whose headers are out of reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelcar_tui.models.class_defaults import made_whole
from modelcar_tui.models.shape import shape_of
from modelcar_tui.models.weights.tensors import true_count


def count_parameters(config: Mapping[str, Any]) -> int | None:
    """The weights of the checkpoint, or None where config.json does not describe all of them.

    A tower or an encoder beside the text model, and layers that no formula of ours covers, are not described.
    """
    shape = shape_of(made_whole(config))
    if isinstance(shape, str) or shape.tower is not None or shape.encoder_layers or shape.odd:
        return None
    count = true_count(shape)
    return count if count > 0 else None
