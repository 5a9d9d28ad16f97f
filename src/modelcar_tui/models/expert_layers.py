"""Which layers hold experts, in every way in which a config.json says it.

Each family's model class in vLLM has its own condition (models/deepseek_v2.py, qwen3_moe.py, llama4.py,
ernie45_moe.py, lfm2_moe.py, step3_text.py, hy_v4.py, ...); the keys tell them apart.
"""

from __future__ import annotations

from modelcar_tui.models.config import Reader
from modelcar_tui.models.families import Family

_FIRST = ("first_k_dense_replace", "num_dense_layers", "moe_layer_start_index")
_MARKS = {"moe": True, "sparse": True}


def moe_flags(read: Reader, family: Family, layers: int) -> tuple[bool, ...]:
    """Of each layer, whether its MLP is a mixture of experts."""
    if family.half_layers:
        return tuple(index % 2 == 0 for index in range(layers))
    return _marked(read, layers) or _listed(read, layers) or _counted(read, layers)


def _marked(read: Reader, layers: int) -> tuple[bool, ...] | None:
    """A mark for each layer."""
    pattern = read.text("hybrid_override_pattern")
    if len(pattern) == layers:
        return tuple(mark == "E" for mark in pattern)
    words = read.listing("mlp_layer_types")
    blocks = read.listing("layers_block_type")
    if len(words) != layers and "moe" in blocks:
        words = blocks
    if len(words) == layers:
        return tuple(_MARKS.get(str(word), False) for word in words)
    marks = read.listing("moe_layer_freq")
    return tuple(bool(mark) for mark in marks) if len(marks) == layers else None


def _listed(read: Reader, layers: int) -> tuple[bool, ...] | None:
    """The numbers of the layers with experts, in a list or in words (Step 3)."""
    listed = read.listing("moe_layers", "moe_layers_enum")
    words = read.text("moe_layers_enum").split(",")
    found = {index for index in listed if isinstance(index, int)} | {
        int(word) for word in words if word.isdigit()
    }
    return tuple(index in found for index in range(layers)) if found else None


def _counted(read: Reader, layers: int) -> tuple[bool, ...]:
    """From the first layer with experts on, each so many-th."""
    first = read.integer(*_FIRST, low=0, high=layers)
    if first is None:
        starts = [start for start in read.listing("moe_layer_start_index") if isinstance(start, int)]
        first = min(starts, default=0)
    dense = {index for index in read.listing("mlp_only_layers") if isinstance(index, int)}
    step, at = _step(read, layers)
    return tuple(index >= first and index not in dense and index % step == at for index in range(layers))


def _step(read: Reader, layers: int) -> tuple[int, int]:
    """How many layers share one with experts, and which of them it is."""
    step = read.integer("expert_layer_period", high=layers)
    if step is not None:  # Jamba
        return step, read.integer("expert_layer_offset", low=0, high=layers) or 0
    step = read.integer("moe_layer_freq", high=layers)
    if step is not None:  # DeepSeek
        return step, 0
    step = (
        read.integer("decoder_sparse_step", "interleave_moe_layer_step", "moe_layer_interval", high=layers)
        or 1
    )
    return step, step - 1
