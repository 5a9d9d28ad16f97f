"""Reading a config.json that may hold anything: wrong types and absurd numbers count as missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelcar_tui.core.text import clean

Config = Mapping[str, Any]
EXPERT_COUNTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
"""Keys that tell how many routed experts a layer has."""
_TEXT_PARTS = ("text_config", "llm_config", "language_config", "text_model_config", "thinker_config")
_POOLING = (
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForRewardModel",
    "ForRetrieval",
    "ForRanking",
    "Model",
)
_LATE = ("ColBERT", "HF_ColBERT", "ColQwen", "ColModernVBert", "OpsColQwen")
"""Beginnings of architectures that compare late: an embedding for each token."""
_CAUSAL_CLASSES = ("Gemma2Model", "LlamaModel", "MistralModel", "Qwen2Model")


class Reader:
    """Looks values up in the text part of a config first, then in the whole."""

    def __init__(self, *parts: Config) -> None:
        self._parts = parts

    def integer(self, *names: str, low: int = 1, high: int = 2**24) -> int | None:
        """The first of `names` that is a whole number in range; equal ones in a list, one a layer, are
        one."""
        for part in self._parts:
            for name in names:
                value = part.get(name)
                if isinstance(value, list):
                    value = _same(value)
                if isinstance(value, float) and abs(value) < 2**53 and value.is_integer():
                    value = int(value)
                if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
                    return value
        return None

    def number(self, *names: str, low: float = 0.0, high: float = 1e12) -> float | None:
        """The first of `names` that is a number in range."""
        for part in self._parts:
            for name in names:
                value = part.get(name)
                if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
                    return float(value)
        return None

    def text(self, *names: str) -> str:
        """The first of `names` that is a text, or the empty text."""
        for part in self._parts:
            for name in names:
                value = part.get(name)
                if isinstance(value, str):
                    return value[:200]
        return ""

    def flag(self, *names: str) -> bool | None:
        """The first of `names` that is true or false."""
        for part in self._parts:
            for name in names:
                value = part.get(name)
                if isinstance(value, bool):
                    return value
        return None

    def listing(self, *names: str, most: int = 4096) -> list[Any]:
        """The first of `names` that is a list of at most `most` items, or an empty list."""
        for part in self._parts:
            for name in names:
                value = part.get(name)
                if isinstance(value, list) and len(value) <= most:
                    return value
        return []

    def mapping(self, *names: str) -> dict[str, Any]:
        """The first of `names` that is a non-empty mapping, or an empty one."""
        for part in self._parts:
            for name in names:
                value = part.get(name)
                if isinstance(value, dict) and value:
                    return value
        return {}

    def has(self, name: str) -> bool:
        """Whether `name` is there with a value."""
        return any(part.get(name) is not None for part in self._parts)


def _same(values: list[Any]) -> object:
    """What every layer's entry says, if they say the same."""
    first = values[0] if 0 < len(values) <= 4096 else None
    return first if isinstance(first, int | float) and all(value == first for value in values) else None


def text_part(config: Config) -> Config:
    """The part that describes the language model: `text_config` and its cousins, or the whole."""
    for name in _TEXT_PARTS:
        part = config.get(name)
        if isinstance(part, dict) and part:
            inner = part.get("text_config")
            return inner if isinstance(inner, dict) and inner else part
    return config


def with_text_part(config: Config, part: Config) -> Config:
    """`config` with `part` in the place of its text part."""
    for name in _TEXT_PARTS:
        found = config.get(name)
        if isinstance(found, dict) and found:
            inner = found.get("text_config")
            return {
                **config,
                name: {**found, "text_config": part} if isinstance(inner, dict) and inner else part,
            }
    return part


def text_config(config: Config | None) -> Config:
    """The whole config.json with its language model's part on top."""
    whole = config or {}
    part = text_part(whole)
    return whole if part is whole else {**whole, **part}


def architecture_of(config: Config | None) -> str:
    """The first name in `architectures`, cleaned; the empty text where there is none."""
    listed = (config or {}).get("architectures")
    if isinstance(listed, list) and listed and isinstance(listed[0], str):
        return clean(listed[0], limit=120)
    return ""


def has_own_code(config: Config | None) -> bool:
    """Whether a class of a model lies beside the weights (`auto_map`)."""
    named = (config or {}).get("auto_map")
    return isinstance(named, dict) and any(str(key).startswith("AutoModel") for key in named)


def makes_no_text(architecture: str) -> bool:
    """Whether an architecture of this name makes embeddings, scores or rewards."""
    return architecture.endswith(_POOLING) or architecture.startswith(_LATE)


def may_generate(architecture: str) -> bool:
    """Whether vLLM serves an architecture that is named as one for embeddings with the class that makes
    text, unless the model's own files say that it pools (vllm models/registry.py).
    """
    return architecture in _CAUSAL_CLASSES


def overridden(config: Config | None, overrides: Config) -> Config:
    """config.json with what the arguments put in the place of its values, as vLLM puts it there."""
    changed = dict(config or {})
    if overrides.keys() & {"rope_parameters", "rope_scaling"}:  # two names of one thing
        for name in ("rope_parameters", "rope_scaling"):
            changed.pop(name, None)
    for key, value in overrides.items():
        # Parts with a config of their own are changed key by key; a rope of the whole is replaced.
        changed[key] = value if key.startswith("rope") else _changed(changed.get(key), value)
    return changed


def _changed(inner: object, value: object) -> object:
    """A part of a config with what is put into it, down to its own parts (vllm `_update_nested`)."""
    if not (isinstance(inner, dict) and isinstance(value, dict)):
        return value
    return {**inner, **{key: _changed(inner.get(key), part) for key, part in value.items()}}


def layers_told(config: Config | None) -> int | None:
    """How many layers config.json says that the language model has; None where it says nothing of use."""
    return positive(text_config(config).get("num_hidden_layers"))


def positive(value: object) -> int | None:
    """The value where it is a count; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    good = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9
    return value if good and isinstance(value, int) else None
