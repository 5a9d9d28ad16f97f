"""Masks as `***`, for tests that ask where a secret stood and not which one it was."""

from __future__ import annotations

from modelcar_tui.core.numbers import MASKED


def unnumbered(text: str) -> str:
    """`text` with `***` for every mask."""
    return MASKED.sub("***", text)
