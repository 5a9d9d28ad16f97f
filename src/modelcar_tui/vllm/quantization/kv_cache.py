"""Whether a KV-cache dtype runs on a GPU."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.core.text import clean
from modelcar_tui.hardware import Hardware
from modelcar_tui.models import ModelFacts, family_of, text_config
from modelcar_tui.models.quantization import quantization_of
from modelcar_tui.vllm.quantization.schemes import SupportAnswer
from modelcar_tui.vllm.quantization.support import Compatibility, Support
from modelcar_tui.vllm.quantization_table import quantization_table
from modelcar_tui.vllm.release import Version, at, parse_version, stand_in

_SAME_AS_MODEL = ("auto", "float16", "bfloat16")


def effective_kv_dtype(model: ModelFacts, kv_cache_dtype: str) -> str:
    """The dtype after vLLM has read the checkpoint: calibrated KV scales turn `auto` into fp8."""
    raw = quantization_of(model)
    if kv_cache_dtype != "auto" or raw is None:
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
    shown = clean(dtype, limit=40)
    by_itself = " (the checkpoint carries KV scales)" if dtype != kv_cache_dtype else ""
    support, why = kv_cache_runs(dtype, gpu, version, flashinfer=_flashinfer(model))
    yield Compatibility(
        support=support,
        quantization=f"KV cache {shown}",
        gpu=gpu.label,
        why=f"{why}{by_itself}",
        source=quantization_table().kv_cache.source,
    )


def kv_cache_runs(dtype: str, gpu: Hardware, version: Version | None, *, flashinfer: bool) -> SupportAnswer:
    """How a KV cache of this dtype runs on a GPU.

    Args:
        dtype: value of `--kv-cache-dtype`; `auto` runs everywhere.
        version: the runtime's release; None stands for the newest.
        flashinfer: FlashInfer can run the model's attention.
    """
    if dtype in _SAME_AS_MODEL:
        return Support.NATIVE, ""
    if dtype not in quantization_table().kv_cache.choices:
        return Support.UNSUPPORTED, "vLLM has no such KV-cache dtype"
    if not gpu.known:
        return Support.UNKNOWN, f"no compute capability or generation is known for {gpu.label}"
    if gpu.column == "nvidia":
        return _nvidia(dtype, gpu.capability, version, flashinfer=flashinfer)
    if dtype in ("fp8", "fp8_e4m3"):
        if gpu.column in ("gfx942", "gfx950"):
            return Support.NATIVE, "MI300 and newer have FP8 units"
        if gpu.column == "gfx90a":
            return Support.UNSUPPORTED, "the MI200 line has no FP8 units"
    if dtype == "fp8_inc" and gpu.column == "gaudi":
        return Support.NATIVE, "Gaudi's own format"
    if dtype == "fp8_inc":
        return Support.UNSUPPORTED, "a Gaudi format"
    return Support.UNKNOWN, f"no source says whether {dtype} runs on {gpu.column}"


def _flashinfer(model: ModelFacts) -> bool:
    """FlashInfer has neither latent attention (MLA) nor attention sinks below Blackwell."""
    text = text_config(model.config)
    return text.get("kv_lora_rank") is None and not family_of(str(text.get("model_type"))).sinks


def _nvidia(dtype: str, capability: int, version: Version | None, *, flashinfer: bool) -> SupportAnswer:
    rules = quantization_table().kv_cache
    if dtype in ("fp8", "fp8_e4m3", "fp8_per_token_head", "fp8_ds_mla"):
        return _fp8(dtype, capability, version, flashinfer=flashinfer)
    if dtype == "fp8_e5m2":
        if capability < rules.fp8_e5m2_from:
            return Support.UNSUPPORTED, "an fp8_e5m2 KV cache needs compute capability 8.0"
        return Support.AT_A_COST, "fp8_e5m2 has two bits of precision and no calibrated scales"
    if dtype.startswith("nvfp4"):
        release = stand_in(version, quantization_table().versions)
        ranges = at(rules.nvfp4, release, ())
        if any(low <= capability <= high for low, high in ranges):
            return Support.NATIVE, "FlashInfer reads NVFP4 keys and values, except for MLA models"
        return Support.UNSUPPORTED, f"vLLM {release} has no kernel for an NVFP4 KV cache on this GPU"
    if dtype.startswith("octave") or dtype == "fp8_inc":
        return Support.UNSUPPORTED, "not a format for NVIDIA GPUs"
    return Support.UNKNOWN, f"no source says which GPUs run {dtype}"


def _fp8(dtype: str, capability: int, version: Version | None, *, flashinfer: bool) -> SupportAnswer:
    rules = quantization_table().kv_cache
    least = 90 if dtype == "fp8_ds_mla" else rules.fp8_e4m3_from
    chosen = version is None or version >= (parse_version(rules.flashinfer_since) or ())
    ampere = rules.fp8_e5m2_from <= capability < least and dtype in ("fp8", "fp8_e4m3")
    if ampere and flashinfer and chosen:
        return Support.UNKNOWN, f"an {dtype} KV cache runs here with FlashInfer, not with Triton's attention"
    if capability < least:
        return Support.UNSUPPORTED, (
            f"an {dtype} KV cache needs compute capability {least // 10}.{least % 10}, the GPU has "
            f"{capability // 10}.{capability % 10}"
            + ("; fp8_e5m2 runs from 8.0" if capability >= rules.fp8_e5m2_from else "")
        )
    if capability // 10 == 9:
        return Support.NATIVE, "FlashAttention 3 reads fp8 keys and values"
    return Support.NATIVE, "FlashInfer or Triton reads fp8 keys and values; FlashAttention does not"
