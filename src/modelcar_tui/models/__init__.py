"""What a model is, from its files or its name. Rooms of it: `quantization`, `towers`, `weights`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.models.catalog import CatalogImage, find_catalog_image, images_of_same_model
    from modelcar_tui.models.class_defaults import positions_with
    from modelcar_tui.models.compressed import (
        OVERLAPPING_RATIO,
        SHARED_EXPERT_BLOCKS_SINCE,
        CompressedAttention,
    )
    from modelcar_tui.models.config import (
        Config,
        Reader,
        architecture_of,
        has_own_code,
        layers_told,
        makes_no_text,
        may_generate,
        overridden,
        text_config,
        text_part,
    )
    from modelcar_tui.models.context import Positions
    from modelcar_tui.models.count import count_parameters
    from modelcar_tui.models.facts import ModelFacts, TensorGroup
    from modelcar_tui.models.families import family_of
    from modelcar_tui.models.fingerprint import model_fingerprint
    from modelcar_tui.models.in_words import model_of_name, model_of_sizes
    from modelcar_tui.models.measured import MeasuredStart
    from modelcar_tui.models.model import Model, describe_model, tensor_parallel_fault
    from modelcar_tui.models.names import guess_model
    from modelcar_tui.models.parts import Mla, Moe, no_experts
    from modelcar_tui.models.public import is_model_name, public_model, unknown_model
    from modelcar_tui.models.shape import Shape, shape_of
    from modelcar_tui.models.splits import split_fault, tower_fault
    from modelcar_tui.models.states import StateLayer

__all__ = [
    "OVERLAPPING_RATIO",
    "SHARED_EXPERT_BLOCKS_SINCE",
    "CatalogImage",
    "CompressedAttention",
    "Config",
    "MeasuredStart",
    "Mla",
    "Model",
    "ModelFacts",
    "Moe",
    "Positions",
    "Reader",
    "Shape",
    "StateLayer",
    "TensorGroup",
    "architecture_of",
    "count_parameters",
    "describe_model",
    "family_of",
    "find_catalog_image",
    "guess_model",
    "has_own_code",
    "images_of_same_model",
    "is_model_name",
    "layers_told",
    "makes_no_text",
    "may_generate",
    "model_fingerprint",
    "model_of_name",
    "model_of_sizes",
    "no_experts",
    "overridden",
    "positions_with",
    "public_model",
    "shape_of",
    "split_fault",
    "tensor_parallel_fault",
    "text_config",
    "text_part",
    "tower_fault",
    "unknown_model",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "catalog": "CatalogImage find_catalog_image images_of_same_model",
            "class_defaults": "positions_with",
            "compressed": "CompressedAttention OVERLAPPING_RATIO SHARED_EXPERT_BLOCKS_SINCE",
            "config": (
                "Config Reader architecture_of has_own_code layers_told makes_no_text may_generate "
                "overridden text_config text_part"
            ),
            "context": "Positions",
            "count": "count_parameters",
            "facts": "ModelFacts TensorGroup",
            "families": "family_of",
            "in_words": "model_of_name model_of_sizes",
            "fingerprint": "model_fingerprint",
            "measured": "MeasuredStart",
            "model": "Model describe_model tensor_parallel_fault",
            "names": "guess_model",
            "parts": "Mla Moe no_experts",
            "public": "is_model_name public_model unknown_model",
            "shape": "Shape shape_of",
            "splits": "split_fault tower_fault",
            "states": "StateLayer",
        },
    )
