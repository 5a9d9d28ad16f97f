"""The QA log on disk: one cleaned, redacted line a line, and an index of offsets beside it.

`qa.log` is plain text. `qa.log.idx` holds 16 bytes a line, little endian: the byte offset of the line in
`qa.log` (56 bits) with the line's origin in the top byte, and its time (float64, seconds since 1970, 0 when
unknown). A line counts when it is in both files, so a writer that was killed anywhere leaves a spool that
opens again with whole lines only. One that reaches its cap is cut (`cutting.py`).
"""

from __future__ import annotations

import mmap
import os
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple

from modelcar_tui.qa.log.cutting import (
    GAP,
    KEPT,
    MAX_BYTES,
    OFFSET,
    RECORD,
    cut,
    finish,
    index_of,
    is_cutting,
    origin_of,
)

_TRIES = 50
"""Looks at a spool that is being cut; each finds it whole but for the moment between two renames."""
LINE_LIMIT = 4_000
"""Characters of a line."""


class Origin(IntEnum):
    """Who wrote a line."""

    SUITE = 0
    """The container."""
    US = 1
    """We, or podman on our behalf (pulling the image, the closing line)."""
    GAP = GAP
    """We: what is left out in this place."""


class Line(NamedTuple):
    """One line as the screen shows it."""

    number: int
    """Counted from 0."""
    text: str
    at: float
    """Seconds since 1970; 0 when unknown."""
    origin: Origin


class Gap(NamedTuple):
    """What a spool at its cap does not keep."""

    place: int = 0
    """The number of the line that says so."""
    lines: int = 0
    """How many of the suite; 0 where there is no gap."""


