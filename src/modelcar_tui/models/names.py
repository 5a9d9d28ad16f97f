"""What names tell of a model: a guess with bounds, the last resort when nothing better is known."""

from __future__ import annotations

import re

import msgspec

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.core.reference import Reference
from modelcar_tui.models.catalog import CatalogImage, find_catalog_image, find_family
from modelcar_tui.models.facts import ModelFacts

_MILLION, _BILLION, _TRILLION = 10**6, 10**9, 10**12
_EXPERTS_TIMES = re.compile(r"^(\d{1,3})x(\d{1,3}(?:\.\d+)?)b$")
_SIZE = re.compile(r"^(?:[a-z]{2,})?(\d{1,5}(?:\.\d+)?)(b|t|m)$")
_EXPERTS = re.compile(r"^(\d{1,4})e$")
_ACTIVE = re.compile(r"^a(\d{1,3}(?:\.\d+)?)b$")
_EFFECTIVE = re.compile(r"^e(\d{1,2}(?:\.\d+)?)b$")
_ACTIVE_AND_EXPERTS = {(17, 16): 108.64, (17, 128): 401.58}
"""Llama 4 names its active size and its experts; the totals are the publisher's."""
_EFFECTIVE_TOTALS = {2.0: 5.4, 4.0: 7.9}
"""Gemma 3n and 4 name the effective size; the total with the per-layer embeddings is the publisher's."""
_MIXTRAL = 0.83
"""Part of N x M that an NxM-billion mixture has in all: attention is shared (8x7B has 46.7, 8x22B 140.6)."""
_WHISPER = {"tiny": 39, "base": 74, "small": 244, "medium": 769, "large": 1550, "turbo": 809}

_PUBLISHED_AS: tuple[tuple[str, str, int], ...] = (
    (r"\bgpt-oss\b", "mxfp4", 4),
    (r"\bdeepseek-(?:v3|r1)(?!.*distill)", "fp8", 8),
    (r"\bkimi-k2\b", "fp8", 8),
    (r"\bminimax-m2\b", "fp8", 8),
    (r"\b(?:ministral|mistral-large)-3\b.*instruct", "fp8", 8),
)
"""Families whose own release is quantized, though the name does not say so."""
_QUANTIZATIONS: tuple[tuple[str, str, int | None], ...] = (
    (r"\bw(\d{1,2})a(\d{1,2})\b", "", None),
    (r"\bnvfp4\b", "nvfp4", 4),
    (r"\bmxfp([468])\b", "mxfp", None),
    (r"\bfp4\b", "fp4", 4),
    (r"\b(?:fp8|float8|f8|e4m3)\b", "fp8", 8),
    (r"\bgguf\b|\bi?q([2-8])(?:-[k0-9][a-z0-9-]*)?\b", "gguf", None),
    (r"\b(?:bnb|bitsandbytes)\b", "bitsandbytes", None),
    (r"\bgptq\b", "gptq", None),
    (r"\bawq\b", "awq", None),
    (r"\b(?:int([48])|([2348])-?bit)\b", "int", None),
    (r"\b(?:bf16|bfloat16|fp16|float16)\b", "", 16),
    (r"\b(?:fp32|float32)\b", "", 32),
)


_IN_BLOCKS = frozenset({"qwen", "deepseek-ai", "zai-org", "minimaxai"})
"""Publishers whose own FP8 checkpoints have blocks of 128 x 128, all linear layers in them."""


class NameGuess(msgspec.Struct, frozen=True, kw_only=True):
    """What the words of a name mean."""

    parameters: Fact[int] = Fact()
    active: Fact[int] = Fact()
    """Parameters that one token uses, of a mixture of experts."""
    bits: Fact[int] = Fact()
    quantization_name: Fact[str] = Fact()


def guess_model(name: str, reference: Reference | None = None) -> ModelFacts:
    """Catalog first, then the words of the manifest's name, the repository and the tag.

    Every fact carries its source; a size that no name tells stays unknown.
    """
    words = guess_from_names(name, *((reference.last_component, reference.tag or "") if reference else ()))
    image = find_catalog_image(reference.repository) if reference else None
    family = image or (find_family(reference.last_component) if reference else None) or find_family(name)
    parameters = _catalog_parameters(family) or words.parameters
    bits, quantization = words.bits, words.quantization_name
    if image is not None and image.bits is not None:
        note = f"listed as {image.model}"
        bits = Fact(value=image.bits, source=Source.CATALOG, unit="bit", note=note)
        quantization = Fact(value=image.quantization, source=Source.CATALOG, note=note)
    return ModelFacts(
        parameters=parameters,
        bits=bits,
        quantization_name=quantization,
        weight_bytes=_weight_bytes(parameters, bits),
    )


