"""A public model's config by its name, for when its own config.json is out of reach."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import msgspec

from modelcar_tui.core.resources import table

_VENDOR = re.compile(r"^(?:meta-(?=llama)|nvidia-(?=nemotron)|redhatai-|unsloth-|neuralmagic-|hf-|modelcar-)")
_VARIANT = re.compile(
    r"instruct|it|chat|base|hf|thinking|reasoning|preview|pt|qat|text|only"
    r"|fp8|f8|fp4|nvfp4|mxfp4|bf16|fp16|int[48]|[48]bit|w\d+a\d+|awq|gptq|gguf|bnb|marlin|g\d+|q\d\w*|unquantized"
    r"|quantized|dynamic|block|static|pertensor|tensorwise|channelwise|autoround|auto|round|mixed"
    r"|\d{3,4}|\d{6,8}|v\d(?:\.\d+)?|\d{1,4}k"
)
"""Words that may follow a model's name and leave its sizes as they are."""


class KnownModels(msgspec.Struct, frozen=True):
    """Everything in `known_models.json`."""

    source: str
    same_sizes: dict[str, str]
    """Models with the config of another."""
    models: dict[str, dict[str, Any]]
    """By the name without publisher and variant, in small letters: a config.json, flat, with `params` and
    its `source` added (`tools/known_models.py`)."""
    lists: dict[str, dict[str, Any]] = {}
    """What published checkpoints list as quantized or not, by their full names in small letters."""


@cache
def known_models() -> KnownModels:
    """The table, read once."""
    return table(__file__, "known_models.json", KnownModels)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a name stands for."""

    name: str
    """In the table."""
    config: dict[str, Any]
    parameters: int
    source: str
    """Where the config comes from."""
    quantization: dict[str, Any] | None = None
    """What the checkpoint of exactly this name says of its quantization, where that is known."""


@lru_cache(maxsize=256)
def known_model(name: str) -> Known | None:
    """The public model that `name` stands for: `RedHatAI/Llama-3.3-70B-Instruct-quantized.w8a8`.

    Only words that leave the sizes alone may follow the model's own name; a distilled, pruned or merged
    model, a draft or a size that is not in the table is not known.
    """
    table = known_models()
    words = name.rpartition("/")[2][:200].strip().lower()
    plain = _VENDOR.sub("", re.split(r"[\s(,]+", words, maxsplit=1)[0])
    best = ""
    for key in (*table.models, *table.same_sizes):
        if len(key) > len(best) and plain.startswith(key) and _may_follow(plain[len(key) :]):
            best = key
    if not best:
        return None
    config = dict(table.models[table.same_sizes.get(best, best)])
    parameters, source = config.pop("params", 0), config.pop("source", "")
    stated = re.search(r"[-_](\d{1,4})k\b", plain[len(best) :])
    if stated:
        config["max_position_embeddings"] = int(stated[1]) * 1024
        config.pop("rope_scaling", None)
    if best.startswith("qwen3") and re.search(r"-2507\b", plain):
        config["max_position_embeddings"] = 262144  # that edition's own context
    listed = table.lists.get(re.split(r"[\s(,]", name.strip().lower(), maxsplit=1)[0])
    return Known(name=best, config=config, parameters=parameters, source=source, quantization=listed)


def stored(known: Known, *, named: bool) -> dict[str, Any]:
    """Its config with what its checkpoint lists; where that is not known and a name tells a quantization
    (`named`), without the base model's."""
    config = dict(known.config)
    if known.quantization:
        config["quantization_config"] = known.quantization
    elif named:
        config.pop("quantization_config", None)
    return config


def completed(config: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """`config` with what the model of that name says and it leaves out, if their sizes agree; else as it
    is."""
    for size in ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size"):
        ours = known.config.get(size)
        if ours is not None and config.get(size) not in (None, ours):
            return dict(config)
    added = {name: value for name, value in known.config.items() if name != "quantization_config"}
    if known.quantization:
        added["quantization_config"] = known.quantization
    return {**added, **config}


def _may_follow(rest: str) -> bool:
    if rest and rest[0] not in "-_.:":
        return False
    return all(_VARIANT.fullmatch(word) for word in re.split(r"[-_:]+|\.(?!\d)", rest) if word)
