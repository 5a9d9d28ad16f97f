"""A spool that has grown to its cap is cut to its start, what tells how the suite fares, and its end.

What is left out is said in one line of its own, whose place in the index has the origin `GAP` and, for the
time, how many lines of the suite are left out: a resumed run skips those too. Lines of ours all stay.

A process may be killed anywhere in between: the two new files are complete once the new index has its name
(`qa.log.idx.new`), and whoever opens the spool next puts them in place; before that they are thrown away.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

RECORD = struct.Struct("<Qd")
OFFSET = (1 << 56) - 1
GAP = 2
"""The origin of the line that says what is left out."""
KEPT = 0x80
"""Beside the origin: the line stays when the spool is cut."""
MAX_BYTES = 256 * 1024**2
"""Of a run's log with its index. Of a longer one stay the first and the last quarter of this, and an eighth
of lines from between that say how the suite fares; while it is cut it takes 5/8 more."""
_RECORDS = 16_384
"""Records of the index that are looked at together."""


class Cut(NamedTuple):
    """What a spool is after it was cut."""

    lines: int
    """In it, the one that says what is left out among them."""
    size: int
    """Bytes of its text."""
    left_out: int
    """Lines of the suite, since its beginning."""


def index_of(path: Path) -> Path:
    """The index that belongs to a spool."""
    return path.with_name(path.name + ".idx")


def origin_of(word: int) -> int:
    """Who wrote the line, out of the first word of its record."""
    return (word >> 56) & ~KEPT


def cut(path: Path, max_bytes: int) -> Cut:
    """Cut the spool at `path`, whose lines are all on disk.

    Raises:
        OSError: there is no room for the new files; the spool is as it was.
    """
    new, draft = _beside(path)
    try:
        with (
            path.open("rb", buffering=0) as log,
            index_of(path).open("rb", buffering=0) as index,
            _private(new) as text,
            _private(draft) as records,
        ):
            found = _Cutting(log, index, text, records).done(max_bytes)
        draft.replace(_complete(path))
    except BaseException:
        for file in (new, draft):
            file.unlink(missing_ok=True)
        raise
    finish(path)
    return found


def finish(path: Path) -> None:
    """Put a cut in place that was complete, and throw away one that was not."""
    new, draft = _beside(path)
    if _complete(path).exists():
        with suppress(FileNotFoundError):
            new.replace(path)
        _complete(path).replace(index_of(path))
    for file in (new, draft):
        file.unlink(missing_ok=True)


def is_cutting(path: Path) -> bool:
    """Whether the two files may belong to different cuts just now."""
    return _complete(path).exists()


def _beside(path: Path) -> tuple[Path, Path]:
    return path.with_name(path.name + ".new"), path.with_name(path.name + ".idx.draft")


def _complete(path: Path) -> Path:
    return path.with_name(path.name + ".idx.new")


def _private(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o600), "wb", buffering=1 << 20)


class _Cutting:
    """One pass from the old files into the new ones."""

    def __init__(self, log: BinaryIO, index: BinaryIO, text: BinaryIO, records: BinaryIO) -> None:
        self._log, self._index, self._text, self._records = log, index, text, records
        self._total = os.fstat(index.fileno()).st_size // RECORD.size
        self._end = os.fstat(log.fileno()).st_size
        self._count = self._size = 0

    def done(self, max_bytes: int) -> Cut:
        """Write start, gap, what is kept from between, and end."""
        head = self._reaches(max_bytes // 4)
        tail = max(self._starts(max_bytes // 4), head)
        left_out, kept = self._between(head, tail, max_bytes // 8)
        self._copy(0, head)
        if left_out:
            text = (
                f"… {left_out:,} lines of the suite are left out here: of a log of more than "
                f"{max_bytes / 1024**2:,.0f} MiB its start and its end are kept, and from between the lines "
                "below that say how the suite fared …"
            )
            self._write(GAP | KEPT, float(left_out), text.encode() + b"\n")
        for place in kept:
            self._copy(place, place + 1)
        self._copy(tail, self._total)
        return Cut(self._count, self._size, left_out)

    def _reaches(self, room: int) -> int:
        """The first line that is no part of the start: a gap ends it, too."""
        for place, word, _, end in self._lines(0, self._total):
            if end + (place + 1) * RECORD.size > room or origin_of(word) == GAP:
                return place
        return self._total

    def _starts(self, room: int) -> int:
        """The first line of the end."""
        low, high = 0, self._total
        while low < high:
            middle = (low + high) // 2
            if self._end - self._offset(middle) + (self._total - middle) * RECORD.size > room:
                low = middle + 1
            else:
                high = middle
        return low

    def _between(self, head: int, tail: int, room: int) -> tuple[int, list[int]]:
        """How many lines of the suite are left out, with those of earlier cuts, and which lines stay."""
        left_out, kept = 0, []
        for place, word, at, end in self._lines(head, tail):
            if origin_of(word) == GAP:
                left_out += int(at)
                continue
            size = end - (word & OFFSET) + RECORD.size
            if word >> 56 and (size <= room or origin_of(word)):
                room -= size
                kept.append(place)
            else:
                left_out += 1
        return left_out, kept

    def _lines(self, first: int, last: int) -> Iterator[tuple[int, int, float, int]]:
        """Number, first word, time and end (an offset) of each line of a range."""
        for start in range(first, last, _RECORDS):
            wanted = min(_RECORDS, last - start)
            raw = os.pread(self._index.fileno(), (wanted + 1) * RECORD.size, start * RECORD.size)
            records = list(RECORD.iter_unpack(raw))
            if len(records) == wanted:
                records.append((self._end, 0.0))
            for place, ((word, at), (after, _)) in enumerate(pairwise(records), start):
                yield place, word, at, after & OFFSET

    def _offset(self, place: int) -> int:
        if place >= self._total:
            return self._end
        raw = os.pread(self._index.fileno(), RECORD.size, place * RECORD.size)
        return int(RECORD.unpack(raw)[0]) & OFFSET

    def _copy(self, first: int, last: int) -> None:
        """Lines as they are, where they come to stand; a gap among them is told anew by the one before."""
        shift = self._size - self._offset(first)
        for _, word, at, _ in self._lines(first, last):
            self._records.write(RECORD.pack(word + shift, at))
        place, end = self._offset(first), self._offset(last)
        while place < end and (part := os.pread(self._log.fileno(), min(1 << 20, end - place), place)):
            self._text.write(part)
            place += len(part)
        self._size += end - self._offset(first)
        self._count += last - first

    def _write(self, origin: int, at: float, data: bytes) -> None:
        self._records.write(RECORD.pack(self._size | origin << 56, at))
        self._text.write(data)
        self._size += len(data)
        self._count += 1
