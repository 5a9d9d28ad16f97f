"""What a model is, from its files or its name. What encodes images and sound beside it: `models.towers`."""

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
    from modelcar_tui.models.declared import (
        DeclaredScheme,
        declared_scheme,
        is_moe,
        quantization_groups,
        quantization_of,
    )
    from modelcar_tui.models.facts import ModelFacts, TensorGroup
    from modelcar_tui.models.families import family_of
    from modelcar_tui.models.in_words import model_of_name, model_of_sizes
    from modelcar_tui.models.mixers import STATE_PARTS
    from modelcar_tui.models.model import Model, describe_model, tensor_parallel_fault
    from modelcar_tui.models.named_layers import SECOND_COPY, LayerScheme, Storage
    from modelcar_tui.models.names import guess_model
    from modelcar_tui.models.parts import Mla, Moe, no_experts
    from modelcar_tui.models.public import is_model_name, public_model, unknown_model
    from modelcar_tui.models.scheme import FINER_BLOCKS_SINCE, PLAIN_SCHEME, Scheme, finer_block
    from modelcar_tui.models.scheme_table import bits_of_method, schemes_by_id
    from modelcar_tui.models.shape import Shape, shape_of
    from modelcar_tui.models.splits import split_fault, tower_fault
    from modelcar_tui.models.states import StateLayer
    from modelcar_tui.models.storage import scheme_of_model
    from modelcar_tui.models.stored import stored_bytes
    from modelcar_tui.models.tensors import (
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
    from modelcar_tui.models.weight import Weight

__all__ = [
    "FINER_BLOCKS_SINCE",
    "NEWEST_LAYOUT",
    "OVERLAPPING_RATIO",
    "PLAIN_SCHEME",
    "SECOND_COPY",
    "SHARED_EXPERT_BLOCKS_SINCE",
    "STATE_PARTS",
    "VOCAB_PADDING",
    "CatalogImage",
    "CompressedAttention",
    "Config",
    "DeclaredScheme",
    "LayerScheme",
    "Mla",
    "Model",
    "ModelFacts",
    "Moe",
    "Positions",
    "Reader",
    "Scheme",
    "Shape",
    "StateLayer",
    "Storage",
    "TensorGroup",
    "Weight",
    "architecture_of",
    "bits_of_method",
    "count_parameters",
    "cross_attention_weights",
    "declared_scheme",
    "describe_model",
    "distinct_layers",
    "embedding_weight",
    "encoder_layer_weights",
    "family_of",
    "find_catalog_image",
    "finer_block",
    "guess_model",
    "has_own_code",
    "head_weight",
    "images_of_same_model",
    "is_model_name",
    "is_moe",
    "layer_weights",
    "layers_told",
    "loose_elements",
    "makes_no_text",
    "may_generate",
    "model_of_name",
    "model_of_sizes",
    "no_experts",
    "overridden",
    "positions_with",
    "public_model",
    "quantization_groups",
    "quantization_of",
    "scheme_of_model",
    "schemes_by_id",
    "shape_of",
    "split_fault",
    "stored_bytes",
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
            "declared": "DeclaredScheme declared_scheme is_moe quantization_groups quantization_of",
            "facts": "ModelFacts TensorGroup",
            "families": "family_of",
            "in_words": "model_of_name model_of_sizes",
            "mixers": "STATE_PARTS",
            "model": "Model describe_model tensor_parallel_fault",
            "named_layers": "LayerScheme SECOND_COPY Storage",
            "names": "guess_model",
            "parts": "Mla Moe no_experts",
            "public": "is_model_name public_model unknown_model",
            "scheme": "FINER_BLOCKS_SINCE PLAIN_SCHEME Scheme finer_block",
            "scheme_table": "bits_of_method schemes_by_id",
            "shape": "Shape shape_of",
            "splits": "split_fault tower_fault",
            "states": "StateLayer",
            "storage": "scheme_of_model",
            "stored": "stored_bytes",
            "tensors": (
                "NEWEST_LAYOUT VOCAB_PADDING cross_attention_weights distinct_layers embedding_weight "
                "encoder_layer_weights head_weight layer_weights loose_elements"
            ),
            "weight": "Weight",
        },
    )
