"""What a model's own configuration says of its weights: quantization and bits."""

from __future__ import annotations

import re
from typing import Any

from modelcar_tui.core.text import clean
from modelcar_tui.models.quantization import bits_of_method

_DTYPES = {"bfloat16": 16, "float16": 16, "half": 16, "float32": 32, "float": 32, "float64": 64}
_NAMES = {"fbgemm_fp8": "fp8", "modelopt_fp4": "nvfp4"}


def declared(
    config: dict[str, Any] | None, quantization: dict[str, Any] | None
) -> tuple[str | None, int | None]:
    """Name and bits of the quantization.

    Returns:
        `("", bits)` for a model that is known to be unquantized, `(None, None)` when nothing is said.
    """
    if quantization:
        return _quantized(quantization)
    if config is None:
        return None, None
    return "", _dtype_bits(config)


def quantization_part(config: dict[str, Any] | None, others: dict[str, Any]) -> dict[str, Any] | None:
    """`quantization_config` of config.json (or of its text part), else a file of its own."""
    for part in (config, _mapping(config, "text_config"), _mapping(config, "language_config")):
        for key in ("quantization_config", "compression_config"):
            if found := _mapping(part, key):
                return found
    for name in ("hf_quant_config.json", "quantize_config.json", "quant_config.json"):
        if isinstance(found := others.get(name), dict) and found:
            return found
    return None


def _quantized(data: dict[str, Any]) -> tuple[str | None, int | None]:
    inner = _mapping(data, "quantization") or data  # hf_quant_config.json nests it
    if algorithm := _text(inner.get("quant_algo")):
        return _algorithm(algorithm)
    if groups := _mapping(data, "config_groups"):
        return _compressed(groups, _text(data.get("format")))
    method = _text(data.get("quant_method")).lower() or ("awq" if "zero_point" in data else "gptq")
    bits = _bits(data)
    if method in ("bitsandbytes", "bnb"):
        return "bitsandbytes", 8 if data.get("load_in_8bit") is True else 4
    return _NAMES.get(method, method), bits or bits_of_method(method)


def _algorithm(text: str) -> tuple[str, int | None]:
    name = text.lower()
    if "mixed" in name:
        return "mixed", None
    for part, bits in (("nvfp4", 4), ("mxfp8", 8), ("mxfp4", 4), ("fp8", 8)):
        if part in name:
            return part, bits
    match = re.search(r"w(\d+)a(\d+)", name)
    return (match[0], int(match[1])) if match else (name, None)


def _compressed(groups: dict[str, Any], form: str) -> tuple[str | None, int | None]:
    """compressed-tensors: one scheme a group; the narrowest names the model."""
    found: list[tuple[int, str]] = []
    for group in list(groups.values())[:64]:
        weights, inputs = _mapping(group, "weights"), _mapping(group, "input_activations")
        bits = _bits(weights or {}, "num_bits")
        if weights is None or bits is None:
            continue
        floating = weights.get("type") == "float"
        acts = _bits(inputs or {}, "num_bits") or 16
        packed = _text(group.get("format")) or form if isinstance(group, dict) else form
        if floating and bits == 4:
            found.append((4, "mxfp4" if "mxfp4" in packed else "nvfp4"))
        elif floating:
            found.append((bits, "fp8" if bits == 8 else f"fp{bits}"))
        else:
            found.append((bits, f"w{bits}a{acts}"))
    if not found:
        return "compressed-tensors", None
    bits, name = min(found)
    return name, bits


def _dtype_bits(config: dict[str, Any]) -> int | None:
    for part in (config, _mapping(config, "text_config")):
        for key in ("torch_dtype", "dtype"):
            if part and isinstance(name := part.get(key), str):
                return _DTYPES.get(name.removeprefix("torch."))
    return None


def _bits(data: dict[str, Any], *keys: str) -> int | None:
    for key in keys or ("bits", "w_bit", "weight_bits", "nbits", "num_bits"):
        value = data.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 64:
            return value
    return None


def _mapping(data: Any, key: str) -> dict[str, Any] | None:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, dict) else None


def _text(value: Any) -> str:
    return clean(value, limit=60) if isinstance(value, str) else ""
