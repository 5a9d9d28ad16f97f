"""The activation dtype that a start gets, and those that vLLM refuses.

Read from 0.6.0 to 0.33.0: config `_get_and_verify_dtype`, `_resolve_auto_dtype`, `_check_valid_dtype`;
platforms/cuda.py supported_dtypes; worker `_check_if_gpu_supports_dtype`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelcar_tui.hardware import Hardware
from modelcar_tui.models import Reader, text_config
from modelcar_tui.vllm.readings import answering_release
from modelcar_tui.vllm.value_table import capability_table

BFLOAT16 = ("bfloat16", "bf16")
_HALF = ("half", "float16")
_NAMES = {"half": "float16", "float": "float32", "bf16": "bfloat16"}
_CAPABLE = 80
"""Compute capability x 10 from which a GPU has bfloat16."""
_RESOLVES = (0, 9)
"""Since when `auto` is what the GPU has; before, it is what the checkpoint is stored in, 32 bits as 16."""
_REASON = "(numerical instability)"


def model_type_of(config: Mapping[str, Any] | None) -> str:
    """The `model_type` that vLLM holds against its list: the whole model's, not its text part's."""
    own = Reader(config or {}).text("model_type") or Reader(text_config(config)).text("model_type")
    return own.lower()


def named(dtype: str) -> str:
    """A dtype by the name that PyTorch has for it; others as they are."""
    lowered = dtype.lower()
    return _NAMES.get(lowered, lowered)


def float16_refused(model_type: str, release: tuple[int, ...]) -> bool:
    """Whether a release refuses float16 for models of this type."""
    read = answering_release(release, capability_table().read)
    return model_type in (capability_table().value("float16", "refused", read) or ())


def resolved_dtype(dtype: str, gpu: Hardware, model_type: str, release: tuple[int, ...]) -> str:
    """`--dtype` as vLLM takes it: `float32` where `auto` finds neither 16-bit type usable, else as it is."""
    alone = _lacks_bfloat16(gpu) and release >= _RESOLVES and float16_refused(model_type, release)
    return "float32" if dtype == "auto" and alone else dtype


def engine_dtype(
    dtype: str,
    gpu: Hardware | None,
    model_type: str,
    *,
    stored: str,
    release: tuple[int, ...],
    pools: bool | None = None,
) -> str:
    """What the model runs in: `float16`, `bfloat16` or `float32`; empty where that is not known.

    Args:
        gpu: None where it is not known; then `auto` is not, either.
        stored: what the checkpoint's weights are in, by PyTorch's name; empty where nothing says.
        pools: it makes embeddings or scores, for which 32 bits become float16; None where that is not known.
    """
    asked = named(dtype)
    if asked != "auto":
        return asked
    if release < _RESOLVES:
        return "float16" if stored == "float32" else stored
    if gpu is None or not gpu.known or stored not in ("float16", "bfloat16", "float32"):
        return ""
    lacks = {"bfloat16": _lacks_bfloat16(gpu), "float16": float16_refused(model_type, release)}
    usable = [name for name in ("bfloat16", "float16") if not lacks[name]]
    if stored == "float32" and pools is not False:
        return "float16" if pools and "float16" in usable else ""
    return stored if stored in usable else (*usable, "float32")[0]


def dtype_refused(
    dtype: str, gpu: Hardware | None, model_type: str, *, stored_in_bf16: bool, release: tuple[int, ...]
) -> tuple[str, str]:
    """Why `--dtype` can't be used, and vLLM's words; two empty texts when nothing speaks against it.

    Args:
        gpu: None for what is refused on every GPU.
        model_type: of config.json; empty where it is not known.
        stored_in_bf16: what the checkpoint's weights are in.
        release: of vLLM, such as `(0, 19, 1)`.
    """
    taken = dtype == "auto" and stored_in_bf16 and release < _RESOLVES
    if gpu is not None and _lacks_bfloat16(gpu) and (dtype in BFLOAT16 or taken):
        whose = f"vLLM {release[0]}.{release[1]} takes the checkpoint's bfloat16, which"
        told = whose if taken else "bfloat16"
        half = "" if float16_refused(model_type, release) else "--dtype=half"
        runs = half if taken else f"{half} or auto" if half else "auto"
        why = f"{told} needs compute capability 8.0, {gpu.label} has less; {runs or '--dtype=float32'} runs"
        return why, "Bfloat16 is only supported on GPUs with compute capability of at least 8.0."
    if dtype in _HALF and float16_refused(model_type, release):
        why = f"vLLM refuses float16 for model type {model_type} {_REASON}"
        return why, f"The model type '{model_type}' does not support float16."
    return "", ""


def _lacks_bfloat16(gpu: Hardware) -> bool:
    return gpu.column == "nvidia" and gpu.capability < _CAPABLE
