"""`--quantization` against what the checkpoint declares, as vLLM compares them (config/model.py)."""

from __future__ import annotations

from modelcar_tui.core.text import clean
from modelcar_tui.models.declared import quantization_of
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.quantization_table import quantization_table
from modelcar_tui.vllm.readings import answering
from modelcar_tui.vllm.release import parse_version

QUANTIZATION, ALLOW_DEPRECATED = "--quantization", "--allow-deprecated-quantization"
_ACCEPTS = {
    "awq": ("awq", "awq_marlin", "auto_awq", "marlin", "moe_wna16", "inc", "ipex"),
    "gptq": ("gptq", "gptq_marlin", "auto_gptq", "marlin", "gptq_marlin_24", "moe_wna16", "inc", "ipex"),
    "modelopt": ("modelopt", "modelopt_fp4", "modelopt_mxfp8", "modelopt_mixed", "petit_nvfp4"),
    "modelopt_fp4": ("modelopt", "modelopt_fp4", "petit_nvfp4"),
    "mxfp4": ("mxfp4", "gpt_oss_mxfp4"),
    "fp8": ("fp8", "deepseek_v4_fp8"),
}
_ALWAYS = ("humming",)


def method_of(facts: ModelFacts | None) -> str | None:
    """The checkpoint's `quant_method`; empty when it is unquantized, None when that is not known."""
    if facts is None or (facts.config is None and facts.quantization is None):
        return None
    raw = quantization_of(facts) or {}
    method = raw.get("quant_method")
    if isinstance(method, str) and method:
        return clean(method.lower(), limit=60)
    return "modelopt" if "quantization" in raw or "quant_algo" in raw else ""


def taken(value: str | None) -> str:
    """The method as vLLM takes it: in small letters; nothing for `None`, which is its default."""
    return "" if value in (None, "None") else value.lower()


def mismatch(value: str, facts: ModelFacts | None) -> str:
    """Why vLLM refuses `--quantization=value` for this checkpoint; empty when it does not."""
    method, value = method_of(facts), taken(value)
    if not method or not value or value in _ALWAYS or value in _ACCEPTS.get(method, (method,)):
        return ""
    return f"the checkpoint says {method} and {QUANTIZATION} says {clean(value, limit=60)}: they must agree"


def deprecated(value: str | None, facts: ModelFacts | None, vllm: str | None) -> str:
    """The deprecated method in use that this release refuses without being told so; empty when there is
    none."""
    method = taken(value) or method_of(facts) or ""
    table = quantization_table()
    release = parse_version(answering(parse_version(vllm), table.versions)) or ()
    listed: tuple[str, ...] = ()
    for since, names in table.deprecated:
        if (parse_version(since) or ()) <= release:
            listed = names
    return method if method in listed else ""
