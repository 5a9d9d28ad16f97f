"""Many words in one expression: several times faster than one alternative after the other."""

from __future__ import annotations

import re
from collections.abc import Iterable


def any_of(words: Iterable[bytes]) -> bytes:
    """A regular expression for any of some words, which tries common beginnings once."""
    branches: dict[bytes, list[bytes]] = {}
    for word in words:
        branches.setdefault(word[:1], []).append(word[1:])
    if b"" in branches:
        return b""
    return (
        b"(?:" + b"|".join(re.escape(first) + any_of(rest) for first, rest in sorted(branches.items())) + b")"
    )
