"""Which quantization scheme a model has: what its checkpoint declares, else what its name says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from modelcar_tui.core.facts import Source
from modelcar_tui.core.text import clean
from modelcar_tui.models.config import text_config
from modelcar_tui.models.facts import ModelFacts

_METHODS = {
    "fp8": "fp8",
    "deepseek_v4_fp8": "fp8",
    "fp8_per_tensor": "fp8",
    "fp8_per_block": "fp8",
    "awq": "awq",
    "awq_marlin": "awq",
    "auto_awq": "awq",
    "gptq": "gptq",
    "gptq_marlin": "gptq",
    "auto_gptq": "gptq",
    "gptq_marlin_24": "gptq-marlin-24",
    "marlin": "marlin",
    "bitsandbytes": "bitsandbytes",
    "gguf": "gguf",
    "mxfp4": "mxfp4",
    "gpt_oss_mxfp4": "mxfp4",
    "modelopt_fp4": "nvfp4",
    "nvfp4": "nvfp4",
    "modelopt_mxfp8": "modelopt-mxfp8",
    "modelopt_mixed": "modelopt-mixed",
    "mxfp8": "mxfp8",
    "torchao": "torchao",
    "experts_int8": "experts-int8",
    "moe_wna16": "moe-wna16",
    "fbgemm_fp8": "fbgemm-fp8",
    "inc": "inc",
    "auto-round": "inc",
    "auto_round": "inc",
    "intel/auto-round": "inc",
    "hqq": "hqq",
    "qqq": "qqq",
    "aqlm": "aqlm",
    "deepspeedfp": "deepspeedfp",
    "bitblas": "bitblas",
    "squeezellm": "squeezellm",
    "rtn": "rtn",
    "fp_quant": "fp-quant",
    "petit_nvfp4": "petit-nvfp4",
    "ipex": "ipex",
}
_NAMES = (
    (r"nvfp4", "nvfp4-ct"),
    (r"mxfp8", "mxfp8"),
    (r"mxfp4|gpt-oss", "mxfp4"),
    (r"fp8[-_. ]?block", "fp8-ct"),
    (r"awq", "awq"),
    (r"gptq", "gptq"),
    (r"gguf", "gguf"),
    (r"bnb|bitsandbytes|nf4", "bitsandbytes"),
    (r"w4a8", "w4a8-fp8"),
    (r"w4a16|int4", "w4a16"),
    (r"w8a16", "w8a16"),
    (r"w8a8[-_.]?fp8|fp8", "fp8-ct"),
    (r"w8a8|int8", "w8a8-int8"),
    (r"2of4|sparse", "sparse-24"),
    (r"quark", "quark-fp8"),
)
_MODELOPT = {
    "FP8": "modelopt-fp8",
    "FP8_PER_CHANNEL_PER_TOKEN": "modelopt-fp8",
    "FP8_PB_WO": "modelopt-fp8",
    "NVFP4": "nvfp4",
    "NVFP4_AWQ": "nvfp4",
    "MXFP8": "modelopt-mxfp8",
    "MIXED_PRECISION": "modelopt-mixed",
}
_DTYPES = {
    "bfloat16": "bf16",
    "bf16": "bf16",
    "float16": "fp16",
    "half": "fp16",
    "float32": "fp32",
    "float": "fp32",
}


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """The schemes of one model; several in a mixed checkpoint."""

    schemes: tuple[str, ...] = ()
    """Ids in the quantization table; empty when it is not known how the model is quantized."""
    label: str = ""
    """As the checkpoint or the name puts it."""
    source: Source = Source.NONE
    disagrees: str = ""
    """What the name says, where the checkpoint says otherwise."""


def declared(
    facts: ModelFacts, *, dtype: str = "auto", reference: str = "", online: str | None = None
) -> Declared:
    """The model's quantization; the checkpoint's own word beats the name of the model or its image."""
    named = scheme_of_name(reference)
    if facts.gguf is not None:
        return Declared(schemes=("gguf",), label="GGUF", source=Source.HEADERS)
    raw = facts.quantization
    if raw is None and facts.config is not None:
        nested = text_config(facts.config).get("quantization_config")
        raw = nested if isinstance(nested, dict) else None
    if raw is not None:
        schemes, label = _of_config(raw)
        label = clean(label, limit=80)
        text = label if schemes else f"{label}, which is not in our table"
        other = named if named and schemes and not _same(named, schemes) else ""
        return Declared(schemes=schemes, label=text, source=Source.MODEL_CONFIG, disagrees=other)
    name = facts.quantization_name
    if facts.config is not None or (name.known and name.value == ""):
        scheme = _METHODS.get((online or "").lower())
        if scheme:
            return Declared(schemes=(scheme,), label=f"--quantization {online}", source=Source.MANIFEST)
        plain = _plain(facts.config, dtype)
        source = Source.MODEL_CONFIG if facts.config is not None else name.source
        return Declared(schemes=(plain,), label=f"not quantized ({plain})", source=source, disagrees=named)
    if name.known and name.value:
        scheme = _METHODS.get(name.value.lower()) or scheme_of_name(name.value)
        label = clean(name.value, limit=80)
        return Declared(schemes=(scheme,) if scheme else (), label=label, source=name.source)
    return Declared(schemes=(named,), label=named, source=Source.NAME) if named else Declared()


def scheme_of_name(text: str) -> str:
    """The scheme that a model's or image's name hints at, or nothing."""
    lowered = text.lower()
    for pattern, scheme in _NAMES:
        if re.search(rf"(?<![a-z0-9])(?:{pattern})(?![0-9])", lowered):
            return scheme
    return ""


def is_moe(config: Mapping[str, Any] | None) -> bool:
    """Whether the model has routed experts."""
    text = text_config(config)
    keys = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
    return any(isinstance(text.get(key), int) and text[key] > 1 for key in keys)


def plain_dtype(config: Mapping[str, Any] | None) -> str:
    """The dtype that the checkpoint names: `bf16`, `fp16`, `fp32`; bf16 where it names none."""
    text = text_config(config)
    word = str(text.get("torch_dtype") or text.get("dtype") or "bfloat16").removeprefix("torch.").lower()
    return _DTYPES.get(word, "bf16")


def _plain(config: Mapping[str, Any] | None, dtype: str) -> str:
    if dtype != "auto":
        return _DTYPES.get(dtype, "bf16")
    stored = plain_dtype(config)
    return "fp16" if stored == "fp32" else stored


def _of_config(raw: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    method = str(raw.get("quant_method") or "").lower()
    if not method and isinstance(raw.get("quantization"), dict):
        return _modelopt(raw["quantization"])
    if not method and "quant_algo" in raw:
        return _modelopt(raw)
    if method == "compressed-tensors":
        return _compressed_tensors(raw)
    if method.startswith("modelopt"):
        inner = raw.get("quantization")
        return _modelopt(inner if isinstance(inner, dict) else raw)
    if method == "quark":
        return _quark(raw)
    if method == "fp8" and raw.get("weight_block_size"):
        return ("fp8-block",), "fp8 in blocks"
    if method in ("gptq", "awq") and raw.get("checkpoint_format") in ("gptq_marlin_24", "marlin"):
        return (_METHODS[str(raw["checkpoint_format"])],), str(raw["checkpoint_format"])
    scheme = _METHODS.get(method)
    return ((scheme,) if scheme else ()), method or "no quant_method"


def _modelopt(raw: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    algorithm = str(raw.get("quant_algo") or "").upper()
    scheme = _MODELOPT.get(algorithm)
    return ((scheme,) if scheme else ()), f"modelopt {algorithm}".strip()


def _quark(raw: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    spec = raw.get("global_quant_config")
    weight = spec.get("weight") if isinstance(spec, dict) else None
    if isinstance(weight, list):
        weight = weight[0] if weight else None
    word = str(weight.get("dtype") if isinstance(weight, dict) else "").lower()
    if word.startswith("fp8"):
        return ("quark-fp8",), f"quark {word}"
    if word == "int8":
        return ("quark-int8",), "quark int8"
    if word in ("fp4", "fp6_e2m3", "fp6_e3m2", "mxfp4"):
        return ("quark-mx",), f"quark {word}"
    return (), f"quark {word}".strip()


def _compressed_tensors(raw: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    found: list[str] = []
    groups = raw.get("config_groups")
    default = str(raw.get("format") or "")
    for group in list(groups.values())[:64] if isinstance(groups, dict) else []:
        if isinstance(group, dict):
            scheme = _group(group, str(group.get("format") or default))
            if not scheme:
                return (), f"compressed-tensors {default}".strip()
            if scheme not in found:
                found.append(scheme)
    sparsity = raw.get("sparsity_config")
    if (isinstance(sparsity, dict) and str(sparsity.get("sparsity_structure")) == "2:4") or "24" in default:
        found = ["sparse-24", *(scheme for scheme in found if scheme != "w4a16")]
    return tuple(found), f"compressed-tensors {default}".strip()


def _group(group: Mapping[str, Any], layout: str) -> str:
    weights, acts = group.get("weights"), group.get("input_activations")
    if not isinstance(weights, dict):
        return ""
    bits, kind = weights.get("num_bits"), str(weights.get("type") or "int")
    inputs = (acts.get("num_bits"), str(acts.get("type") or "int")) if isinstance(acts, dict) else None
    if kind == "float" and bits == 8:
        if "mxfp8" in layout or weights.get("group_size") == 32:
            return "mxfp8"
        return "fp8-ct" if inputs else "fp8-w8a16"
    if kind == "float" and bits == 4:
        if "mxfp4" in layout or weights.get("group_size") == 32:
            return "mxfp4-ct"
        return "nvfp4-ct" if inputs else "nvfp4-w4a16"
    word = f"w{bits}" + (f"a{inputs[0]}-{inputs[1]}" if inputs else "")
    return {
        "w8": "w8a16",
        "w4": "w4a16",
        "w8a8-int": "w8a8-int8",
        "w4a8-float": "w4a8-fp8",
        "w4a8-int": "w4a8-int",
    }.get(word, "")


def _same(named: str, schemes: tuple[str, ...]) -> bool:
    family = {
        "fp8-ct": "fp8",
        "fp8-block": "fp8",
        "modelopt-fp8": "fp8",
        "fp8-w8a16": "fp8",
        "fbgemm-fp8": "fp8",
        "quark-fp8": "fp8",
        "nvfp4-ct": "nvfp4",
        "nvfp4-w4a16": "nvfp4",
        "quark-nvfp4": "nvfp4",
        "mxfp4-ct": "mxfp4",
        "quark-int8": "w8a8-int8",
        "gptq": "w4a16",
        "awq": "w4a16",
        "modelopt-mxfp8": "mxfp8",
    }
    return any(family.get(named, named) == family.get(scheme, scheme) for scheme in schemes)
