"""The matrices of a model as vLLM lays them out on a GPU, and as a checkpoint stores them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.models.weights.mixers import STATE_PARTS
    from modelcar_tui.models.weights.stored import stored_bytes
    from modelcar_tui.models.weights.tensors import (
        NEWEST_LAYOUT,
        VOCAB_PADDING,
        cross_attention_weights,
        distinct_layers,
        embedding_weight,
        encoder_layer_weights,
        head_weight,
        layer_weights,
        loose_elements,
    )
    from modelcar_tui.models.weights.weight import Weight

__all__ = [
    "NEWEST_LAYOUT",
    "STATE_PARTS",
    "VOCAB_PADDING",
    "Weight",
    "cross_attention_weights",
    "distinct_layers",
    "embedding_weight",
    "encoder_layer_weights",
    "head_weight",
    "layer_weights",
    "loose_elements",
    "stored_bytes",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "mixers": "STATE_PARTS",
            "stored": "stored_bytes",
            "tensors": (
                "NEWEST_LAYOUT VOCAB_PADDING cross_attention_weights distinct_layers embedding_weight "
                "encoder_layer_weights head_weight layer_weights loose_elements"
            ),
            "weight": "Weight",
        },
    )
