"""Every text that is read, with a mask for all in it that has the shape of a secret."""

from __future__ import annotations

from modelcar_tui.core.hints import may_hold_secret


def masked_by_shape(text: str) -> str:
    """`text` with a mask for all that has the shape of a secret."""
    if not may_hold_secret(text):
        return text
    from modelcar_tui.core.masks import masked  # its expressions are no part of the first frame

    return masked(text)