class SpoolWriter:
    """Appends lines; buffers until `flush`. Opening repairs what a killed writer left."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self.path = path
        self._max = max_bytes
        found = _repair(path)
        self.count, self.size = found.lines, found.size
        self.suite_lines = found.suite_lines
        """Lines of the suite since the beginning, those that are left out among them."""
        self.left_out = found.left_out
        self._broken = False
        self._pending_log = bytearray()
        self._pending_index = bytearray()
        self._open()

    @property
    def ever(self) -> int:
        """Lines since the beginning."""
        return self.count + self.left_out - (self.left_out > 0)

    def append(
        self, text: str, *, at: float = 0.0, origin: Origin = Origin.SUITE, kept: bool = False
    ) -> None:
        """Add a line.

        Args:
            text: Cleaned and redacted already, without a line end.
            at: Seconds since 1970; 0 when unknown.
            origin: Who wrote it.
            kept: It stays when the middle of the spool is cut out.
        """
        data = text.encode("utf-8", "replace") + b"\n"
        self._pending_index += RECORD.pack(self.size | (origin | KEPT * kept) << 56, at)
        self._pending_log += data
        self.size += len(data)
        self.count += 1
        self.suite_lines += origin is Origin.SUITE

    def flush(self) -> None:
        """Hand the lines to the kernel: text first, so that the index never points past it. A spool that has
        reached its cap is cut.

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
        if self.size + self.count * RECORD.size > self._max:
            self.count, self.size, self.left_out = cut(self.path, self._max)
            self._log.close()
            self._index.close()
            self._open()
        self._broken = False

    def _open(self) -> None:
        self._log: BinaryIO = _open_private(self.path)
        self._index: BinaryIO = _open_private(spool_index(self.path))

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
        self._looked: tuple[int, int] = (0, 0)
        self._gap = Gap()

    @property
    def gap(self) -> Gap:
        """What is not in the spool any more; it changes when the spool is cut."""
        try:
            with spool_index(self.path).open("rb", buffering=0) as index:
                found = os.fstat(index.fileno())
                if self._looked != (found.st_dev, found.st_ino):
                    # Only a cut makes another file of it, and puts a gap in.
                    self._gap = _gap_of(index)
                    self._looked = (found.st_dev, found.st_ino)
        except OSError:
            return Gap()
        return self._gap

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
        for _ in range(_TRIES):
            with suppress(OSError), spool_index(self.path).open("rb", buffering=0) as index:
                found = self._lines(index, start, count)
                # While it is cut, text and index have their new names one after the other. That is asked
                # first: a cut that ends in between shows in the index.
                cutting = is_cutting(self.path)
                seen, now = os.fstat(index.fileno()), spool_index(self.path).stat()
                if not cutting and (seen.st_dev, seen.st_ino) == (now.st_dev, now.st_ino):
                    return found
                continue
            if not is_cutting(self.path):
                return []
        return []

    def _lines(self, index: BinaryIO, start: int, count: int) -> list[Line]:
        raw = os.pread(index.fileno(), (count + 1) * RECORD.size, start * RECORD.size)
        records = list(RECORD.iter_unpack(raw[: len(raw) // RECORD.size * RECORD.size]))
        if not records:
            return []
        first = records[0][0] & OFFSET
        end = (records[count][0] & OFFSET) if len(records) > count else None
        with self.path.open("rb", buffering=0) as log:
            stop = os.fstat(log.fileno()).st_size if end is None else end
            data = _pread(log.fileno(), first, stop - first)
        found = []
        for place, (word, at) in enumerate(records[:count]):
            begin = (word & OFFSET) - first
            stop = (
                (records[place + 1][0] & OFFSET) - first
                if place + 1 < len(records)
                else data.find(b"\n", begin) + 1
            )
            text = data[begin:stop].rstrip(b"\n").decode("utf-8", "replace")
            origin = Origin(origin_of(word))
            found.append(Line(start + place, text, 0.0 if origin is Origin.GAP else at, origin))
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
    return index_of(path)


class _Found(NamedTuple):
    """What an earlier writer has left."""

    lines: int = 0
    size: int = 0
    suite_lines: int = 0
    left_out: int = 0


def _repair(path: Path) -> _Found:
    """Finish a cut that was under way, and shorten both files to whole lines that are in both."""
    finish(path)
    index = spool_index(path)
    if not path.exists() or not index.exists() or not index.stat().st_size or not path.stat().st_size:
        for file in (path, index):
            with suppress(FileNotFoundError):
                os.truncate(file, 0)
        return _Found()
    have = path.stat().st_size
    with index.open("rb") as records, mmap.mmap(records.fileno(), 0, access=mmap.ACCESS_READ) as view:
        count = len(view) // RECORD.size
        end = 0
        with path.open("rb") as log:
            while count:
                offset = RECORD.unpack_from(view, (count - 1) * RECORD.size)[0] & OFFSET
                if offset < have:
                    data = _pread(log.fileno(), offset, have - offset)
                    if (stop := data.find(b"\n")) >= 0:
                        end = offset + stop + 1
                        break
                count -= 1
        origins = _origins(view, count)
        suite = origins.count(Origin.SUITE) + origins.count(Origin.SUITE | KEPT)
        left_out = _gap_in(view, origins).lines
    os.truncate(path, end)
    os.truncate(index, count * RECORD.size)
    return _Found(count, end, suite + left_out, left_out)


def _gap_of(index: BinaryIO) -> Gap:
    """What an index says is left out."""
    if os.fstat(index.fileno()).st_size < RECORD.size:
        return Gap()
    with mmap.mmap(index.fileno(), 0, access=mmap.ACCESS_READ) as view:
        return _gap_in(view, _origins(view, len(view) // RECORD.size))


def _origins(view: mmap.mmap, count: int) -> bytes:
    """The top byte of each little-endian word."""
    return bytes(view[7 : count * RECORD.size : RECORD.size])


def _gap_in(view: mmap.mmap, origins: bytes) -> Gap:
    place = origins.find(GAP | KEPT)
    return Gap(place, int(RECORD.unpack_from(view, place * RECORD.size)[1])) if place >= 0 else Gap()


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
