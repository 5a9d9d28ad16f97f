"""How a checkpoint is quantized: what it declares, the scheme of each layer, the bytes that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.models.quantization.declared import (
        DeclaredScheme,
        declared_scheme,
        is_moe,
        quantization_groups,
        quantization_of,
    )
    from modelcar_tui.models.quantization.named_layers import SECOND_COPY, LayerScheme, Storage
    from modelcar_tui.models.quantization.scheme import FINER_BLOCKS_SINCE, PLAIN_SCHEME, Scheme, finer_block
    from modelcar_tui.models.quantization.scheme_table import bits_of_method, schemes_by_id
    from modelcar_tui.models.quantization.storage import scheme_of_model

__all__ = [
    "FINER_BLOCKS_SINCE",
    "PLAIN_SCHEME",
    "SECOND_COPY",
    "DeclaredScheme",
    "LayerScheme",
    "Scheme",
    "Storage",
    "bits_of_method",
    "declared_scheme",
    "finer_block",
    "is_moe",
    "quantization_groups",
    "quantization_of",
    "scheme_of_model",
    "schemes_by_id",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "declared": "DeclaredScheme declared_scheme is_moe quantization_groups quantization_of",
            "named_layers": "LayerScheme SECOND_COPY Storage",
            "scheme": "FINER_BLOCKS_SINCE PLAIN_SCHEME Scheme finer_block",
            "scheme_table": "bits_of_method schemes_by_id",
            "storage": "scheme_of_model",
        },
    )
