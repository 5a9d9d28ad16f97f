"""What the arguments say of images, videos and sound: how many of each, and how large."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from modelcar_tui.models.towers import most_pixels

_UNLIMITED = 999
"""Of a modality that `--limit-mm-per-prompt` does not name (vllm config/multimodal.py
get_limit_per_prompt)."""
_SIDE = 2**16


class MediaOptions(msgspec.Struct, frozen=True):
    """`--limit-mm-per-prompt` and `--mm-processor-kwargs`."""

    limits: tuple[tuple[str, int], ...] = ()
    """Items of a modality in one prompt."""
    sizes: tuple[tuple[str, int], ...] = ()
    """The most pixels of an item of a modality; two frames of a video count as one."""
    pixels: int = 0
    """The most that the processor leaves an image; 0: its own."""
    size: int = 0
    """The same where it was said as `size`, which is also heard where `max_pixels` is not."""

    @property
    def absent(self) -> frozenset[str]:
        """Modalities of which no prompt may hold any."""
        return frozenset(name for name, count in self.limits if not count)

    def limit(self, modality: str) -> int:
        """Items of it in one prompt."""
        return dict(self.limits).get(modality, _UNLIMITED)

    def most(self, modality: str) -> int:
        """Pixels of one item at most; 0 where nothing is said."""
        return dict(self.sizes).get(modality, 0)


def media_options(limits: object, processor: object) -> MediaOptions:
    """Both arguments as they are written: objects, JSON, or pairs as before 0.10."""
    told, said = _object(limits), _object(processor)
    counts = {name: each.get("count") if isinstance(each, dict) else each for name, each in told.items()}
    sides = {name: _pixels(each) for name, each in told.items() if isinstance(each, dict)}
    return MediaOptions(
        limits=tuple((name, count) for name, each in counts.items() if (count := _count(each)) is not None),
        sizes=tuple((name, size) for name, size in sides.items() if size),
        pixels=most_pixels(said),
        size=most_pixels({"size": said.get("size")}),
    )


def _object(value: object) -> Mapping[str, Any]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(value)
    elif isinstance(value, str):
        value = dict(pair.split("=", 1) for pair in value.split(",") if "=" in pair)
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _pixels(told: Mapping[str, Any]) -> int:
    width, height = _side(told.get("width")), _side(told.get("height"))
    frames = _side(told.get("num_frames")) or 1
    return width * height * -(-frames // 2) if width and height else 0


def _side(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _SIDE else 0
