"""Amounts in words: one thing is never told in the plural."""

from __future__ import annotations


def several(count: int, word: str, plural: str = "") -> str:
    """`1 card`, `1,422 cards`, `0 cards`.

    Args:
        count: how many there are.
        word: for one of them, such as `card`, `proposed change`.
        plural: for several, where it is not the word with an s.
    """
    return f"{count:,} {word if count == 1 else plural or f'{word}s'}"
