"""The sizes that a model's own processor files state, in the place of its family's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from modelcar_tui.models.config import Reader
from modelcar_tui.models.towers.items import Media

_MOST_PIXELS, _MOST_TILES = 2**40, 2**10


def with_processor(media: Media, image: Mapping[str, Any], video: Mapping[str, Any]) -> Media:
    """The rule with what preprocessor_config.json, video_preprocessor_config.json or the parts of
    processor_config.json say of pixels and tiles."""
    pixels, moving = most_pixels(image), most_pixels(video)
    if media.pixels and pixels:
        media = replace(media, pixels=pixels)
    if media.video_pixels and moving:
        media = replace(media, video_pixels=moving)
    tiles = Reader(image).integer("max_patches", high=_MOST_TILES)
    if media.rows and media.tiles > 1 and tiles:
        media = replace(media, tiles=tiles + 1)
    return media


def most_pixels(told: Mapping[str, Any]) -> int:
    """The most that a processor, or `--mm-processor-kwargs`, leaves an image; 0 where nothing is said."""
    size = told.get("size")
    inner = Reader(size if isinstance(size, Mapping) else {})
    found = Reader(told).integer("max_pixels", high=_MOST_PIXELS)
    return found or inner.integer("longest_edge", "max_pixels", high=_MOST_PIXELS) or 0
