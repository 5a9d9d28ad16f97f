"""How a checkpoint's weights are stored: the table's row for its scheme, in the numbers of its own config."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from msgspec.structs import replace

from modelcar_tui.core.text import clean
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.quantization.declared import (
    ids_of_group,
    of_config,
    quantization_groups,
    quantization_of,
    scheme_of_flag,
    scheme_of_words,
)
from modelcar_tui.models.quantization.scheme import PLAIN_SCHEME, Scheme
from modelcar_tui.models.quantization.scheme_table import ANY_GROUP, schemes_by_id, storage_of

_GROUP = re.compile(r"(?:\bg|group[_ -]?(?:size)?[ :=]*)(\d+)")
_BITS_OF_GGUF = {"q2-k": 2.63, "q3-k": 3.44, "q4-0": 4.5, "q5-k": 5.69, "q6-k": 6.56, "q8-0": 8.5}
_BARE = ((re.compile(r"8-?bit"), "w8a16"), (re.compile(r"4-?bit|w4"), "w4a16"))
"""Bits alone: the size is known and the scheme is not."""
_ONE_SCALE = (("fp8",), ("modelopt-fp8",))
"""One scale for a whole matrix: none to count."""
_OF_A_MATRIX = ("modelopt", "per-tensor", "pertensor", "tensorwise")
"""Words for the same."""
_ATTENTION = ("attn", "q_proj", "in_proj", "out_proj", "lm_head")
_WIDTHS = (2, 3, 4, 6, 8, 16)
_PLAIN_BITS = 16


def scheme_of_model(model: ModelFacts, flag: str | None) -> Scheme:
    """The scheme of a model that is served with `--quantization flag`."""
    name = model.quantization_name.value if model.quantization_name.known else ""
    found = scheme_of(quantization_of(model), flag, name or "")
    return replace(found, ids=("gguf",)) if model.gguf is not None else found


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
        return of_words(text)
    if flag and flag.lower() not in ("none", "auto"):
        known = scheme_of_flag(flag)
        return replace(_of_words(flag, known or scheme_of_words(flag)), ids=(known,) if known else ())
    return PLAIN_SCHEME


def _of_config(raw: Mapping[str, Any]) -> Scheme:
    ids, label = of_config(raw)
    found = storage_of(ids)
    if found is None and label.startswith("compressed-tensors"):
        group = next(quantization_groups(raw), None)
        found = of_words(label) if group is None else of_group(raw, group)
    elif found is None:
        found = _mixed(raw) or (_unknown(label) if ids else of_words(label))
    else:
        found = _detailed(found, raw, ids)
    return replace(found, ids=ids, head=found.head or raw.get("lm_head") is True)


def _detailed(base: Scheme, raw: Mapping[str, Any], ids: tuple[str, ...]) -> Scheme:
    """The table's storage with what this config chooses: bits, group, block."""
    method = str(raw.get("quant_method") or "").lower()
    if method == "compressed-tensors":
        return of_group(raw, next(quantization_groups(raw), {}))
    if base.group == ANY_GROUP:
        bits, group = raw.get("bits"), _whole(raw.get("group_size"))
        found = grouped(method, bits if bits in _WIDTHS[:-1] else base.bits, group or ANY_GROUP)
        ordered = raw.get("desc_act") is True
        return replace(found, expert_row_bytes=base.expert_row_bytes, ordered=ordered)
    if base.name == "fp8":
        block = _in_blocks(base, raw.get("weight_block_size"))
        return replace(block, scale_bytes=0) if ids in _ONE_SCALE and not block.block else block
    if base.name == "bitsandbytes" and raw.get("load_in_8bit"):
        return replace(base, bits=8, group=0)
    return replace(base, nested=raw.get("bnb_4bit_use_double_quant") is True)


def _mixed(raw: Mapping[str, Any]) -> Scheme | None:
    """ModelOpt's mixed precision: the algorithm of its MLPs or experts stands for all; None for others."""
    inner = raw.get("quantization")
    parts = (raw, inner if isinstance(inner, Mapping) else {})
    layers = next((found for part in parts if (found := part.get("quantized_layers"))), None)
    if not isinstance(layers, Mapping):
        return None
    names = sorted((name for name in islice(layers, 4096) if isinstance(name, str)), key=_is_attention)
    told = layers[names[0]] if names else None
    return of_words(str(told.get("quant_algo") or "")) if isinstance(told, Mapping) else None


