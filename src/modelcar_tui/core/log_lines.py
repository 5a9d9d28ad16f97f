"""From the bytes of a log to lines, whatever the bytes are: chunks of any size, no line limit, no
`readline`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

KEEP = 64 * 1024
"""Bytes of one line that are kept; the rest is dropped, never buffered."""


class RawLine(NamedTuple):
    """A line as it came, without its end, cut to `KEEP` bytes."""

    data: bytes
    at: float
    """Seconds since 1970; 0 where nothing says."""


class LineSplitter:
    """Cuts a byte stream at `\\n`; holds at most `KEEP` bytes of an unfinished line."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The whole lines that `chunk` completes."""
        head, newline, tail = chunk.partition(b"\n")
        self._keep(head)
        if not newline:
            return
        yield bytes(self._rest)
        self._rest.clear()
        *whole, last = tail.split(b"\n")
        for line in whole:
            yield line[:KEEP]
        self._keep(last)

    def rest(self) -> bytes:
        """What is left at the end of the stream, a line without its end; empties the splitter."""
        left = bytes(self._rest)
        self._rest.clear()
        return left

    def _keep(self, data: bytes) -> None:
        room = KEEP - len(self._rest)
        if room > 0:
            self._rest += data[:room]
