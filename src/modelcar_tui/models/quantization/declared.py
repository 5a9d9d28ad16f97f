"""Which quantization scheme a model has: what its checkpoint declares, else what its name says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from modelcar_tui.core.facts import Source
from modelcar_tui.core.text import clean
from modelcar_tui.models.config import EXPERT_COUNTS, text_config, text_part
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.quantization.scheme_table import (
    by_word,
    loose_patterns,
    name_patterns,
    schemes_by_id,
)

_DTYPES = {
    "bfloat16": "bf16",
    "bf16": "bf16",
    "float16": "fp16",
    "half": "fp16",
    "float32": "fp32",
    "float": "fp32",
}
_PARTS = ("quantization_config", "compression_config")
_MX_GROUP = 32


class DeclaredScheme(msgspec.Struct, frozen=True, kw_only=True):
    """The schemes of one model; several in a mixed checkpoint."""

    schemes: tuple[str, ...] = ()
    """Ids in the quantization table; empty when it is not known how the model is quantized."""
    label: str = ""
    """As the checkpoint or the name puts it."""
    source: Source = Source.NONE
    disagrees: str = ""
    """What the name says, where the checkpoint says otherwise."""


def declared_scheme(
    facts: ModelFacts, *, dtype: str = "auto", reference: str = "", online: str | None = None
) -> DeclaredScheme:
    """The model's quantization; the checkpoint's own word beats the name of the model or its image."""
    named = scheme_of_name(reference)
    if facts.gguf is not None:
        return DeclaredScheme(schemes=("gguf",), label="GGUF", source=Source.HEADERS)
    raw = quantization_of(facts)
    if raw is not None:
        schemes, label = of_config(raw)
        label = clean(label, limit=80)
        text = label if schemes else f"{label}, which is not in our table"
        other = named if named and schemes and not _same(named, schemes) else ""
        return DeclaredScheme(schemes=schemes, label=text, source=Source.MODEL_CONFIG, disagrees=other)
    name = facts.quantization_name
    if name.known and name.value:
        scheme = scheme_of_words(name.value)
        label = clean(name.value, limit=80)
        return DeclaredScheme(schemes=(scheme,) if scheme else (), label=label, source=name.source)
    scheme = scheme_of_flag(online)
    if scheme:
        return DeclaredScheme(schemes=(scheme,), label=f"--quantization {online}", source=Source.MANIFEST)
    if facts.config is not None or name.known:
        plain = _plain(facts.config, dtype)
        source = Source.MODEL_CONFIG if facts.config is not None else name.source
        return DeclaredScheme(
            schemes=(plain,), label=f"not quantized ({plain})", source=source, disagrees=named
        )
    return DeclaredScheme(schemes=(named,), label=named, source=Source.NAME) if named else DeclaredScheme()


def quantization_of(facts: ModelFacts) -> Mapping[str, Any] | None:
    """What the checkpoint's own files say of its quantization; None when not even the key is there."""
    config = facts.config or {}
    parts = (config, text_part(config))
    told = [facts.quantization, *(part.get(key) for part in parts for key in _PARTS)]
    found = [part for part in told if isinstance(part, Mapping)]
    return next((part for part in found if part), found[0] if found else None)


def scheme_of_name(text: str) -> str:
    """The scheme that a model's or image's name hints at, or nothing."""
    lowered = text.lower()
    return next((scheme for pattern, scheme in name_patterns() if pattern.search(lowered)), "")


def scheme_of_flag(flag: str | None) -> str:
    """The scheme that `--quantization` asks for by a method's own name, or nothing."""
    return by_word().get(("", (flag or "").strip().lower()), "")


def scheme_of_words(text: str) -> str:
    """The scheme in a catalog's or a person's words, such as `w4a16` or `fp8 block 128x128`, or nothing."""
    words = text.lower().replace("_", "-")
    if "modelopt" in words and (own := _found("modelopt", words.partition(" ")[0])):
        return own[0]
    loose = (scheme for pattern, scheme in loose_patterns() if pattern.search(words))
    return scheme_of_flag(text) or scheme_of_name(text) or next(loose, "")


