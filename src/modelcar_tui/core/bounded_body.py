"""What a service is sent besides facts, and what it sends, bounded before its library sees it: they read a
line, or a packed body, whole."""

from __future__ import annotations

import asyncio
import importlib
import re
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

MOST_BYTES = 4 << 20
"""Of one response, as it came and unpacked."""
MOST_LINE = 1 << 20
MOST_PIECES = 50_000
"""In which a response may come: each costs the run's loop some time, however short it is."""
_HEADERS = """accept accept-encoding anthropic-beta anthropic-version authorization connection content-length
    content-type host transfer-encoding user-agent x-api-key x-goog-api-key"""
"""All that a request may carry: libraries add what the environment holds for their makers' own service
(organization, project, further headers), and figures of this machine."""
_PIECE = 1 << 16
"""Bytes that are unpacked at once."""
_PACKED = ("gzip", "x-gzip", "deflate")
_END = re.compile(rb"\r\n|\n|\r(?!\Z)")
_NO_DATA = re.compile(rb":|(?:event|id|retry)(?::|\Z)")
"""Comments and the fields of an event stream that carry no answer."""


class LongBodyError(Exception):
    """A body, a line of it, or the number of its pieces is over its limit."""


class OddBodyError(Exception):
    """A body that can't be unpacked."""


def hooks(*, only_data: bool = False, most: int = MOST_BYTES) -> dict[str, list[Any]]:
    """Event hooks for an asynchronous client of httpx or httpx2.

    Args:
        only_data: Leave nothing but the data of an event stream: google-genai takes all else for JSON.
        most: Bytes of one response.
    """

    async def ask_plain(request: Any) -> None:
        for name in request.headers.keys() - set(_HEADERS.split()):
            del request.headers[name]
        request.headers["Accept-Encoding"] = "identity"

    async def bound(response: Any) -> None:
        packed = response.headers.pop("content-encoding", "identity").strip().casefold()
        if packed not in (*_PACKED, "identity", ""):
            raise OddBodyError("it is packed in a way that was not asked for")
        body = _Body(response.stream, packed in _PACKED, _Data() if only_data else None, most)
        library = importlib.import_module(type(response).__module__.partition(".")[0])
        response.stream = type("Bounded", (_Stream, library.AsyncByteStream), {})(body)

    return {"request": [ask_plain], "response": [bound]}


class _Stream:
    """A body as either library wants it."""

    def __init__(self, body: _Body) -> None:
        self._body = body

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._body.read()

    async def aclose(self) -> None:
        await self._body.stream.aclose()


class _Body:
    def __init__(self, stream: Any, packed: bool, data: _Data | None, most: int) -> None:
        self.stream, self._data, self._most = stream, data, most
        self._zip = zlib.decompressobj(wbits=47) if packed else None  # 47: gzip or zlib, as the bytes say
        self._total = self._line = self._pieces = 0

    async def read(self) -> AsyncIterator[bytes]:
        """Its bytes, unpacked.

        Raises:
            LongBodyError: it is too long.
            OddBodyError: it can't be unpacked.
        """
        try:
            async for raw in self.stream:
                await self._came()
                for piece in self._plain(raw):
                    self._count(piece)
                    if kept := self._data.take(piece) if self._data else piece:
                        yield kept
            if self._data and (rest := self._data.rest()):
                yield rest
        except (LongBodyError, OddBodyError):
            await self.stream.aclose()
            raise

    async def _came(self) -> None:
        self._pieces += 1
        if self._pieces > MOST_PIECES:
            raise LongBodyError(f"more than {MOST_PIECES:,} pieces")
        if self._pieces % 100 == 0:
            await asyncio.sleep(0)  # what is there already is read without a wait

    def _plain(self, raw: bytes) -> Iterator[bytes]:
        if self._zip is None:
            yield raw
            return
        self._sum(len(raw))
        while raw:
            try:
                piece = self._zip.decompress(raw, _PIECE)
            except zlib.error:
                raise OddBodyError("it can't be unpacked") from None
            yield piece
            raw = self._zip.unconsumed_tail

    def _count(self, piece: bytes) -> None:
        self._sum(len(piece))
        first = piece.find(b"\n")
        if self._line + (len(piece) if first < 0 else first) > MOST_LINE:
            raise LongBodyError(f"a line of more than {MOST_LINE >> 20} MiB")
        self._line = self._line + len(piece) if first < 0 else len(piece) - piece.rfind(b"\n") - 1

    def _sum(self, size: int) -> None:
        self._total += size
        if self._total > self._most:
            raise LongBodyError(f"more than {self._most >> 10:,} KiB")


class _Data:
    """The lines of an event stream that carry data, each whole: no character is cut."""

    def __init__(self) -> None:
        self._held = bytearray()

    def take(self, piece: bytes) -> bytes:
        """What is whole by now."""
        self._held += piece
        if b"\n" not in piece and b"\r" not in piece:
            return b""
        *whole, rest = _END.split(bytes(self._held))
        self._held = bytearray(rest)
        return b"".join(map(_kept, whole))

    def rest(self) -> bytes:
        """A last line without an end."""
        return _kept(bytes(self._held).rstrip(b"\r"))


def _kept(line: bytes) -> bytes:
    if _NO_DATA.match(line):
        return b""
    if line.startswith(b"data:") and not line.startswith(b"data: "):
        line = b"data: " + line[5:]
    return line + b"\n"
