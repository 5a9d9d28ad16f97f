"""Weights of an encoder beside the language model, and how tensor parallelism cuts each of them.

The cuts are vLLM's (model_executor/layers/linear.py): a column-parallel layer shares its outputs and their
bias, a row-parallel one its inputs, with a whole bias; norms, positions, convolutions are whole everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
from msgspec.structs import replace

from modelcar_tui.core.rounding import round_up
from modelcar_tui.models.quantization.scheme import PLAIN_SCHEME, Scheme

VOCAB_STEP = 64


class Piece(msgspec.Struct, frozen=True):
    """`count` equal weights `out x inner` (`inner` 1: a vector)."""

    out: int
    inner: int = 1
    count: int = 1
    cut: Literal["", "out", "in"] = ""
    """The side that the GPUs share; empty: whole on each."""
    units: int = 0
    """What the number of GPUs must divide, if not the cut side: the heads."""
    linear: bool = False
    """A layer of vLLM's own, which a quantized checkpoint may hold quantized."""
    own_width: int = 0
    """Bytes of one weight, whatever the serving dtype; 0: the serving dtype."""
    only: Literal["", "gpu", "file"] = ""
    """`gpu`: it is computed, and no checkpoint holds it; `file`: vLLM doesn't build it."""

    @property
    def elements(self) -> int:
        """Numbers in all of them, on one GPU alone."""
        return self.out * self.inner * self.count

    def on(self, tp: int) -> tuple[int, int]:
        """Rows and columns of one of them on each of `tp` GPUs."""
        return (
            self.out // tp if self.cut == "out" else self.out,
            self.inner // tp if self.cut == "in" else self.inner,
        )

    def undivided(self, tp: int) -> int:
        """What `tp` GPUs can't share; 0 where they can."""
        if self.only == "file":
            return 0
        shared = self.units or {"": 0, "out": self.out, "in": self.inner}[self.cut]
        return shared if shared % tp else 0


def held(pieces: Iterable[Piece], tp: int, width: int, scheme: Scheme = PLAIN_SCHEME) -> float:
    """Bytes on each of `tp` GPUs.

    Args:
        width: of a weight in the serving dtype.
        scheme: of the layers that a checkpoint may hold quantized.
    """
    return float(sum(_bytes(piece, tp, width, scheme) for piece in pieces if piece.only != "file"))


def _bytes(piece: Piece, tp: int, width: int, scheme: Scheme) -> float:
    out, inner = piece.on(tp)
    if piece.linear and inner > 1 and scheme.bits < PLAIN_SCHEME.bits:
        return scheme.linear_bytes(out, inner) * piece.count
    return out * inner * piece.count * (piece.own_width or width)


def column(out: int, inner: int, count: int = 1, *, bias: bool = True, units: int = 0) -> Iterator[Piece]:
    """Layers whose outputs are shared (vLLM's ColumnParallelLinear and its fused cousins)."""
    yield Piece(out, inner, count, "out", units, linear=True)
    if bias:
        yield Piece(out, 1, count, "out", units)


def row(out: int, inner: int, count: int = 1, *, bias: bool = True) -> Iterator[Piece]:
    """Layers whose inputs are shared (vLLM's RowParallelLinear)."""
    yield Piece(out, inner, count, "in", linear=True)
    if bias:
        yield Piece(out, 1, count)


def replicated(out: int, inner: int, count: int = 1, *, bias: bool = True) -> Iterator[Piece]:
    """Layers of vLLM's own that every GPU holds (its ReplicatedLinear)."""
    yield Piece(out, inner, count, linear=True)
    if bias:
        yield Piece(out, 1, count)


def dense(out: int, inner: int, count: int = 1, *, bias: bool = True) -> Iterator[Piece]:
    """PyTorch's own layers: linear ones, and convolutions, whose `inner` is channels x kernel."""
    yield Piece(out, inner, count)
    if bias:
        yield Piece(out, 1, count)


def table(rows: int, width: int) -> Piece:
    """An embedding that is whole on every GPU."""
    return Piece(rows, width)


def shared_table(rows: int, width: int) -> Piece:
    """An embedding whose rows, padded to 64, are shared (vLLM's VocabParallelEmbedding)."""
    return Piece(round_up(rows, VOCAB_STEP), width, cut="out")


def vector(size: int, count: int = 1) -> Piece:
    """A scale, a bias, a token."""
    return Piece(size, 1, count)


def layer_norm(width: int, count: int = 1) -> Piece:
    """Weight and bias."""
    return Piece(2 * width, 1, count)


def buffer(out: int, inner: int = 1, count: int = 1, *, width: int = 4) -> Piece:
    """A table that is computed, of `width` bytes a number; 0: of the serving dtype."""
    return Piece(out, inner, count, own_width=width, only="gpu")


def unbuilt(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """What a checkpoint holds and vLLM leaves out."""
    return (replace(piece, only="file") for piece in pieces)
