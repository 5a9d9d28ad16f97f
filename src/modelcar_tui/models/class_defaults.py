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
from modelcar_tui.models.config import Config, Reader, text_part, with_text_part
from modelcar_tui.models.context import POSITIONS

_SIZES = (
    ("hidden_size", "d_model", "n_embd", "dim"),
    ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "decoder_layers"),
    ("vocab_size", "padded_vocab_size"),
    ("num_attention_heads", "n_head", "n_heads", "decoder_attention_heads"),
)
_LISTS = ("layers_block_type", "layer_types", "block_configs")
"""Lists whose length is the number of layers."""
_STATES = ("state_size", "ssm_cfg", "conv_kernel")
"""Keys of models that have no attention heads."""


class ClassDefaults(msgspec.Struct, frozen=True):
    """Everything in `class_defaults.json`."""

    source: str
    defaults: dict[str, dict[str, Any]]
    """By `model_type`: the sizes that decide about memory."""
    text_part: dict[str, str]
    """The `model_type` of the text part of a composite, by the composite's own."""


@cache
def class_defaults() -> ClassDefaults:
    """The table, read once."""
    return table(__file__, "class_defaults.json", ClassDefaults)


def made_whole(config: Config) -> Config:
    """`config` with its class's defaults where a size, or a text part's number of positions, is missing;
    itself where none is, or no class known.

    What states no size at all is no config.json of a model but a remark on one: it is left alone.
    """
    part = text_part(config)
    has_sizes = _has_sizes(part, config)
    # Only what is written into a composite leaves out what equals its class (transformers `to_diff_dict`).
    has_positions = part is config or Reader(part, config).integer(*POSITIONS) is not None
    nothing = not any(part.get(name) for names in _SIZES for name in names)
    if nothing or (has_sizes and has_positions):
        return config
    composite = class_defaults().text_part.get(str(config.get("model_type") or ""), "")
    row = class_defaults().defaults.get(str(part.get("model_type") or composite), {})
    added = {key: value for key, value in row.items() if not has_sizes or key in POSITIONS}
    return with_text_part(config, {**added, **part}) if added else config


def _has_sizes(part: Config, config: Config) -> bool:
    read = Reader(part, config)
    *sizes, heads = _SIZES
    told = [read.integer(*names) is not None for names in sizes]
    told[1] = told[1] or any(read.listing(name) for name in _LISTS)
    return all(told) and (read.integer(*heads) is not None or any(read.has(name) for name in _STATES))
