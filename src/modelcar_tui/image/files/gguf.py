"""GGUF headers: the metadata's scalars and the tensors' shapes, as ggml-org/ggml's gguf.md lays them out."""

from __future__ import annotations

import struct
from math import prod
from typing import Any

import msgspec

from modelcar_tui.core.text import clean
from modelcar_tui.image.errors import ImageError, Trouble, fault
from modelcar_tui.image.files.source import Source

_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9
_MOST_KEYS = 4096
_MOST_ITEMS = 2_000_000
_MOST_TENSORS = 100_000
_LONGEST_TEXT = 1 << 20
_STEP = 64 * 1024
# Bits of one weight by ggml type: block bytes x 8 / weights in a block.
_TYPE_BITS = {
    0: 32.0,
    1: 16.0,
    2: 4.5,
    3: 5.0,
    6: 5.5,
    7: 6.0,
    8: 8.5,
    9: 9.0,
    10: 2.625,
    11: 3.4375,
    12: 4.5,
    13: 5.5,
    14: 6.5625,
    15: 9.125,
    16: 2.0625,
    17: 2.3125,
    18: 3.0625,
    19: 1.5625,
    20: 4.5,
    21: 3.4375,
    22: 2.5625,
    23: 4.25,
    24: 8.0,
    25: 16.0,
    26: 32.0,
    27: 64.0,
    28: 64.0,
    29: 1.75,
    30: 16.0,
    34: 1.6875,
    35: 2.0625,
    39: 4.25,
}


class Gguf(msgspec.Struct, frozen=True, kw_only=True):
    """What the header says."""

    metadata: dict[str, Any]
    """Scalars and short texts only; arrays are skipped."""
    parameters: int | None = None
    """None when the tensors' table was not reached."""
    bytes: int | None = None
    bits: int | None = None
    """Of the type that most weights have, rounded down."""


async def read_gguf(source: Source, start: int, file_size: int) -> Gguf:
    """The header of the file whose bytes begin at `start`; what the budget does not reach is left out.

    Raises:
        ImageError: it is no GGUF, or says things that can't be.
    """
    cursor = _Cursor(source, start, start + file_size)
    if await cursor.take(4) != b"GGUF":
        raise _bad("no GGUF magic")
    version = await cursor.number("<I")
    if not 2 <= version <= 3:
        raise _bad(f"version {version}")
    tensors, keys = await cursor.number("<Q"), await cursor.number("<Q")
    if keys > _MOST_KEYS or tensors > _MOST_TENSORS:
        raise _bad(f"{keys} keys and {tensors} tensors")
    metadata: dict[str, Any] = {}
    try:
        for _ in range(keys):
            key = clean((await cursor.text()).decode(errors="replace"), limit=200)
            value = await _value(cursor, await cursor.number("<I"), depth=0)
            if value is not None:
                metadata[key] = value
        return await _tensors(cursor, tensors, metadata)
    except ImageError as error:
        if error.kind is not Trouble.BUDGET or not metadata:
            raise
        return Gguf(metadata=metadata)


async def _tensors(cursor: _Cursor, count: int, metadata: dict[str, Any]) -> Gguf:
    weights, size = 0, 0.0
    held: dict[int, int] = {}
    for _ in range(count):
        await cursor.text()
        dimensions = await cursor.number("<I")
        if dimensions > 8:
            raise _bad(f"a tensor with {dimensions} dimensions")
        number = prod([await cursor.number("<Q") for _ in range(dimensions)])
        kind = await cursor.number("<I")
        await cursor.number("<Q")
        if number > 1 << 50 or kind not in _TYPE_BITS:
            raise _bad(f"a tensor of type {kind} with {number} weights")
        weights += number
        size += number * _TYPE_BITS[kind] / 8
        held[kind] = held.get(kind, 0) + number
    best = max(held, key=lambda kind: held[kind], default=None)
    bits = int(_TYPE_BITS[best]) if best is not None else None
    return Gguf(metadata=metadata, parameters=weights, bytes=round(size), bits=bits)


async def _value(cursor: _Cursor, kind: int, *, depth: int) -> Any:
    if kind in _SCALARS:
        return await cursor.number(_SCALARS[kind])
    if kind == _STRING:
        text = await cursor.text()
        return clean(text.decode(errors="replace"), limit=500) if len(text) <= 4096 else None
    if kind != _ARRAY or depth > 2:
        raise _bad(f"a value of type {kind}")
    inner, count = await cursor.number("<I"), await cursor.number("<Q")
    if count > _MOST_ITEMS:
        raise _bad(f"an array of {count} items")
    if inner in _SCALARS:
        await cursor.skip(count * struct.calcsize(_SCALARS[inner]))
    elif inner == _STRING:
        for _ in range(count):
            await cursor.skip(await cursor.number("<Q"))
    else:
        for _ in range(count):
            await _value(cursor, inner, depth=depth + 1)
    return None


class _Cursor:
    """Reads on through a source in large steps."""

    def __init__(self, source: Source, start: int, end: int) -> None:
        self._source = source
        self._at = start
        self._end = end
        self._data = b""
        self._begin = start

    async def take(self, count: int) -> bytes:
        """Exactly `count` bytes."""
        if self._at + count > self._end:
            raise _bad("cut short")
        offset = self._at - self._begin
        if not 0 <= offset <= len(self._data) - count:
            self._data = await self._source.read(self._at, min(max(count, _STEP), self._end - self._at))
            self._begin, offset = self._at, 0
        piece = self._data[offset : offset + count]
        if len(piece) != count:
            raise _bad("cut short")
        self._at += count
        return piece

    async def skip(self, count: int) -> None:
        """Go on by `count` bytes."""
        if count > self._end - self._at:
            raise _bad("cut short")
        self._at += count

    async def number(self, form: str) -> Any:
        return struct.unpack(form, await self.take(struct.calcsize(form)))[0]

    async def text(self) -> bytes:
        count = await self.number("<Q")
        if count > _LONGEST_TEXT:
            raise _bad(f"a text of {count} bytes")
        return await self.take(count)


def _bad(detail: str) -> ImageError:
    return fault(Trouble.MALFORMED, host="", where="gguf", detail=detail, fix="")
