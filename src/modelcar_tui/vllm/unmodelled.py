"""Architectures of vLLM's registry that no rule here sizes, each with the piece that is missing."""

from __future__ import annotations

from functools import cache

import msgspec

from modelcar_tui.core.resources import table


class _File(msgspec.Struct, frozen=True):
    source: str
    drafts: list[str]
    missing: dict[str, list[str]]


@cache
def _file() -> _File:
    return table(__file__, "unmodelled.json", _File)


@cache
def missing_pieces() -> dict[str, str]:
    """The missing piece by architecture, for models whose config.json is all that is known."""
    return {arch: piece for piece, names in _file().missing.items() for arch in names}


@cache
def drafts() -> frozenset[str]:
    """Architectures that vLLM runs beside another model only (`--speculative-config`)."""
    return frozenset(_file().drafts)


def why_unmodelled(arch: str, *, measured: bool) -> str:
    """Why a model of this architecture can't be sized; the empty text where it can.

    Args:
        measured: the weights' headers tell what it holds.
    """
    if arch in drafts():
        return f"{arch} is a draft, which vLLM runs beside the model that it drafts for"
    piece = missing_pieces().get(arch)
    return f"{arch}: {piece}, and the weights' headers were not read" if piece and not measured else ""