def _is_attention(name: str) -> bool:
    return any(part in name for part in _ATTENTION)


def of_group(raw: Mapping[str, Any], group: Mapping[str, Any]) -> Scheme:
    """One group of a compressed-tensors config.

    Whole numbers have scales of 16 bits, and zero points unless they are symmetric.
    """
    weights = group.get("weights")
    weights = weights if isinstance(weights, Mapping) else {}
    base = storage_of(ids_of_group(raw, group))
    if base is None or base.group == ANY_GROUP:
        bits, symmetric = weights.get("num_bits"), weights.get("symmetric") is not False
        if base is None and weights.get("type") == "float":
            return _unknown(f"compressed-tensors {raw.get('format') or ''}")
        group_size = _whole(weights.get("group_size"))
        found = grouped("compressed-tensors", bits if bits in _WIDTHS else 8, group_size, symmetric=symmetric)
        return replace(found, ordered=weights.get("actorder") == "group")
    if weights.get("strategy") == "tensor":
        return replace(base, scale_bytes=0)
    return _in_blocks(base, weights.get("block_structure"))


def _in_blocks(base: Scheme, block: object) -> Scheme:
    side = _whole(block[0]) if isinstance(block, list) and block else 0
    return replace(base, block=side) if side else base


def _whole(value: object) -> int:
    """A side or a group from outside; 0 for what can't be one."""
    return value if isinstance(value, int) and 0 < value <= 2**16 else 0


def grouped(name: str, bits: float, group: int, *, symmetric: bool = False) -> Scheme:
    """Whole numbers with scales of 16 bits for `group` weights (0: for a row), and zero points."""
    zero = 0.0 if symmetric else bits / 8
    return Scheme(name=name, bits=bits, group=group, scale_bytes=2 + zero)


def of_words(text: str) -> Scheme:
    """The storage that words name, such as `w4a16` or `NVFP4`, with the bits, group and block in them."""
    return _of_words(text, scheme_of_words(text))


def _of_words(text: str, scheme: str) -> Scheme:
    """The storage of `scheme`, or what the words alone tell."""
    words = text.lower().replace("_", "-")
    ids = (scheme,) if scheme else ()
    bare = scheme or next((row for pattern, row in _BARE if pattern.search(words)), "")
    base = storage_of((bare,))
    if base is None:
        plain = bare in schemes_by_id() and schemes_by_id()[bare].bits >= _PLAIN_BITS
        return PLAIN_SCHEME if plain else replace(_unknown(text), ids=ids)
    if base.group == ANY_GROUP:
        return replace(_grouped_in_words(base, words, scheme), ids=ids)
    worded = _IN_WORDS.get(base.name)
    return replace(worded(base, words) if worded else base, ids=ids)


def _says_eight_bits(words: str) -> bool:
    return "8bit" in words or "8-bit" in words


def _grouped_in_words(base: Scheme, words: str, scheme: str) -> Scheme:
    """Whole numbers in groups: their bits and the group's size."""
    eight = _says_eight_bits(words) or base.bits == 8 or (scheme == "gptq" and "int8" in words)
    match = _GROUP.search(words)
    group = min(int(match[1]), 2**16) if match else ANY_GROUP
    return grouped("w8a16", 8, group) if eight else grouped("int4", 4, group)


def _bitsandbytes_in_words(base: Scheme, words: str) -> Scheme:
    if _says_eight_bits(words) or "int8" in words:
        return replace(base, bits=8, group=0)
    # What is published in four bits mostly nests its scales; what vLLM quantizes itself always does.
    return replace(base, nested=True)


def _fp8_in_words(base: Scheme, words: str) -> Scheme:
    if "block" in words or "128x128" in words:
        return replace(base, block=128)
    return replace(base, scale_bytes=0) if any(said in words for said in _OF_A_MATRIX) else base


def _gguf_in_words(base: Scheme, words: str) -> Scheme:
    return replace(base, bits=next((b for name, b in _BITS_OF_GGUF.items() if name in words), base.bits))


_IN_WORDS: dict[str, Callable[[Scheme, str], Scheme]] = {
    "bitsandbytes": _bitsandbytes_in_words,
    "fp8": _fp8_in_words,
    "gguf": _gguf_in_words,
}
"""What else the words say of a storage, by its name in the table."""


def _unknown(text: str) -> Scheme:
    return Scheme(name=clean(text.strip(), limit=40), bits=16, known=False)
