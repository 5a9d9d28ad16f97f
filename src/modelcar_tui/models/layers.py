"""Which kind of attention each layer has."""

from __future__ import annotations

import re
from typing import Any

from modelcar_tui.models.config import Reader
from modelcar_tui.models.families import Family

_NAMES = {
    "full_attention": "full",
    "attention": "full",
    "sliding_attention": "sliding",
    "local_attention": "sliding",
    "chunked_attention": "chunked",
    "linear_attention": "state",
    "mamba": "state",
    "mamba2": "state",
    "recurrent": "state",
    "conv": "state",
    "moe": "none",
    "mlp": "none",
}
_FLAGGED = ("qwen2", "qwen3", "smollm3", "deepseek_ocr2", "muse_glimmer")
_PATTERN = re.compile(r"(\d+)\s*(\w+)\s*:\s*(\d+)\s*(\w+)")


def layer_kinds(
    read: Reader, arch: str, family: Family, layers: int, *, mla: bool
) -> tuple[tuple[str, ...], int, int]:
    """The kind of each layer, the sliding window (0: none) and the chunk of local attention (0: none)."""
    window = _window(read)
    chunk = read.integer("attention_chunk_size", high=2**31) or 0
    linear = read.mapping("linear_attn_config").get("kda_layers")
    if isinstance(linear, list):  # counted from 1
        return (
            tuple("state" if index in linear else "mla" if mla else "full" for index in range(1, layers + 1)),
            0,
            0,
        )
    group = read.integer("layer_group_size", low=2, high=layers)
    if group:
        return (
            tuple(
                ("mla" if mla else "full") if (index + 1) % group == 0 else "state" for index in range(layers)
            ),
            0,
            0,
        )
    if mla and not read.listing("layer_types"):
        return ("mla",) * layers, 0, 0
    kinds = _listed(read, layers, mla=mla) or _hybrid(read, layers) or _pattern(read, layers)
    if kinds is None and chunk and (read.has("no_rope_layers") or family.chunks):
        kinds = _chunked(read, layers)
    if kinds is None and window:
        period = (
            read.integer("sliding_window_pattern", "_sliding_window_pattern", high=layers) or family.period
        )
        kinds = _every(layers, period, "sliding") if period else _from_limit(read, family, layers)
    if kinds is None:
        stateful = family.stateful or arch.startswith(("Mamba", "FalconMamba"))
        kinds = (("state" if stateful else "full"),) * layers
    if "sliding" in kinds and not window:
        kinds = tuple("full" if kind == "sliding" else kind for kind in kinds)
    if "chunked" in kinds and not chunk:
        kinds = tuple("full" if kind == "chunked" else kind for kind in kinds)
    return kinds, window if "sliding" in kinds else 0, chunk if "chunked" in kinds else 0


def _window(read: Reader) -> int:
    # These classes of transformers drop the window then; no one else looks at the flag.
    if read.flag("use_sliding_window") is False and read.text("model_type").startswith(_FLAGGED):
        return 0
    own = ("window_size",) if read.text("model_type").startswith("plamo") else ()
    return read.integer("sliding_window", "sliding_window_size", *own, high=2**31) or 0


def _listed(read: Reader, layers: int, *, mla: bool) -> tuple[str, ...] | None:
    listed: list[Any] = read.listing("layer_types", "layers_block_type", "block_types")
    if len(listed) != layers:
        return None
    full = "mla" if mla else "full"
    return tuple(full if (kind := _NAMES.get(str(name), "full")) == "full" else kind for name in listed)


def _hybrid(read: Reader, layers: int) -> tuple[str, ...] | None:
    whole = read.listing("full_attn_idxs")
    if whole and read.has("conv_L_cache"):
        return tuple("full" if index in whole else "state" for index in range(layers))
    local = read.listing("local_layer_ids")
    if local:
        return tuple("sliding" if index in local else "full" for index in range(layers))
    marks = read.listing("hybrid_layer_pattern")
    if len(marks) == layers:
        return tuple("sliding" if mark else "full" for mark in marks)
    marks = read.listing("attn_type_list")
    if len(marks) == layers:
        return tuple("full" if mark else "state" for mark in marks)
    pattern = read.text("hybrid_override_pattern")
    if pattern and len(pattern) == layers:
        return tuple({"M": "state", "*": "full"}.get(mark, "none") for mark in pattern)
    period = read.integer("attn_layer_period", high=layers)
    if period and read.has("mamba_d_state"):
        offset = read.integer("attn_layer_offset", low=0, high=layers) or 0
        return tuple("full" if index % period == offset else "state" for index in range(layers))
    interval = read.integer("full_attention_interval", high=layers)
    if interval and read.has("linear_num_value_heads"):
        return _every(layers, interval, "state")
    attention = read.listing("attn_layer_indices")
    if attention and read.has("mamba_d_state"):
        return tuple("full" if index in attention else "state" for index in range(layers))
    return None


def _pattern(read: Reader, layers: int) -> tuple[str, ...] | None:
    """A pattern in words, such as `5 sliding : 1 full`."""
    match = _PATTERN.search(read.text("layer_pattern"))
    if not match:
        return None
    first, one, second, two = match.groups()
    names = {
        **_NAMES,
        "sliding": "sliding",
        "local": "sliding",
        "chunked": "chunked",
        "full": "full",
        "global": "full",
        "linear": "state",
        "gdn": "state",
    }
    cycle = [names.get(one.lower(), "full")] * min(int(first), layers) + [
        names.get(two.lower(), "full")
    ] * min(int(second), layers)
    return tuple(cycle[index % len(cycle)] for index in range(layers)) if cycle else None


def _chunked(read: Reader, layers: int) -> tuple[str, ...]:
    marks = read.listing("no_rope_layers")
    if len(marks) == layers:
        return tuple("chunked" if mark else "full" for mark in marks)
    return _every(layers, 4, "chunked")


def _every(layers: int, period: int, other: str) -> tuple[str, ...]:
    """Each `period`-th layer is full, the ones between are `other`."""
    return tuple("full" if (index + 1) % period == 0 else other for index in range(layers))


def _from_limit(read: Reader, family: Family, layers: int) -> tuple[str, ...]:
    """Qwen2's windows start at `max_window_layers`; the others slide everywhere."""
    first = read.integer("max_window_layers", low=0, high=2048) if family.windows_late else 0
    return tuple("sliding" if index >= (first or 0) else "full" for index in range(layers))
