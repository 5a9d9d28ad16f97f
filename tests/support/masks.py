"""Masks as `***`, for tests that ask where a secret stood and not which one it was."""

from __future__ import annotations

from modelcar_tui.core import numbers


def unnumbered(text: str) -> str:
    """`text` with `***` for every mask."""
    return numbers.unnumbered(text).replace("*secret*", "***")