def guess_from_names(*names: str) -> NameGuess:
    """The guess from the first name that says something, for size and quantization apart."""
    texts = [_normal(name) for name in names if name]
    sizes = [guess for text in texts if (guess := _size(text)) is not None]
    parameters, active = sizes[0] if sizes else (Fact(note="no name tells the size"), Fact())
    bits, quantization = next(
        (found for text in texts if (found := _quantization(text)) is not None), _unquantized(texts)
    )
    return NameGuess(parameters=parameters, active=active, bits=bits, quantization_name=quantization)


def quantization_in(name: str) -> Fact[str] | None:
    """The quantization that the words of a name tell; None where they tell none, or 16 bits."""
    found = _quantization(_normal(name))
    if found is None or (found[0].value or 0) >= 16:
        return None
    return msgspec.structs.replace(found[1], value=by_publisher(name, found[1].value or ""))


def by_publisher(name: str, words: str) -> str:
    """What the words of a name say of its quantization, with how its publisher always does that."""
    publisher = name.lower().partition("/")[0]
    if publisher in _IN_BLOCKS and words == "fp8":
        return "fp8 block 128x128"
    return f"{words} (modelopt)" if words and publisher == "nvidia" else words


def _normal(name: str) -> str:
    """Lower case, dashes for every separator except a decimal point."""
    text = re.sub(r"[^a-z0-9.]+", "-", name.lower())
    return re.sub(r"\.(?!\d)|(?<!\d)\.", "-", text).strip("-")


def _size(text: str) -> tuple[Fact[int], Fact[int]] | None:
    tokens = text.split("-")
    odd = next((size for token in tokens if (size := _odd_size(token))), None)
    if odd is not None:
        return odd
    found = [(match, token) for token in tokens if (match := _SIZE.match(token))]
    found = [pair for pair in found if pair[0][2] != "m" or float(pair[0][1]) >= 10]
    found.sort(key=lambda pair: pair[0][2] == "m")  # "-1m" is a context length when there is a "7b"
    return _plain_size(*found[0], tokens) if found else _whisper_size(tokens)


def _odd_size(token: str) -> tuple[Fact[int], Fact[int]] | None:
    """`8x7b`, or `e4b`: a size that is not that of all weights."""
    if match := _EXPERTS_TIMES.match(token):
        whole = int(match[1]) * float(match[2])
        note = f"{token}: experts times size, attention shared"
        active = _billions(float(match[2]) * 1.8, note)
        return _billions(whole * _MIXTRAL, note, whole * 0.7, whole), active
    if match := _EFFECTIVE.match(token):
        size = float(match[1])
        note = f"{token}: effective size; all weights are more"
        total = _EFFECTIVE_TOTALS.get(size, size * 2)
        return _billions(total, note, size, size * 3), _billions(size, note)
    return None


def _whisper_size(tokens: list[str]) -> tuple[Fact[int], Fact[int]] | None:
    if "whisper" not in tokens:
        return None
    key = "turbo" if "turbo" in tokens else next((word for word in tokens if word in _WHISPER), "")
    return (_count(_WHISPER[key] * _MILLION, f"whisper {key}"), Fact()) if key else None


def _plain_size(match: re.Match[str], token: str, tokens: list[str]) -> tuple[Fact[int], Fact[int]]:
    number = float(match[1])
    experts = next((int(found[1]) for word in tokens if (found := _EXPERTS.match(word))), None)
    active = next((float(found[1]) for word in tokens if (found := _ACTIVE.match(word))), None)
    if experts is not None and match[2] == "b":
        total = _ACTIVE_AND_EXPERTS.get((int(number), experts))
        note = f"{token}-{experts}e: {token} is the active size, {experts} experts"
        if total is None:
            blank: Fact[int] = Fact(note=note, low=number * _BILLION, high=number * experts * _BILLION)
            return blank, _billions(number, note)
        return _billions(total, note), _billions(number, note)
    unit = {"b": _BILLION, "m": _MILLION, "t": _TRILLION}[match[2]]
    note = f"{token} in the name"
    uses: Fact[int] = _billions(active, f"a{active:g}b in the name") if active is not None else Fact()
    return _count(number * unit, note), uses


