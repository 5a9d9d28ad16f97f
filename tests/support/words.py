"""The words that no operator is told, and what to say instead: `tests/data/words.txt`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_LIST = Path(__file__).parents[1] / "data" / "words.txt"


@cache
def forbidden() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each pattern with what to say instead."""
    lines = _LIST.read_text("utf-8").splitlines()
    pairs = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return tuple((re.compile(pattern), instead) for pattern, instead in pairs)


def faults(text: str) -> Iterator[str]:
    """What of a text no operator is told, and what to say instead."""
    for pattern, instead in forbidden():
        if found := pattern.search(text):
            yield f"{found[0].strip()!r} in {text[:160]!r}: say {instead}"
