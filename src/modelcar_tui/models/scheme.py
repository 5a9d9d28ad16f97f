"""How weights are stored on the GPU: bytes of a linear layer under each quantization."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

_GROUP = re.compile(r"(?:\bg|group[_ -]?(?:size)?[ :=]*)(\d+)")
_WHOLE_ATTENTION = re.compile(
    r"self_attn(?:\.?\*|\$|\)|$)|self_attn.*(?:q|o|qkv|q_a|q_b)_proj|mixer\.(?:q|o)_proj"
)
_WHOLE_MIXERS = re.compile(r"linear_attn(?:\.?\*|\$|\)|$)|linear_attn.*in_proj_qkv|mamba(?:\.?\*|\$|\)|$)")
"""What an ignore list says when it means the large matrices, not just gates, norms and indexers."""
_KINDS = (
    ("self_attn", "attention"),
    ("q_proj", "attention"),
    ("linear_attn", "mixers"),
    ("mixer.in_proj", "mixers"),
    ("mixer.out_proj", "mixers"),
    ("lm_head", "head"),
    ("mlp", "mlp"),
    ("experts", "mlp"),
    ("mixer.up", "mlp"),
)
_BITS_OF_GGUF = {
    "q2_k": 2.63,
    "q3_k": 3.44,
    "q4_0": 4.5,
    "q4_k": 4.85,
    "q5_k": 5.69,
    "q6_k": 6.56,
    "q8_0": 8.5,
}


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """Storage of the quantized weights; all others stay in the serving dtype."""

    name: str
    bits: float
    """Of one weight, without scales."""
    group: int = 0
    """Weights that share a scale along the input; 0: one scale per output channel."""
    scale_bytes: float = 0.0
    """Of one scale, with its zero point."""
    block: int = 0
    """Side of a square block that shares one scale."""
    experts_only: bool = False
    attention: bool = True
    """Whether the attention's linear layers are quantized."""
    mixers: bool = True
    """Whether the linear layers of state-space mixers are."""
    attention_as: Scheme | None = None
    """The attention's own scheme in a checkpoint of mixed precision."""
    mixers_as: Scheme | None = None
    head: bool = False
    """Whether lm_head is quantized too."""
    mxfp4: bool = False
    short_experts: bool = False
    """Experts in 4 bits with a scale byte for 32, the other layers as said (DeepSeek V4)."""
    known: bool = True

    def of_attention(self) -> Scheme:
        """The scheme of the attention's linear layers."""
        return (self.attention_as or self) if self.attention and not self.experts_only else PLAIN

    def of_mixers(self) -> Scheme:
        """The scheme of the state-space mixers' linear layers."""
        return (self.mixers_as or self) if self.mixers and not self.experts_only else PLAIN

    def expert_bytes(self, out: int, inner: int) -> float:
        """Bytes of one `out x inner` expert matrix with its scales."""
        return out * inner * (4 + 8 / 32) / 8 if self.short_experts else self.linear_bytes(out, inner)

    def linear_bytes(self, out: int, inner: int) -> float:
        """Bytes of one `out x inner` layer with its scales (vllm model_executor/layers/quantization)."""
        weights = out * inner * self.bits / 8
        if self.block:
            return weights + -(-out // self.block) * -(-inner // self.block) * self.scale_bytes
        if self.group:
            return weights + out * -(-inner // self.group) * self.scale_bytes
        return weights + out * self.scale_bytes


PLAIN = Scheme(name="", bits=16)


def scheme_of(quantization: Mapping[str, Any] | None, flag: str | None, text: str = "") -> Scheme:
    """The scheme of a checkpoint.

    Args:
        quantization: `quantization_config` of config.json.
        flag: `--quantization`, which quantizes a 16-bit checkpoint while loading, or names the kernel.
        text: how a catalog or a person names it, such as `w4a16` or `fp8 block 128x128`.
    """
    if isinstance(quantization, Mapping) and quantization:
        return _of_config(quantization)
    if text.strip():
        return _of_text(text)
    if flag and flag.lower() not in ("none", "auto"):
        return _of_text(flag)
    return PLAIN


def _of_config(found: Mapping[str, Any]) -> Scheme:
    method = str(found.get("quant_method") or found.get("quant_algo") or "").lower()
    inner = found.get("quantization")
    if not method and isinstance(inner, Mapping):
        method = str(inner.get("quant_algo") or "modelopt").lower()
    mixed = found.get("quantized_layers") or (
        inner.get("quantized_layers") if isinstance(inner, Mapping) else None
    )
    if isinstance(mixed, Mapping) and mixed:
        return _mixed(mixed)
    attention = not _ignores(found, _WHOLE_ATTENTION)
    mixers = not _ignores(found, _WHOLE_MIXERS)
    head = bool(found.get("lm_head") is True)
    bits = found.get("bits")
    group = found.get("group_size")
    size = group if isinstance(group, int) and 0 < group <= 2**16 else 0
    if method == "compressed-tensors":
        return msgspec.structs.replace(_compressed(found), attention=attention, mixers=mixers)
    if method in ("gptq", "gptq_marlin", "awq", "awq_marlin", "auto-round", "autoround", "inc", "auto_round"):
        width = bits if isinstance(bits, int) and bits in (2, 3, 4, 8) else 4
        return _grouped(method, width, size or 128, attention=attention, head=head)
    if method == "mxfp4":
        return Scheme(
            name="mxfp4", bits=4, group=32, scale_bytes=1, experts_only=True, attention=False, mxfp4=True
        )
    if method in ("fp8", "fbgemm_fp8"):
        block = found.get("weight_block_size")
        if isinstance(block, list) and block and isinstance(block[0], int) and 0 < block[0] <= 2**16:
            return Scheme(
                name="fp8", bits=8, block=block[0], scale_bytes=4, attention=attention, mixers=mixers
            )
        own = 4 if method == "fbgemm_fp8" else 0
        return Scheme(name="fp8", bits=8, scale_bytes=own, attention=attention, mixers=mixers)
    if method in ("bitsandbytes", "bnb"):
        return _of_text("bitsandbytes int8" if found.get("load_in_8bit") else "bitsandbytes")
    named = _of_text(f"{method} {found.get('quant_algo') or (inner or {}).get('quant_algo') or ''}")
    return msgspec.structs.replace(named, attention=attention, mixers=mixers)


def _mixed(layers: Mapping[Any, Any]) -> Scheme:
    """ModelOpt's mixed precision: one algorithm for each kind of layer, taken from the first of the kind."""
    found: dict[str, Scheme] = {}
    for name, told in list(layers.items())[:65536]:
        kind = next((kind for part, kind in _KINDS if isinstance(name, str) and part in name), "")
        if kind and kind not in found and isinstance(told, Mapping):
            found[kind] = _of_text(str(told.get("quant_algo") or ""))
    base = found.get("mlp") or PLAIN
    attention, mixers = found.get("attention"), found.get("mixers")
    return msgspec.structs.replace(
        base,
        attention=attention is not None,
        attention_as=attention,
        mixers=mixers is not None,
        mixers_as=mixers,
        head="head" in found,
    )


def _compressed(found: Mapping[str, Any]) -> Scheme:
    groups = found.get("config_groups")
    first = (
        next((g for g in groups.values() if isinstance(g, Mapping)), {})
        if isinstance(groups, Mapping)
        else {}
    )
    weights = first.get("weights")
    if not isinstance(weights, Mapping):
        return _of_text(str(found.get("format") or "compressed-tensors"))
    bits = weights.get("num_bits")
    width = bits if isinstance(bits, int) and bits in (2, 3, 4, 6, 8, 16) else 8
    size = weights.get("group_size")
    group = size if isinstance(size, int) and 0 < size <= 2**16 else 0
    floating = weights.get("type") == "float"
    block = weights.get("block_structure")
    if floating and width == 4:
        wide = group >= 32
        return Scheme(name="mxfp4" if wide else "nvfp4", bits=4, group=32 if wide else 16, scale_bytes=1)
    if isinstance(block, list) and block and isinstance(block[0], int) and 0 < block[0] <= 2**16:
        return Scheme(name="fp8", bits=8, block=block[0], scale_bytes=4)
    if width == 8 and not group:
        return Scheme(name="fp8" if floating else "int8", bits=8, scale_bytes=4)
    return _grouped("compressed-tensors", width, group, symmetric=weights.get("symmetric") is not False)


def _grouped(
    name: str, bits: int, group: int, *, attention: bool = True, head: bool = False, symmetric: bool = False
) -> Scheme:
    zero = 0.0 if symmetric else bits / 8
    return Scheme(name=name, bits=bits, group=group, scale_bytes=2 + zero, attention=attention, head=head)


def _of_text(text: str) -> Scheme:  # noqa: C901, PLR0911  # one line a spelling
    words = text.lower().replace("_", "-")
    match = _GROUP.search(words)
    group = min(int(match.group(1)), 2**16) if match else 128
    if "mxfp4" in words:
        return Scheme(
            name="mxfp4", bits=4, group=32, scale_bytes=1, experts_only=True, attention=False, mxfp4=True
        )
    if "nvfp4" in words or "w4a4" in words or "modelopt-fp4" in words or "fp4" in words:
        return Scheme(name="nvfp4", bits=4, group=16, scale_bytes=1)
    if "w4afp8" in words:
        return _grouped("int4", 4, group)
    if "mxfp8" in words:
        return Scheme(name="mxfp8", bits=8, group=32, scale_bytes=1)
    if "experts-int8" in words:
        return Scheme(name="experts_int8", bits=8, scale_bytes=4, experts_only=True, attention=False)
    if "bitsandbytes" in words or "bnb" in words:
        if "8bit" in words or "8-bit" in words or "int8" in words:
            return Scheme(name="bitsandbytes", bits=8, scale_bytes=4)
        return Scheme(name="bitsandbytes", bits=4, group=64, scale_bytes=4)
    if (
        any(mark in words for mark in ("fp8", "float-quantized", "f8", "float8"))
        or words.strip() == "modelopt"
    ):
        block = "block" in words or "128x128" in words
        return Scheme(name="fp8", bits=8, block=128 if block else 0, scale_bytes=4)
    if "w8a16" in words or "8bit" in words or "8-bit" in words or ("gptq" in words and "int8" in words):
        return _grouped("w8a16", 8, group)
    if "int8" in words or "w8a8" in words:
        return Scheme(name="int8", bits=8, scale_bytes=4)
    if words.strip() == "gguf":
        return Scheme(name="gguf", bits=_BITS_OF_GGUF["q4_k"], head=True)
    for name, bits in _BITS_OF_GGUF.items():
        if name.replace("_", "-") in words:
            return Scheme(name="gguf", bits=bits, head=True)
    if any(
        mark in words
        for mark in ("int4", "w4a16", "awq", "gptq", "4bit", "4-bit", "w4", "auto-round", "wna16")
    ):
        return _grouped("int4", 4, group)
    if words.strip() in ("bf16", "fp16", "16", "float16", "bfloat16", "none", "unquantized"):
        return PLAIN
    return Scheme(name=text.strip()[:40], bits=16, known=False)


def _ignores(found: Mapping[str, Any], parts: re.Pattern[str]) -> bool:
    inner = found.get("quantization")
    for place in (found, inner if isinstance(inner, Mapping) else {}):
        ignored = place.get("ignore") or place.get("modules_to_not_convert") or place.get("exclude_modules")
        if isinstance(ignored, list):
            return any(isinstance(name, str) and parts.search(name[:300]) for name in ignored[:16384])
    return False
