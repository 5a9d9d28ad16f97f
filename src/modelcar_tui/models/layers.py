"""Which kind of attention each layer has."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from modelcar_tui.models.config import Reader
from modelcar_tui.models.families import Family

Kinds = tuple[str, ...]
"""Of each layer: `full`, `sliding`, `chunked`, `mla`, `state`, or `none` (no attention)."""
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
_WORDS = {
    **_NAMES,
    "sliding": "sliding",
    "local": "sliding",
    "chunked": "chunked",
    "full": "full",
    "global": "full",
    "linear": "state",
    "gdn": "state",
}
"""In patterns there are shorter ones, too."""
_LETTERS = {"M": "state", "*": "full"}
_PATTERN = re.compile(r"(\d+)\s*(\w+)\s*:\s*(\d+)\s*(\w+)")


def layer_kinds(read: Reader, arch: str, family: Family, layers: int, *, mla: bool) -> tuple[Kinds, int, int]:
    """The kind of each layer, the sliding window (0: none) and the chunk of local attention (0: none)."""
    full = "mla" if mla else "full"
    whole = _beside_linear(read, layers, full)
    if whole is None and mla and not read.listing("layer_types"):
        whole = ("mla",) * layers
    if whole:
        return whole, 0, 0
    window, chunk = _window(read), read.integer("attention_chunk_size", high=2**31) or 0
    kinds = (
        _listed(read, layers, full)
        or _laid_out(read, layers)
        or _chunked(read, family, layers, chunk)
        or _windowed(read, family, layers, window)
        or _alike(arch, family, layers)
    )
    spans = {"sliding": window, "chunked": chunk}
    kinds = tuple(kind if spans.get(kind, 1) else "full" for kind in kinds)
    return kinds, window if "sliding" in kinds else 0, chunk if "chunked" in kinds else 0


def _beside_linear(read: Reader, layers: int, full: str) -> Kinds | None:
    """Layers of which most are linear attention and the others, windows or not, look at everything."""
    linear = read.mapping("linear_attn_config").get("kda_layers")
    if isinstance(linear, list):  # counted from 1
        return tuple("state" if index in linear else full for index in range(1, layers + 1))
    group = read.integer("layer_group_size", low=2, high=layers)
    return _every(layers, group, "state", full) if group else None


def _window(read: Reader) -> int:
    # These classes of transformers drop the window then; no one else looks at the flag.
    if read.flag("use_sliding_window") is False and read.text("model_type").startswith(_FLAGGED):
        return 0
    own = ("window_size",) if read.text("model_type").startswith("plamo") else ()
    return read.integer("sliding_window", "sliding_window_size", *own, high=2**31) or 0


def _listed(read: Reader, layers: int, full: str) -> Kinds | None:
    """A word for each layer."""
    words = read.listing("layer_types", "layers_block_type", "block_types")
    if len(words) != layers:
        return None
    return tuple(full if (kind := _NAMES.get(str(word), "full")) == "full" else kind for word in words)


def _laid_out(read: Reader, layers: int) -> Kinds | None:
    """A layout of which single families have a key of their own; the first one counts."""
    return next((kinds for layout in _LAYOUTS if (kinds := layout(read, layers))), None)


def _at(key: str, kind: str, other: str, beside: str, read: Reader, layers: int) -> Kinds | None:
    """The numbers of the layers that are `kind`; `beside`: a key without which they don't count."""
    listed = read.listing(key)
    if not listed or (beside and not read.has(beside)):
        return None
    return tuple(kind if index in listed else other for index in range(layers))


def _marked(key: str, kind: str, other: str, read: Reader, layers: int) -> Kinds | None:
    """A mark for each layer: `kind` where it is set."""
    marks = read.listing(key)
    return tuple(kind if mark else other for mark in marks) if len(marks) == layers else None


def _lettered(read: Reader, layers: int) -> Kinds | None:
    """A letter for each layer (Nemotron-H)."""
    letters = read.text("hybrid_override_pattern")
    return tuple(_LETTERS.get(letter, "none") for letter in letters) if len(letters) == layers else None


def _offset(read: Reader, layers: int) -> Kinds | None:
    """One of each so many layers, and which of them (Jamba)."""
    period = read.integer("attn_layer_period", high=layers)
    if not period or not read.has("mamba_d_state"):
        return None
    offset = read.integer("attn_layer_offset", low=0, high=layers) or 0
    return tuple("full" if index % period == offset else "state" for index in range(layers))


def _interval(read: Reader, layers: int) -> Kinds | None:
    """The last one of each so many layers (Qwen3-Next)."""
    interval = read.integer("full_attention_interval", high=layers)
    return _every(layers, interval, "state") if interval and read.has("linear_num_value_heads") else None


def _pattern(read: Reader, layers: int) -> Kinds | None:
    """A pattern in words, such as `5 sliding : 1 full`."""
    match = _PATTERN.search(read.text("layer_pattern"))
    if not match:
        return None
    first, one, second, two = match.groups()
    cycle = [_WORDS.get(one.lower(), "full")] * min(int(first), layers) + [
        _WORDS.get(two.lower(), "full")
    ] * min(int(second), layers)
    return tuple(cycle[index % len(cycle)] for index in range(layers)) if cycle else None


_LAYOUTS: tuple[Callable[[Reader, int], Kinds | None], ...] = (
    partial(_at, "full_attn_idxs", "full", "state", "conv_L_cache"),
    partial(_at, "local_layer_ids", "sliding", "full", ""),
    partial(_marked, "hybrid_layer_pattern", "sliding", "full"),
    partial(_marked, "attn_type_list", "full", "state"),
    _lettered,
    _offset,
    _interval,
    partial(_at, "attn_layer_indices", "full", "state", "mamba_d_state"),
    _pattern,
)


def _chunked(read: Reader, family: Family, layers: int, chunk: int) -> Kinds | None:
    """Layers with a rope attend in chunks (Llama 4)."""
    if not chunk or not (read.has("no_rope_layers") or family.chunks):
        return None
    return _marked("no_rope_layers", "chunked", "full", read, layers) or _every(layers, 4, "chunked")


def _windowed(read: Reader, family: Family, layers: int, window: int) -> Kinds | None:
    """A window in all layers but each so many-th, or from some layer on."""
    if not window:
        return None
    period = read.integer("sliding_window_pattern", "_sliding_window_pattern", high=layers) or family.period
    if period:
        return _every(layers, period, "sliding")
    # Qwen2's windows start there; the others slide everywhere.
    first = read.integer("max_window_layers", low=0, high=2048) if family.windows_late else 0
    return tuple("sliding" if index >= (first or 0) else "full" for index in range(layers))


def _alike(arch: str, family: Family, layers: int) -> Kinds:
    stateful = family.stateful or arch.startswith(("Mamba", "FalconMamba"))
    return (("state" if stateful else "full"),) * layers


def _every(layers: int, period: int, other: str, full: str = "full") -> Kinds:
    """Each `period`-th layer is full, the ones between are `other`."""
    return tuple(full if (index + 1) % period == 0 else other for index in range(layers))