def is_moe(config: Mapping[str, Any] | None) -> bool:
    """Whether the model has routed experts."""
    text = text_config(config)
    return any(isinstance(text.get(key), int) and text[key] > 1 for key in EXPERT_COUNTS)


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


def of_config(raw: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    """The schemes that a `quantization_config` declares (none that the table lacks), and its own words."""
    method = str(raw.get("quant_method") or "").lower()
    if (modelopt := _modelopt(raw, method)) is not None:
        return modelopt
    layout = str(raw.get("checkpoint_format") or "")
    match method:
        case "compressed-tensors":
            return _compressed_tensors(raw)
        case "quark":
            word = _quark(raw)
            return _found("quark", word), f"quark {word}".strip()
        case "fp8" if raw.get("weight_block_size"):
            return _found("fp8", "block"), "fp8 in blocks"
        case "gptq" | "awq" if layout != method and _found("", layout):
            return _found("", layout), layout
    return _found("", method), method or "no quant_method"


def _modelopt(raw: Mapping[str, Any], method: str) -> tuple[tuple[str, ...], str] | None:
    """ModelOpt names an algorithm, in an object of its own or beside the method; None for others."""
    inner = raw.get("quantization")
    told = inner if isinstance(inner, Mapping) else raw
    if not method.startswith("modelopt") and (method or (told is raw and "quant_algo" not in raw)):
        return None
    algorithm = str(told.get("quant_algo") or "")
    if method and not algorithm:
        return _found("", method), method
    return _found("modelopt", algorithm.lower()), f"modelopt {algorithm.upper()}".strip()


def _found(method: str, word: str) -> tuple[str, ...]:
    scheme = by_word().get((method, word))
    return (scheme,) if scheme else ()


def _quark(raw: Mapping[str, Any]) -> str:
    spec = raw.get("global_quant_config")
    weight = spec.get("weight") if isinstance(spec, dict) else None
    if isinstance(weight, list):
        weight = weight[0] if weight else None
    return str(weight.get("dtype") if isinstance(weight, dict) else "").lower()


def quantization_groups(raw: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The groups of a compressed-tensors config, of a hostile one the first 64."""
    groups = raw.get("config_groups")
    for group in list(groups.values())[:64] if isinstance(groups, Mapping) else []:
        if isinstance(group, Mapping):
            yield group


def _compressed_tensors(raw: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    found: list[str] = []
    default = str(raw.get("format") or "")
    label = f"compressed-tensors {default}".strip()
    for group in quantization_groups(raw):
        scheme = ids_of_group(raw, group)
        if not scheme:
            return (), label
        found += [each for each in scheme if each not in found]
    sparsity = raw.get("sparsity_config")
    if (isinstance(sparsity, dict) and str(sparsity.get("sparsity_structure")) == "2:4") or "24" in default:
        found = ["sparse-24", *(scheme for scheme in found if scheme != "w4a16")]
    return tuple(found), label


def ids_of_group(raw: Mapping[str, Any], group: Mapping[str, Any]) -> tuple[str, ...]:
    """The scheme of one group of a compressed-tensors config; empty where the table lacks it."""
    return _found("compressed-tensors", _group(group, str(group.get("format") or raw.get("format") or "")))


def _group(group: Mapping[str, Any], layout: str) -> str:
    """A group in the table's words: `int4` for weights alone, `float8-float8` with activations.

    `mx-` stands before it where 32 weights share a power of two.
    """
    weights, inputs = group.get("weights"), group.get("input_activations")
    if not isinstance(weights, Mapping):
        return ""
    kind, bits = str(weights.get("type") or "int"), weights.get("num_bits")
    shared = kind == "float" and ("mxfp" in layout or weights.get("group_size") == _MX_GROUP)
    word = f"{'mx-' if shared else ''}{kind}{bits}"
    if not isinstance(inputs, Mapping):
        return word
    return f"{word}-{inputs.get('type') or 'int'}{inputs.get('num_bits')}"


def _same(named: str, schemes: tuple[str, ...]) -> bool:
    rows = schemes_by_id()
    return any((rows[named].like or named) == (rows[scheme].like or scheme) for scheme in schemes)
