"""Bytes that can be read piecewise, and the budget that they are read on."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from modelcar_tui.image.errors import Trouble, fault

Fetch = Callable[[int, int], Awaitable[bytes]]
"""`await fetch(start, length)` gives exactly these bytes of a blob, less only at its end."""
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
_ZSTD_WINDOW = 1 << 24
_ZSTD_SLICE = 256
"""A run-length block makes 128 KiB out of 4 bytes, so 256 bytes at a time make at most 8 MiB."""
_MOST_DECODED = 64 * 1024 * 1024
_LARGEST_CHUNK = 512 * 1024


class Budget:
    """The bytes that may still be read of one image, counted before they are asked for."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.used = 0

    @property
    def left(self) -> int:
        """Bytes that remain."""
        return self.total - self.used

    def take(self, count: int) -> None:
        """Spend `count` bytes.

        Raises:
            ImageError: there are not so many left.
        """
        if count > self.left:
            raise fault(
                Trouble.BUDGET,
                host="",
                where="image",
                detail=f"{self.used} of {self.total} bytes read",
                fix="",
            )
        self.used += count


class Source(Protocol):
    """Bytes by offset."""

    async def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`, fewer at the end or where the source stops."""

    def reaches(self, offset: int) -> bool:
        """Whether `offset` can be read at a bearable price."""


class Plain:
    """An uncompressed blob: any offset costs one request of one window."""

    def __init__(self, fetch: Fetch, size: int, budget: Budget, *, window: int) -> None:
        self._fetch = fetch
        self._budget = budget
        self._start = 0
        self._data = b""
        self.size = size
        self.window = window

    async def read(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self.size - offset))
        begin = offset - self._start
        if begin < 0 or begin + length > len(self._data):
            have = self._data[begin:] if 0 <= begin < len(self._data) else b""
            start = offset + len(have)
            count = min(max(self.window, length - len(have)), self.size - start)
            self._budget.take(count)
            self._data = have + await self._fetch(start, count)
            self._start, begin = offset, 0
        return self._data[begin : begin + length]

    def reaches(self, offset: int) -> bool:
        return offset < self.size and self._budget.left > 0


class Packed:
    """A gzip or zstd blob: read from its start only, and never drained to get past a large file."""

    def __init__(self, fetch: Fetch, size: int, budget: Budget, first: bytes, *, patience: int) -> None:
        self._fetch = fetch
        self._size = size
        self._budget = budget
        self._taken = len(first)
        self._waiting = first
        self._chunk = max(16 * 1024, len(first))
        self._decoder: _Decoder = _Zstd() if _is_zstd(first) else _Gzip()
        self._base = 0
        self._buffer = bytearray()
        self.patience = patience
        """How far ahead a jump may go, in decoded bytes."""

    async def read(self, offset: int, length: int) -> bytes:
        if offset < self._base or offset + length > _MOST_DECODED:
            return b""
        while self._base + len(self._buffer) < offset + length and await self._more():
            drop = min(offset - self._base, len(self._buffer))
            if drop > 0:
                del self._buffer[:drop]
                self._base += drop
        begin = offset - self._base
        return bytes(self._buffer[begin : begin + length]) if begin >= 0 else b""

    def reaches(self, offset: int) -> bool:
        ahead = offset - self._base - len(self._buffer)
        return ahead <= min(self.patience, max(self._budget.left, 0)) and offset < _MOST_DECODED

    async def _more(self) -> bool:
        if not self._waiting:
            count = min(self._chunk, self._size - self._taken)
            if count <= 0:
                return False
            self._budget.take(count)
            self._waiting = await self._fetch(self._taken, count)
            self._taken += count
            self._chunk = min(self._chunk * 2, _LARGEST_CHUNK)
        out, self._waiting = self._decoder.feed(self._waiting)
        self._buffer += out
        return True


class FileSource:
    """A local file; blocking reads of a few kilobytes."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.size = path.stat().st_size

    async def read(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(length)

    def reaches(self, offset: int) -> bool:
        return offset < self.size

    def close(self) -> None:
        """Close the file."""
        self._file.close()


async def open_blob(
    fetch: Fetch, size: int, budget: Budget, *, first: int, patience: int
) -> tuple[Source, str]:
    """Look at a blob's first bytes; media types lie, magic numbers do not.

    Returns:
        The source and `gzip`, `zstd` or the empty text.
    """
    first = min(first, size)
    budget.take(first)
    head = await fetch(0, first)
    if head.startswith(_GZIP) or _is_zstd(head):
        return Packed(fetch, size, budget, head, patience=patience), "zstd" if _is_zstd(head) else "gzip"
    plain = Plain(fetch, size, budget, window=max(first, 4096))
    plain._data = head
    return plain, ""


def _is_zstd(head: bytes) -> bool:
    return head.startswith(_ZSTD) or (head[1:4] == _ZSTD_SKIPPABLE and head[0] & 0xF0 == 0x50)


class _Decoder(Protocol):
    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """A bounded piece of output, and the input that is left."""


class _Gzip:
    def __init__(self) -> None:
        self._one = zlib.decompressobj(31)

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        try:
            out = self._one.decompress(data, 1 << 20)
        except zlib.error as error:
            raise fault(Trouble.MALFORMED, host="", where="layer", detail=f"gzip: {error}", fix="") from None
        if self._one.eof:
            rest = self._one.unused_data
            self._one = zlib.decompressobj(31)
            return out, rest if rest.startswith(_GZIP) else b""
        return out, self._one.unconsumed_tail


class _Zstd:
    def __init__(self) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        self._library = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._one = self._library.decompressobj()

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        piece, rest = data[:_ZSTD_SLICE], data[_ZSTD_SLICE:]
        try:
            out = self._one.decompress(piece)
        except self._error as error:
            raise fault(Trouble.MALFORMED, host="", where="layer", detail=f"zstd: {error}", fix="") from None
        if self._one.eof:
            rest = self._one.unused_data + rest
            self._one = self._library.decompressobj()
        return out, rest
