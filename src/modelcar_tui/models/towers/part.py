"""One tower of a model, or its projector: what of it a GPU holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Literal

import msgspec

from modelcar_tui.models.quantization.scheme import PLAIN_SCHEME, Scheme
from modelcar_tui.models.towers.pieces import Piece
from modelcar_tui.models.towers.pieces import held as pieces_held

Kind = Literal["vision", "audio", "text"]


LEFT_OUT_SINCE = (0, 15)
"""The release whose models don't build a tower that `--language-model-only` or a limit of 0 makes useless."""


class Part(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Pieces that are built, cut and left out together."""

    kind: Kind
    pieces: tuple[Piece, ...]
    modalities: frozenset[str] = frozenset()
    """It is left out where none of these may be in a prompt; empty: it is always built."""
    always: bool = False
    """It is built whatever may be in a prompt."""
    name: str = ""
    """Where it stands in the model, as ignore lists of quantized checkpoints name it."""
    quantized: bool = True
    """Its layers get the checkpoint's quantization."""
    data: bool = False
    """`--mm-encoder-tp-mode data` keeps it whole."""
    heads: int = 0
    """Kept whole where the GPUs don't divide these; 0: refused then."""
    heads_since: tuple[int, int] = (0, 0)
    """The release that keeps it whole so."""
    cut_since: tuple[int, int] = (0, 0)
    """The release that began to cut it; before, its layers were PyTorch's, which no scheme quantizes."""

    def shared_by(self, tp: int, release: tuple[int, ...], *, data: bool) -> int:
        """Over how many of `tp` GPUs it is cut.

        Args:
            data: `--mm-encoder-tp-mode data`.
        """
        if (data and self.data) or release < self.cut_since:
            return 1
        return 1 if self.heads and self.heads % tp and release >= self.heads_since else tp

    def built(self, release: tuple[int, ...], *, without: Collection[str]) -> bool:
        """Whether the model has it.

        Args:
            without: modalities of which a prompt holds none (vllm models/interfaces.py _mark_tower_model).
        """
        unused = bool(self.modalities) and self.modalities <= set(without) and not self.always
        return not unused or release < LEFT_OUT_SINCE

    @property
    def elements(self) -> int:
        """Weights of all pieces as a checkpoint holds them."""
        return sum(piece.elements for piece in self.pieces if piece.only != "gpu")


def part(kind: Kind, pieces: Iterable[Piece], **told: object) -> Part:
    """A part of these pieces; everything else as `Part` says."""
    return Part(kind=kind, pieces=tuple(pieces), **told)  # type: ignore[arg-type]


def held_bytes(
    parts: Iterable[Part],
    tp: int,
    width: int,
    release: tuple[int, ...],
    *,
    data: bool = False,
    scheme_of: Callable[[str], Scheme] = lambda name: PLAIN_SCHEME,
) -> float:
    """Bytes on each of `tp` GPUs.

    Args:
        width: of a weight in the serving dtype.
        scheme_of: the scheme of the layers of a part with this name.
    """
    return sum(
        pieces_held(
            one.pieces,
            one.shared_by(tp, release, data=data),
            width,
            scheme_of(one.name) if one.quantized and release >= one.cut_since else PLAIN_SCHEME,
        )
        for one in parts
    )


def undivided(parts: Iterable[Part], tp: int, release: tuple[int, ...], *, data: bool) -> int:
    """The first number of heads, rows or columns that the GPUs can't share; 0 where they share all."""
    for one in parts:
        size = one.shared_by(tp, release, data=data)
        for piece in one.pieces:
            if fault := piece.undivided(size):
                return fault
    return 0
