"""The cards of a node as HAMi and Volcano register them in an annotation, whatever units they are offered as.

Forms: Project-HAMi/HAMi, pkg/device/devices.go (JSON, earlier texts of 7 or 9 fields);
Project-HAMi/volcano-vgpu-device-plugin, pkg/util/util.go (texts of 6 fields, earlier 5). The memory in
them is no card's: both let the administrator scale it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from modelcar_tui.core.decode import decode
from modelcar_tui.core.text import clean

_KEYS = ("hami.io/node-nvidia-register", "4pd.io/node-nvidia-register", "volcano.sh/node-vgpu-register")
_LONGEST = 64 * 1024
_PRODUCT_AT = {5: 3, 6: 3, 7: 4, 9: 4}
"""Which field is the product, by the number of fields."""


class Register(msgspec.Struct, frozen=True):
    """NVIDIA cards that a sharing device plug-in counts."""

    cards: int
    products: tuple[str, ...]
    """Those that differ, as the driver says them."""


class _Device(msgspec.Struct, frozen=True):
    id: str = ""
    type: str = ""


def register(annotations: Mapping[str, str]) -> Register | None:
    """What the node's annotations register; None where nothing does, or nothing that can be read."""
    text = next((annotations[key] for key in _KEYS if annotations.get(key)), "")
    if not text or len(text) > _LONGEST:
        return None
    found = _json(text) if text.lstrip().startswith("[") else _fields(text)
    if not found:
        return None
    products = dict.fromkeys(clean(one, limit=100) for one in found)
    return Register(cards=len(found), products=tuple(name for name in products if name))


def _json(text: str) -> list[str]:
    try:
        devices = decode(text, list[_Device])
    except (msgspec.MsgspecError, RecursionError):
        return []
    return [one.type for one in devices]


def _fields(text: str) -> list[str]:
    parts = [part.split(",") for part in text.strip().split(":") if part]
    places = [(fields, _PRODUCT_AT.get(len(fields))) for fields in parts]
    return [] if any(at is None for _, at in places) else [fields[at] for fields, at in places if at]
