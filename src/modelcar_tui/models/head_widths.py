"""KV heads and the width of a head, where sliding and full layers differ."""

from __future__ import annotations

import msgspec

from modelcar_tui.models.backbone import Backbone
from modelcar_tui.models.config import Reader
from modelcar_tui.models.families import Family


class HeadWidths(msgspec.Struct, frozen=True, kw_only=True):
    """Of all layers, and of the full ones (`wide`) where they have their own; zeros where they have not."""

    kv_heads: int
    value: int
    """Width of a value."""
    wide: int
    wide_value: int
    wide_kv_heads: int


def head_widths(
    read: Reader, family: Family, backbone: Backbone, kinds: tuple[str, ...], *, mla: bool
) -> HeadWidths:
    """What config.json says of the heads of `kinds`."""
    head_dim = backbone.head_dim
    told = read.integer("v_head_dim", high=2**14) or head_dim
    value = head_dim if mla else told
    if own := _sliding_heads(read):
        return HeadWidths(
            kv_heads=own, value=value, wide=head_dim, wide_value=told, wide_kv_heads=backbone.kv_heads
        )
    wide = _of_full(read, kinds, "head_dim")
    wide = wide or read.integer("global_head_dim", high=2**14) or family.wide_head_dim
    return HeadWidths(
        kv_heads=backbone.kv_heads,
        value=value,
        wide=wide,
        wide_value=wide,
        wide_kv_heads=_of_full(read, kinds, "num_key_value_heads") or _wide_kv_heads(read),
    )


def _sliding_heads(read: Reader) -> int:
    """MiMo V2's and Inkling's sliding layers have KV heads of their own, as wide as the full layers'."""
    told = read.has("hybrid_layer_pattern") or read.listing("local_layer_ids")
    return (read.integer("swa_num_key_value_heads", high=2**14) or 0) if told else 0


def _of_full(read: Reader, kinds: tuple[str, ...], name: str) -> int:
    """What newer files of Gemma 4 say of all full layers, layer by layer; 0 where they don't."""
    told = read.mapping("per_layer_config")
    own = {
        value.get(name)
        for index, value in told.items()
        if isinstance(value, dict) and index.isdigit() and kinds[int(index) : int(index) + 1] == ("full",)
    }
    found = own.pop() if len(own) == 1 else None
    return found if isinstance(found, int) and 0 < found < 2**14 else 0


def _wide_kv_heads(read: Reader) -> int:
    """Gemma 4's full layers have KV heads of their own where K and V are one."""
    shared = read.flag("attention_k_eq_v")
    return (read.integer("num_global_key_value_heads", high=2**14) or 0) if shared else 0
