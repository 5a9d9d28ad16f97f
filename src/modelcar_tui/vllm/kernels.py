"""The part of the quantization table that decides a start: the least compute capability, by release."""

from __future__ import annotations

from modelcar_tui.models.scheme import Scheme
from modelcar_tui.vllm.quantization_table import quantization_table

_CLASSES = {
    "fp8": ("Fp8Config", "CompressedTensorsW8A8Fp8", "CompressedTensorsW8A16Fp8"),
    "int8": ("CompressedTensorsW8A8Int8",),
    "int4": (
        "GPTQConfig",
        "GPTQMarlinConfig",
        "AutoGPTQConfig",
        "AWQConfig",
        "AutoAWQConfig",
        "CompressedTensorsWNA16",
    ),
    "w8a16": ("GPTQConfig", "GPTQMarlinConfig", "AutoGPTQConfig", "CompressedTensorsWNA16"),
    "compressed-tensors": ("CompressedTensorsWNA16",),
    "gptq": ("GPTQConfig", "GPTQMarlinConfig", "AutoGPTQConfig"),
    "awq": ("AWQConfig", "AutoAWQConfig", "AWQMarlinConfig"),
    "nvfp4": ("ModelOptNvFp4Config", "CompressedTensorsW4A4Fp4"),
    "mxfp4": ("Mxfp4Config",),
    "bitsandbytes": ("BitsAndBytesConfig",),
    "gguf": ("GGUFConfig",),
}
_FIRST = (0, 6)
"""The table begins here."""
_NO_INT8_FROM = 100
_VOLTA = 75


def quantization_refused(scheme: Scheme, capability: float | None, release: tuple[int, int]) -> str:
    """Why vLLM refuses `scheme` on an NVIDIA GPU of this compute capability; the empty text when it does
    not."""
    if capability is None:
        return ""
    now = round(capability * 10)
    if scheme.name == "int8" and now >= _NO_INT8_FROM:
        return "vLLM has no INT8 W8A8 kernel for compute capability 10.0 and above"
    if scheme.bits >= 16 or scheme.name not in _CLASSES or release < _FIRST:
        return ""
    least = [found for name in _CLASSES[scheme.name] if (found := _least(name, release)) is not None]
    if not least:
        return f"vLLM {release[0]}.{release[1]} has no {scheme.name} quantization"
    if now >= min(least):
        return ""
    return f"{scheme.name} needs compute capability {min(least) / 10:g}, the GPU has {capability:g}"


def too_old(capability: float | None, release: tuple[int, int]) -> bool:
    """Whether the released images no longer carry code for this GPU (Volta and older)."""
    if capability is None or round(capability * 10) >= _VOLTA:
        return False
    return release >= _numbers(quantization_table().volta.no_since)


def _least(name: str, release: tuple[int, int]) -> int | None:
    """The capability that the class asks for; None when the release has no such class."""
    found: int | None = None
    for since, capability in quantization_table().min_capability.get(name, ()):
        if _numbers(since) <= release:
            found = capability
    return found


def _numbers(release: str) -> tuple[int, int]:
    parts = release.split(".")
    return int(parts[0]), int(parts[1])
