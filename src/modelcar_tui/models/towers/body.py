"""How wide an encoder's layers are: read off the pieces that its recipe describes."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from modelcar_tui.models.towers.part import Part

_NARROW = 64
"""Convolutions' kernels, scales: no matrix of a layer is as narrow."""
_STACK = 2


class EncoderBody(msgspec.Struct, frozen=True):
    """The layers that each row goes through."""

    hidden: int
    inter: int
    """Between the two matrices of the MLP."""
    gated: bool
    part: Part


def encoder_body(parts: Iterable[Part], kind: str) -> EncoderBody | None:
    """The deepest stack of equal matrices in the parts of a kind, which may hold attention and MLPs apart;
    None where there is none."""
    matrices = [
        (piece, part)
        for part in parts
        if part.kind == kind
        for piece in part.pieces
        if piece.only != "file" and min(piece.out, piece.inner) >= _NARROW
    ]
    count = max((piece.count for piece, _ in matrices), default=0)
    if count < _STACK:
        return None
    stack = [(piece, part) for piece, part in matrices if piece.count == count]
    hidden = min(min(piece.out, piece.inner) for piece, _ in stack)
    last, owner = max(stack, key=lambda one: one[0].inner)
    gated = last.inner > hidden and any(piece.out == 2 * last.inner for piece, _ in stack)
    return EncoderBody(hidden, last.inner, gated, owner)
