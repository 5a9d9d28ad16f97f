"""Which number formats a release takes on a GPU: quantized weights, dtypes of activations and KV cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.vllm.quantization.cache_scales import SCALES_ERROR, scales_refused
    from modelcar_tui.vllm.quantization.declaration import AskedQuantization
    from modelcar_tui.vllm.quantization.dtypes import BFLOAT16, model_type_of, resolved_dtype
    from modelcar_tui.vllm.quantization.experts import NO_EXPERTS, ExpertLayers, expert_layers
    from modelcar_tui.vllm.quantization.kv_cache import check_kv_cache, effective_kv_dtype, kv_cache_runs
    from modelcar_tui.vllm.quantization.method import (
        ALLOW_DEPRECATED_FLAG,
        QUANTIZATION_FLAG,
        choose_method,
        deprecated_method,
        quantization_flag_fault,
        refused_method,
    )
    from modelcar_tui.vllm.quantization.runs_on import check_support
    from modelcar_tui.vllm.quantization.schemes import (
        SupportAnswer,
        schemes_refused,
        sparse_attention_refused,
        unbuilt_for,
    )
    from modelcar_tui.vllm.quantization.start_dtype import agreed_dtype_fault, dtype_fault, float_cache_fault
    from modelcar_tui.vllm.quantization.support import Compatibility, Support

__all__ = [
    "ALLOW_DEPRECATED_FLAG",
    "BFLOAT16",
    "NO_EXPERTS",
    "QUANTIZATION_FLAG",
    "SCALES_ERROR",
    "AskedQuantization",
    "Compatibility",
    "ExpertLayers",
    "Support",
    "SupportAnswer",
    "agreed_dtype_fault",
    "check_kv_cache",
    "check_support",
    "choose_method",
    "deprecated_method",
    "dtype_fault",
    "effective_kv_dtype",
    "expert_layers",
    "float_cache_fault",
    "kv_cache_runs",
    "model_type_of",
    "quantization_flag_fault",
    "refused_method",
    "resolved_dtype",
    "scales_refused",
    "schemes_refused",
    "sparse_attention_refused",
    "unbuilt_for",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "cache_scales": "SCALES_ERROR scales_refused",
            "declaration": "AskedQuantization",
            "dtypes": "BFLOAT16 model_type_of resolved_dtype",
            "experts": "ExpertLayers NO_EXPERTS expert_layers",
            "kv_cache": "check_kv_cache effective_kv_dtype kv_cache_runs",
            "method": (
                "ALLOW_DEPRECATED_FLAG QUANTIZATION_FLAG choose_method deprecated_method "
                "quantization_flag_fault refused_method"
            ),
            "runs_on": "check_support",
            "schemes": "SupportAnswer schemes_refused sparse_attention_refused unbuilt_for",
            "start_dtype": "agreed_dtype_fault dtype_fault float_cache_fault",
            "support": "Compatibility Support",
        },
    )
