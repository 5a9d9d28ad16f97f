"""A cache in fp8_e5m2 beside a quantization that brings scales of its own for an e4m3 cache."""

from __future__ import annotations

from modelcar_tui.models import Reader, text_config
from modelcar_tui.vllm.quantization.declaration import AskedQuantization, declaration
from modelcar_tui.vllm.quantization.method import choose_method, running_class
from modelcar_tui.vllm.release import reached

_E5M2 = "fp8_e5m2"
_SCALED = (
    "Fp8Config",
    "DeepseekV4FP8Config",
    "PTPCFp8Config",
    "Mxfp8Config",
    "QuarkConfig",
    "PetitNvFp4Config",
)
"""vLLM's classes whose get_quant_method gives a KVCacheMethod for attention, 0.6.0 to 0.33.0; ModelOpt's do,
too."""
_MODELOPT, _COMPRESSED = "ModelOpt", "CompressedTensorsConfig"
SCALES_ERROR = "fp8_e5m2 kv-cache is not supported with fp8 checkpoints."


def scales_refused(asked: AskedQuantization, cache_dtype: str) -> str:
    """Why vLLM refuses the cache's dtype beside the method; empty where it does not, or nothing says so.

    Source: attention/layer.py set_default_quant_scales and _init_kv_cache_quant.
    """
    config = asked.facts.config if asked.facts else None
    latent = Reader(text_config(config)).integer("kv_lora_rank", high=2**20)
    if cache_dtype != _E5M2 or config is None or latent:
        return ""
    method = choose_method(asked).method
    kind = running_class(asked, method)
    scheme = (declaration(asked) or {}).get("kv_cache_scheme")
    compressed = kind == _COMPRESSED and (scheme is not None or not reached("0.24.0", asked.release))
    if not compressed and kind not in _SCALED and not kind.startswith(_MODELOPT):
        return ""
    return (
        f"vLLM {asked.release} has no {_E5M2} cache beside quantization {method}, whose scales are for e4m3"
    )
