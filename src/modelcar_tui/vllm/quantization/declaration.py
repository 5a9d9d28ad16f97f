"""How vLLM reads what a checkpoint declares of its quantization, and what else decides about the method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelcar_tui.core.text import clean
from modelcar_tui.hardware import Hardware
from modelcar_tui.models import ModelFacts, text_part
from modelcar_tui.models.quantization import quantization_of
from modelcar_tui.vllm.readings import answering_release
from modelcar_tui.vllm.release import Version
from modelcar_tui.vllm.value_table import capability_table

_PARTS = ("quantization_config", "compression_config")
_SAYS = ("quant_method", "quant_algo", "quantization", "producer")
"""Keys of a file beside config.json that make vLLM take it for the declaration."""
_MODELOPT = {
    "FP8": "modelopt",
    "FP8_PER_CHANNEL_PER_TOKEN": "modelopt",
    "FP8_PB_WO": "modelopt",
    "NVFP4": "modelopt_fp4",
    "MIXED_PRECISION": "modelopt_mixed",
}
"""What vLLM calls a checkpoint of NVIDIA's ModelOpt by its algorithm, where nothing else says it."""


class AskedQuantization(msgspec.Struct, frozen=True, kw_only=True):
    """What decides about the method."""

    facts: ModelFacts | None
    value: str | None = None
    """Of `--quantization`, as it is written."""
    version: Version | None = None
    """Of vLLM; the newest that was read for None."""
    gpu: Hardware | None = None
    """None for what holds on every NVIDIA GPU."""

    configured: bool = True
    """Whether `--quantization-config` is given; True, too, where that is not known."""

    @property
    def release(self) -> str:
        """The read release that answers."""
        return answering_release(self.version, capability_table().read)

    @property
    def user(self) -> str:
        """The method as vLLM takes it: in small letters; nothing for `None`, which is its default."""
        return "" if self.value in (None, "None") else self.value.lower()


def declaration(asked: AskedQuantization) -> Mapping[str, Any] | None:
    """The checkpoint's declaration as vLLM reads it; None where it has none.

    Source: ModelConfig._parse_quant_hf_config, model_arch_config_convertor._normalize_quantization_config.
    """
    if asked.facts is None:
        return None
    raw = quantization_of(asked.facts)
    if raw is None or not (_in_config(asked.facts) or any(key in raw for key in _SAYS)):
        return None
    return {**raw, "quant_method": _method_of(raw)}


def _in_config(facts: ModelFacts) -> bool:
    """Whether it is config.json that declares it, not a file beside it."""
    config = facts.config or {}
    return any(isinstance(part.get(key), Mapping) for part in (config, text_part(config)) for key in _PARTS)


def _method_of(raw: Mapping[str, Any]) -> str:
    method = raw.get("quant_method")
    if isinstance(method, str) and method:
        return clean(method.lower().replace("compressed_tensors", "compressed-tensors"), limit=60)
    if "quantization" in raw or "quant_algo" in raw:
        return _MODELOPT.get(algorithm_of(raw), "modelopt")
    return ""


def algorithm_of(raw: Mapping[str, Any]) -> str:
    """ModelOpt's `quant_algo` in capitals; empty where there is none."""
    inner = raw.get("quantization")
    return str((inner if isinstance(inner, Mapping) else raw).get("quant_algo") or "").upper()
