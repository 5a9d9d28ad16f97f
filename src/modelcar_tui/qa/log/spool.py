"""The QA log on disk: one cleaned, redacted line a line, and an index of offsets beside it.

`qa.log` is plain text. `qa.log.idx` holds 16 bytes a line, little endian: the byte offset of the line in
`qa.log` (56 bits) with the line's origin in the top byte, and its time (float64, seconds since 1970, 0 when
unknown). A line counts when it is in both files, so a writer that was killed anywhere leaves a spool that
opens again with whole lines only.
"""

from __future__ import annotations

import mmap
import os
import struct
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple

RECORD = struct.Struct("<Qd")
_OFFSET = (1 << 56) - 1
MAX_BYTES = 2 * 1024**3
"""The spool stops growing here; what follows is counted and parsed, not kept."""
LINE_LIMIT = 4_000
"""Characters of a line."""


class Origin(IntEnum):
    """Who wrote a line."""

    SUITE = 0
    """The container."""
    US = 1
    """We, or podman on our behalf (pulling the image, the closing line)."""


class Line(NamedTuple):
    """One line as the screen shows it."""

    number: int
    """Counted from 0."""
    text: str
    at: float
    """Seconds since 1970; 0 when unknown."""
    origin: Origin


class SpoolWriter:
    """Appends lines; buffers until `flush`. Opening repairs what a killed writer left."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self._max = max_bytes
        self.count, self.size, self.suite_lines = _repair(path)
        self.dropped = 0
        self._broken = False
        self._log: BinaryIO = _open_private(path)
        self._index: BinaryIO = _open_private(spool_index(path))
        self._pending_log = bytearray()
        self._pending_index = bytearray()

    def append(self, text: str, *, at: float = 0.0, origin: Origin = Origin.SUITE) -> None:
        """Add a line; `text` is cleaned and redacted already and holds no line end."""
        data = text.encode("utf-8", "replace") + b"\n"
        if self.size + len(data) > self._max:
            self.dropped += 1
            self.suite_lines += origin is Origin.SUITE
            return
        self._pending_index += RECORD.pack(self.size | origin << 56, at)
        self._pending_log += data
        self.size += len(data)
        self.count += 1
        self.suite_lines += origin is Origin.SUITE

    def flush(self) -> None:
        """Hand the lines to the kernel: text first, so that the index never points past it.

        Raises:
            OSError: the disk is full, ...; nothing more is written until the spool is opened again.
        """
        if self._broken or not self._pending_log:
            return
        self._broken = True
        _write_all(self._log, self._pending_log)
        self._pending_log.clear()
        _write_all(self._index, self._pending_index)
        self._pending_index.clear()
        self._broken = False

    def close(self) -> None:
        """Flush and close; closing twice does no harm."""
        with suppress(ValueError):
            try:
                self.flush()
            finally:
                self._log.close()
                self._index.close()


class SpoolReader:
    """Random access to a spool that may still grow; opening and jumping cost the same at any size."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def count(self) -> int:
        """Lines now."""
        try:
            return spool_index(self.path).stat().st_size // RECORD.size
        except OSError:
            return 0

    def lines(self, start: int, count: int) -> list[Line]:
        """Up to `count` lines from `start` (0 is the first); fewer at the end."""
        start = max(start, 0)
        if count <= 0:
            return []
        try:
            with spool_index(self.path).open("rb", buffering=0) as index:
                raw = os.pread(index.fileno(), (count + 1) * RECORD.size, start * RECORD.size)
            records = list(RECORD.iter_unpack(raw[: len(raw) // RECORD.size * RECORD.size]))
            if not records:
                return []
            first = records[0][0] & _OFFSET
            end = (records[count][0] & _OFFSET) if len(records) > count else None
            with self.path.open("rb", buffering=0) as log:
                stop = os.fstat(log.fileno()).st_size if end is None else end
                data = _pread(log.fileno(), first, stop - first)
        except OSError:
            return []
        found = []
        for place, (word, at) in enumerate(records[:count]):
            begin = (word & _OFFSET) - first
            stop = (
                (records[place + 1][0] & _OFFSET) - first
                if place + 1 < len(records)
                else data.find(b"\n", begin) + 1
            )
            text = data[begin:stop].rstrip(b"\n").decode("utf-8", "replace")
            found.append(Line(start + place, text, at, Origin(word >> 56)))
        return found

    def search(self, needle: str, *, start: int = 0, backwards: bool = False) -> int | None:
        """The number of the next line from `start` on (or before it) that holds `needle`, case ignored."""
        if not needle or not self.count:
            return None
        pattern, total = needle.lower(), self.count
        step = 4_096
        if backwards:
            end = min(start, total)
            while end > 0:
                begin = max(end - step, 0)
                for line in reversed(self.lines(begin, end - begin)):
                    if pattern in line.text.lower():
                        return line.number
                end = begin
            return None
        begin = max(start, 0)
        while begin < total:
            for line in self.lines(begin, step):
                if pattern in line.text.lower():
                    return line.number
            begin += step
        return None


def spool_index(path: Path) -> Path:
    """The index that belongs to a spool."""
    return path.with_name(path.name + ".idx")


def _repair(path: Path) -> tuple[int, int, int]:
    """Cut both files to whole lines that are in both; (lines, bytes, lines of the suite)."""
    index = spool_index(path)
    if not path.exists() or not index.exists() or not index.stat().st_size or not path.stat().st_size:
        for file in (path, index):
            with suppress(FileNotFoundError):
                os.truncate(file, 0)
        return 0, 0, 0
    have = path.stat().st_size
    with index.open("rb") as records, mmap.mmap(records.fileno(), 0, access=mmap.ACCESS_READ) as view:
        count = len(view) // RECORD.size
        end = 0
        with path.open("rb") as log:
            while count:
                offset = RECORD.unpack_from(view, (count - 1) * RECORD.size)[0] & _OFFSET
                if offset < have:
                    data = _pread(log.fileno(), offset, have - offset)
                    if (stop := data.find(b"\n")) >= 0:
                        end = offset + stop + 1
                        break
                count -= 1
        # The origin is the top byte of each little-endian word.
        suite = bytes(view[7 : count * RECORD.size : RECORD.size]).count(Origin.SUITE)
    os.truncate(path, end)
    os.truncate(index, count * RECORD.size)
    return count, end, suite


def _open_private(path: Path) -> BinaryIO:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return os.fdopen(handle, "wb", buffering=0)


def _write_all(file: BinaryIO, data: bytearray) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[file.write(view) :]
    finally:
        view.release()


def _pread(handle: int, offset: int, size: int) -> bytes:
    parts = []
    while size > 0 and (part := os.pread(handle, min(size, 1 << 20), offset)):
        parts.append(part)
        offset += len(part)
        size -= len(part)
    return b"".join(parts)
