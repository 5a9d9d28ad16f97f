"""Bounds of a manifest's texts; importable without a YAML parser."""

from __future__ import annotations

from modelcar_tui.core.text import clean, reveal

MAX_TEXT = 4000
"""Characters of a name, an image reference or an argument."""
MAX_GPUS = 4096


def shorten(text: str, limit: int = 80) -> str:
    """`text` on one line with nothing hidden, no secret and no longer than `limit`."""
    text = clean(reveal(text))
    return text if len(text) <= limit else text[: limit - 1] + "…"
