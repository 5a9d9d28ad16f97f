"""From the bytes of a log to lines, whatever the bytes are: chunks of any size, no line limit, no
`readline`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from modelcar_tui.core.stamps import seconds

KEEP = 64 * 1024
"""Bytes of one line that are kept; the rest is dropped, never buffered."""


class RawLine(NamedTuple):
    """A line as it came, without its end, cut to `KEEP` bytes."""

    data: bytes
    at: float


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


class K8sFile:
    """Decodes conmon's `k8s-file` log: `TIME stdout|stderr F|P TEXT`, where P is a part of a longer line."""

    def __init__(self) -> None:
        self._splitter = LineSplitter()
        self._parts: dict[bytes, bytearray] = {}

    def feed(self, chunk: bytes) -> Iterator[RawLine]:
        """The whole lines that `chunk` completes; a line that is not of the format is passed as it is."""
        for record in self._splitter.feed(chunk):
            line = self._record(record)
            if line is not None:
                yield line

    def finish(self) -> Iterator[RawLine]:
        """What the container wrote last without a line end."""
        for parts in self._parts.values():
            if parts:
                yield RawLine(bytes(parts[:KEEP]), 0.0)
        self._parts.clear()

    def _record(self, record: bytes) -> RawLine | None:
        fields = record.split(b" ", 3)
        if len(fields) < 4 or fields[2] not in (b"F", b"P"):
            return RawLine(record, 0.0)
        stamp, stream, flag, text = fields
        parts = self._parts.setdefault(stream, bytearray()) if len(self._parts) < 8 else bytearray()
        if len(parts) < KEEP:
            parts += text[: KEEP - len(parts)]
        if flag == b"P":
            return None
        whole = bytes(parts)
        parts.clear()
        return RawLine(whole, seconds(stamp.decode("ascii", "replace")))
