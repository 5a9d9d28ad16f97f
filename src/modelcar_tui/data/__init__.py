"""The tables that are shipped; read once, decoded by type."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")
_FOLDER = Path(__file__).resolve().parent


def load_json(name: str, kind: type[T]) -> T:
    """The table `name` of this folder as `kind`; callers keep what they get."""
    return msgspec.json.decode((_FOLDER / name).read_bytes(), type=kind)
