"""What encodes images and sound beside a language model: its weights, and the sizes of what goes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.models.towers.body import EncoderBody, encoder_body
    from modelcar_tui.models.towers.items import ItemLimits, Media, MediaItem, largest_items
    from modelcar_tui.models.towers.part import Part, held_bytes
    from modelcar_tui.models.towers.pieces import Piece
    from modelcar_tui.models.towers.processor import most_pixels
    from modelcar_tui.models.towers.tower import Tower, tower_of

__all__ = [
    "EncoderBody",
    "ItemLimits",
    "Media",
    "MediaItem",
    "Part",
    "Piece",
    "Tower",
    "encoder_body",
    "held_bytes",
    "largest_items",
    "most_pixels",
    "tower_of",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "body": "EncoderBody encoder_body",
            "items": "ItemLimits Media MediaItem largest_items",
            "part": "Part held_bytes",
            "pieces": "Piece",
            "processor": "most_pixels",
            "tower": "Tower tower_of",
        },
    )
