"""The activation dtype that a start gets, and those that vLLM refuses.

Read from 0.6.6.post1, 0.7.3, 0.8.5, 0.9.2 and 0.33.0: config `_get_and_verify_dtype`, `_resolve_auto_dtype`;
worker `_check_if_gpu_supports_dtype`.
"""

from __future__ import annotations

from modelcar_tui.hardware.vendors import Hardware
from modelcar_tui.vllm.quantization_table import quantization_table

BFLOAT16 = ("bfloat16", "bf16")
_HALF = ("half", "float16")
_CAPABLE = 80
"""Compute capability x 10 from which a GPU has bfloat16."""
_RESOLVES = (0, 9)
"""Since when `auto` is what the GPU has, and some models are refused in float16; before, `auto` is what the
checkpoint is stored in, 32 bits as 16."""


def resolved(dtype: str, gpu: Hardware, model_type: str, release: tuple[int, ...]) -> str:
    """`--dtype` as vLLM takes it: `float32` where `auto` finds neither 16-bit type usable, else as it is."""
    alone = _lacks_bfloat16(gpu) and release >= _RESOLVES and model_type in _no_float16()
    return "float32" if dtype == "auto" and alone else dtype


def dtype_refused(
    dtype: str, gpu: Hardware, model_type: str, *, stored_in_bf16: bool, release: tuple[int, ...]
) -> tuple[str, str]:
    """Why `--dtype` can't be used, and vLLM's words; two empty texts when nothing speaks against it.

    Args:
        model_type: of config.json; empty where it is not known.
        stored_in_bf16: what the checkpoint's weights are in.
        release: of vLLM, such as `(0, 19)`.
    """
    taken = dtype == "auto" and stored_in_bf16 and release < _RESOLVES
    if _lacks_bfloat16(gpu) and (dtype in BFLOAT16 or taken):
        told = (
            f"vLLM {release[0]}.{release[1]} takes the checkpoint's bfloat16, which" if taken else "bfloat16"
        )
        runs = "--dtype=half" if taken else "--dtype=half or auto"
        why = f"{told} needs compute capability 8.0, {gpu.label} has less; {runs} runs"
        return why, "Bfloat16 is only supported on GPUs with compute capability of at least 8.0."
    if dtype in _HALF and release >= _RESOLVES and model_type in _no_float16():
        why = f"vLLM refuses float16 for model type {model_type} (numerical instability)"
        return why, f"The model type '{model_type}' does not support float16."
    return "", ""


def _lacks_bfloat16(gpu: Hardware) -> bool:
    return gpu.column == "nvidia" and gpu.capability < _CAPABLE


def _no_float16() -> tuple[str, ...]:
    return quantization_table().fp16_refused_by
