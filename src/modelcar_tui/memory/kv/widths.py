"""Bytes of cached keys and values by `--kv-cache-dtype` (vllm v1/kv_cache_interface.py, the attention
backends' `customize_spec`)."""

from __future__ import annotations

from modelcar_tui.models import Model

_SCALE = 4
"""Bytes of the scale that each token of each head keeps for its keys, and one for its values (vllm
v1/attention/backends/triton_attn.py)."""
FLOATS = {"float32": 4, "float16": 2, "bfloat16": 2}
"""Bytes of a number by its dtype."""
_SHORT = ("fp8", "int8", "mxfp8")


def number_bytes(dtype: str, model: Model) -> float:
    """Bytes of one cached number without its scales.

    Args:
        dtype: `--kv-cache-dtype`; `auto` is the model's own, or what its checkpoint brings scales for.
    """
    if dtype.startswith("int4"):
        return 0.5
    if dtype.startswith(_SHORT):
        return 1.0
    if dtype.startswith("nvfp4"):
        return 0.5625
    return float(FLOATS.get(dtype) or (1 if dtype == "auto" and model.cache_fp8 else model.width))


def head_bytes(dtype: str, model: Model, key: int, value: int) -> int:
    """Bytes of one token in one head: `key` and `value` numbers, and their scales."""
    if dtype.startswith("nvfp4"):  # two a byte, and a scale for each 16
        return sum(size // 2 + size // 16 for size in (key, value))
    scales = 2 * _SCALE if dtype.endswith("per_token_head") else 0
    return int((key + value) * number_bytes(dtype, model)) + scales
