"""A config.json that states only what differs from its class's defaults, made whole.

transformers writes such files (Gemma 3's text part has no `vocab_size`) and fills them in when it reads them,
and so does vLLM, which reads them with transformers. `class_defaults.json` is written by
`tools/class_defaults.py` from transformers' own classes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from modelcar_tui.core.resources import table
from modelcar_tui.models.backbone import HEADS, HIDDEN, LAYERS, VOCABULARY
from modelcar_tui.models.config import Config, Reader, overridden, text_part, with_text_part
from modelcar_tui.models.context import POSITIONS, Positions, positions_of

_SIZES = (HIDDEN, LAYERS, VOCABULARY, HEADS)
_SIZE_NAMES = frozenset(name for names in _SIZES for name in names)
_LISTS = ("layers_block_type", "layer_types", "block_configs")
"""Lists whose length is the number of layers."""
_STATES = ("state_size", "ssm_cfg", "conv_kernel")
"""Keys of models that have no attention heads."""


class ClassDefaults(msgspec.Struct, frozen=True):
    """Everything in `class_defaults.json`."""

    source: str
    defaults: dict[str, dict[str, Any]]
    """By `model_type`: the values that decide about memory."""
    text_part: dict[str, str]
    """The `model_type` of the text part of a composite, by the composite's own."""
    tied: dict[str, bool]
    """Whether a composite's class ties the embeddings, by its `model_type`."""


@cache
def class_defaults() -> ClassDefaults:
    """The table, read once."""
    return table(__file__, "class_defaults.json", ClassDefaults)


def positions_with(config: Config | None, overrides: Config | None) -> Positions:
    """The positions that config.json or its class gives, with what the arguments put in their place."""
    return positions_of(overridden(made_whole(config or {}), overrides or {}))


def made_whole(config: Config) -> Config:
    """`config` with its class's defaults where a size or the number of positions is missing; itself where
    none is, or no class known.

    What states no size at all is no config.json of a model but a remark on one: it is left alone.
    """
    part = text_part(config)
    has_sizes = _has_sizes(part, config)
    nothing = not any(part.get(name) for names in _SIZES for name in names)
    row = _class_of(config, part)
    if nothing or (has_sizes and _has_positions(part, config, row)):
        return config
    added = {key: value for key, value in row.items() if not has_sizes or key in POSITIONS}
    return with_text_part(config, {**added, **part}) if added else config


def left_out(config: Config) -> Config:
    """What the class of `config`'s text part says of keys that the part does not have; empty without a class.

    The sizes that `made_whole` adds are left to it.

    vLLM reads a config.json with the class of its `model_type`, so these values are the model's own.
    """
    part = text_part(config)
    row = _class_of(config, part)
    return {key: value for key, value in row.items() if key not in part and key not in _SIZE_NAMES}


def ties(config: Config) -> bool | None:
    """Whether a composite ties the embeddings of its language model; None where `config` is no composite, or
    leaves it to its text part.

    The composite's own word counts, then its class's (vllm config/vllm.py `with_hf_config`); one that thinks
    and speaks leaves it to the text part of its thinker (vllm models/qwen2_5_omni_thinker.py).
    """
    if text_part(config) is config or "thinker_config" in config:
        return None
    told = config.get("tie_word_embeddings")
    return told if isinstance(told, bool) else class_defaults().tied.get(str(config.get("model_type") or ""))


def _class_of(config: Config, part: Config) -> Config:
    composite = class_defaults().text_part.get(str(config.get("model_type") or ""), "")
    return class_defaults().defaults.get(str(part.get("model_type") or composite), {})


def _has_positions(part: Config, config: Config, row: Config) -> bool:
    """Whether each number of positions that the class knows is stated: one beside another may be the least
    (vllm config/model.py _get_and_verify_max_len)."""
    read, own = Reader(part, config), [key for key in POSITIONS if key in row]
    return all(read.integer(key) is not None for key in own) if own else read.integer(*POSITIONS) is not None


def _has_sizes(part: Config, config: Config) -> bool:
    read = Reader(part, config)
    *sizes, heads = _SIZES
    told = [read.integer(*names) is not None for names in sizes]
    told[1] = told[1] or any(read.listing(name) for name in _LISTS)
    return all(told) and (read.integer(*heads) is not None or any(read.has(name) for name in _STATES))
