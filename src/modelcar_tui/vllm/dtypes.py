"""Activation dtypes that vLLM refuses: bfloat16 by the GPU, float16 by the model (vllm config/model.py)."""

from __future__ import annotations

from modelcar_tui.hardware.vendors import Hardware
from modelcar_tui.vllm.quantization_table import quantization_table

_HALF = ("half", "float16")
_BFLOAT16 = 80
"""Compute capability x 10 from which a GPU has bfloat16."""


def dtype_refused(dtype: str, gpu: Hardware, model_type: str, *, stored_in_bf16: bool) -> tuple[str, str]:
    """Why `--dtype` can't be used, and vLLM's words; two empty texts when nothing speaks against it.

    Args:
        model_type: of config.json; empty where it is not known.
        stored_in_bf16: what `auto` means on a GPU that has bfloat16.
    """
    old = gpu.column == "nvidia" and gpu.capability < _BFLOAT16
    if old and dtype == "bfloat16":
        why = f"bfloat16 needs compute capability 8.0, {gpu.label} has less; --dtype=half or auto runs"
        return why, "Bfloat16 is only supported on GPUs with compute capability of at least 8.0."
    half = dtype in _HALF
    falls_back = old and dtype == "auto" and stored_in_bf16
    if not (half or falls_back) or model_type not in quantization_table().fp16_refused_by:
        return "", ""
    more = "" if half else f", and {gpu.label} has no bfloat16"
    why = f"vLLM refuses float16 for model type {model_type} (numerical instability){more}"
    return why, f"The model type '{model_type}' does not support float16."
