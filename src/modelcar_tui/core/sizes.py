"""Sizes of files as people write and read them; units are those of 1024."""

from __future__ import annotations

import re

_FORM = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(?:([KMGT])iB)?", re.ASCII)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def size_text(size: int) -> str:
    """Bytes as KiB (1024), MiB from a tenth of one on, or GiB from one on."""
    if size >= 2**30:
        return f"{size / 2**30:.1f} GiB"
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 / 10 else f"{-(-size // 1024)} KiB"


def size_bytes(text: str) -> int | None:
    """Bytes of `500MiB`, `2GiB`, `1.5 TiB` or `0`; None where it is no such text, or lacks its unit."""
    found = _FORM.fullmatch(text.strip())
    if found is None or (not found[2] and float(found[1])):
        return None
    return int(float(found[1]) * 1024 ** _POWERS[found[2] or ""])