def _billions(value: float, note: str, low: float | None = None, high: float | None = None) -> Fact[int]:
    return _count(
        value * _BILLION,
        note,
        None if low is None else low * _BILLION,
        None if high is None else high * _BILLION,
    )


def _count(value: float, note: str, low: float | None = None, high: float | None = None) -> Fact[int]:
    """Names round: `7b` is anything from 6.5 to 8 billion (Qwen 2.5 7B has 7.62), and small models' encoders
    go unnamed (Voxtral Mini 3B has 4.7)."""
    return Fact(
        value=round(value),
        source=Source.NAME,
        unit="parameters",
        note=note,
        low=value * 0.92 if low is None else low,
        high=value * (1.18 if value > 5e9 else 1.6) if high is None else high,
    )


def _quantization(text: str) -> tuple[Fact[int], Fact[str]] | None:
    for pattern, label, bits in _QUANTIZATIONS:
        match = re.search(pattern, text)
        if match is None:
            continue
        if bits is not None:
            return _bits(bits, match[0]), Fact(value=label, source=Source.NAME, note=match[0])
        return _by_label(label, match, text)
    return None


def _by_label(label: str, match: re.Match[str], text: str) -> tuple[Fact[int], Fact[str]]:
    said = match[0]
    if not label:
        return _bits(int(match[1]), said), Fact(value=said, source=Source.NAME, note=said)
    if label == "mxfp":
        return _bits(int(match[1]), said), Fact(value=said, source=Source.NAME, note=said)
    stated = re.search(r"\bint([48])\b|\b([2348])-?bit\b|\b[wi]?q?([2-8])bit\b|\bi?q([2-8])(?:-|\b)", text)
    number = int(next(group for group in stated.groups() if group)) if stated else 4
    name = f"int{number}" if label == "int" else label
    fact: Fact[int] = _bits(number, said) if stated else _bits(4, f"{said}, mostly 4 bit", 4, 8)
    return fact, Fact(value=name, source=Source.NAME, note=said)


def _unquantized(texts: list[str]) -> tuple[Fact[int], Fact[str]]:
    whole = " ".join(texts)
    for pattern, name, bits in _PUBLISHED_AS:
        if re.search(pattern, whole):
            return _bits(bits, f"published in {name}"), Fact(
                value=name, source=Source.NAME, note=f"published in {name}"
            )
    if "quantized" in whole:
        return Fact(note="quantized, the name does not say how", unit="bit", low=4, high=8), Fact(
            note="quantized, the name does not say how"
        )
    note = "no quantization in the names: taken as 16 bit"
    return _bits(16, note, 8, 16), Fact(value="", source=Source.NAME, note=note)


def _bits(value: int, note: str, low: int | None = None, high: int | None = None) -> Fact[int]:
    return Fact(value=value, source=Source.NAME, unit="bit", note=note, low=low, high=high)


def _catalog_parameters(image: CatalogImage | None) -> Fact[int] | None:
    if image is None or image.parameters is None:
        return None
    return Fact(
        value=image.parameters,
        source=Source.CATALOG,
        unit="parameters",
        note=f"the publisher's total of {image.family}",
        low=image.parameters * 0.97,
        high=image.parameters * 1.04,
    )


def _weight_bytes(parameters: Fact[int], bits: Fact[int]) -> Fact[int]:
    """Bits / 8 a weight; below 16 bit embeddings and scales cost up to a third more."""
    if parameters.value is None or bits.value is None:
        return Fact(note="size or bits unknown", unit="B")
    value = parameters.value * bits.value / 8
    low = (parameters.low or parameters.value) * (bits.low or bits.value) / 8
    high = (parameters.high or parameters.value) * (bits.high or bits.value) / 8
    return Fact(
        value=round(value),
        source=max(parameters.source, bits.source, key=lambda source: source is Source.NAME),
        unit="B",
        note="parameters x bits / 8",
        low=low,
        high=high * (1.35 if bits.value < 16 else 1.02),
    )
