"""Whether a KV-cache dtype runs on a GPU."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.core.text import clean
from modelcar_tui.hardware.vendors import Hardware
from modelcar_tui.models.config import text_config
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.quantization_table import quantization_table
from modelcar_tui.vllm.release import Version
from modelcar_tui.vllm.support import Compatibility, Support

_SAME_AS_MODEL = ("auto", "float16", "bfloat16")


def effective_kv_dtype(model: ModelFacts, kv_cache_dtype: str) -> str:
    """The dtype after vLLM has read the checkpoint: calibrated KV scales turn `auto` into fp8."""
    raw = model.quantization or text_config(model.config).get("quantization_config") or {}
    if kv_cache_dtype != "auto" or not isinstance(raw, dict):
        return kv_cache_dtype
    inner = raw.get("quantization")
    inner = inner if isinstance(inner, dict) else raw
    if raw.get("kv_cache_scheme") or str(inner.get("kv_cache_quant_algo") or "").upper() == "FP8":
        return "fp8"
    return kv_cache_dtype


def check_kv_cache(
    model: ModelFacts, gpu: Hardware, version: Version | None, kv_cache_dtype: str
) -> Iterator[Compatibility]:
    """Nothing for a 16-bit cache; one answer for any other."""
    dtype = effective_kv_dtype(model, kv_cache_dtype)
    if dtype in _SAME_AS_MODEL:
        return
    rules = quantization_table().kv_cache
    shown = clean(dtype, limit=40)
    by_itself = " (the checkpoint carries KV scales)" if dtype != kv_cache_dtype else ""
    support, why = _answer(dtype, gpu)
    yield Compatibility(
        support=support,
        quantization=f"KV cache {shown}",
        gpu=gpu.label,
        why=f"{why}{by_itself}",
        source=rules.source,
    )


def _answer(dtype: str, gpu: Hardware) -> tuple[Support, str]:
    rules = quantization_table().kv_cache
    if dtype not in rules.choices:
        return Support.UNSUPPORTED, "vLLM has no such KV-cache dtype"
    if not gpu.known:
        return Support.UNKNOWN, f"no compute capability or generation is known for {gpu.label}"
    if gpu.column == "nvidia":
        return _nvidia(dtype, gpu.capability)
    if dtype in ("fp8", "fp8_e4m3"):
        if gpu.column in ("gfx942", "gfx950"):
            return Support.NATIVE, "MI300 and newer have FP8 units"
        if gpu.column == "gfx90a":
            return Support.UNSUPPORTED, "the MI200 line has no FP8 units"
    if dtype == "fp8_inc":
        return (
            (Support.NATIVE, "Gaudi's own format")
            if gpu.column == "gaudi"
            else (Support.UNSUPPORTED, "a Gaudi format")
        )
    return Support.UNKNOWN, f"no source says whether {dtype} runs on {gpu.column}"


def _nvidia(dtype: str, capability: int) -> tuple[Support, str]:
    rules = quantization_table().kv_cache
    if dtype in ("fp8", "fp8_e4m3", "fp8_per_token_head", "fp8_ds_mla"):
        least = 90 if dtype == "fp8_ds_mla" else rules.fp8_e4m3_from
        if capability < least:
            return Support.UNSUPPORTED, (
                f"{dtype} needs compute capability {least // 10}.{least % 10}, the GPU has "
                f"{capability // 10}.{capability % 10}"
                + ("; fp8_e5m2 runs from 8.0" if capability >= rules.fp8_e5m2_from else "")
            )
        if capability // 10 == 9:
            return Support.NATIVE, "FlashAttention 3 reads fp8 keys and values"
        return Support.NATIVE, "FlashInfer or Triton reads fp8 keys and values; FlashAttention does not"
    if dtype == "fp8_e5m2":
        if capability < rules.fp8_e5m2_from:
            return Support.UNSUPPORTED, "fp8_e5m2 needs compute capability 8.0"
        return Support.AT_A_COST, "fp8_e5m2 has two bits of precision and no calibrated scales"
    if dtype.startswith("nvfp4"):
        if capability < 100:
            return Support.UNSUPPORTED, "an NVFP4 KV cache needs Blackwell"
        return Support.NATIVE, "FlashInfer reads NVFP4 keys and values, except for MLA models"
    if dtype.startswith("octave") or dtype == "fp8_inc":
        return Support.UNSUPPORTED, "not a format for NVIDIA GPUs"
    return Support.UNKNOWN, f"no source says which GPUs run {dtype}"
