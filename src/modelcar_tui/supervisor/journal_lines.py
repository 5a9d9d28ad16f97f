"""The lines of a journal as they lie on the disk: which are events, and which can't be read."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec

from modelcar_tui.core.decode import decoder
from modelcar_tui.core.files import open_regular
from modelcar_tui.core.numbers import leave_out
from modelcar_tui.supervisor.events import RETIRED, Stamped

LONGEST = 128 * 1024**2
"""Bytes of a line: many times what a cluster of 5,000 nodes is told in."""
DAMAGED = "the journal can't be read"
"""How what is said of a journal with such lines begins."""
_YEAR_10000 = 253_402_300_800
"""Seconds since 1970 from which on no calendar of ours tells a time; an event there is damage."""
_MOST_NAMED = 5

_STAMPED = decoder(Stamped)


class _Kind(msgspec.Struct):
    kind: str


class _Place(msgspec.Struct):
    """What every line says, also one of an event that this release does not know."""

    seq: int
    event: _Kind


_PLACES = decoder(_Place)


class Unread(msgspec.Struct, frozen=True):
    """A whole line that is left out."""

    line: int
    """Counted from 1."""
    newer: bool = False
    """It is an event, and none that this release knows; else damage."""


def read_journal(path: Path, *, unread: list[Unread] | None = None) -> Iterator[Stamped]:
    """The events of a journal, in order.

    A last line that was cut short is left out, and so are events of earlier releases that are told no more
    (`events.RETIRED`). The numbers of its masks are not given again by this process: each stands for one
    secret in all of a run.

    Args:
        path: The journal.
        unread: Takes the other lines that are left out, which are damaged or of a newer release.

    Raises:
        OSError: there is no such journal, or it is no regular file.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        for number, line in enumerate(_lines(file), 1):
            if b"*secret-" in line:
                leave_out(line.decode(errors="replace"))
            read = _read(line)
            if isinstance(read, Stamped):
                yield read
            elif read is not None and unread is not None:
                unread.append(Unread(number, newer=read))


def unread_text(unread: list[Unread]) -> str:
    """One line that names the lines which are left out; empty where there is none."""
    if not unread:
        return ""
    named = ", ".join(str(one.line) for one in unread[:_MOST_NAMED])
    more = f" and {len(unread) - _MOST_NAMED:,} more" if len(unread) > _MOST_NAMED else ""
    lines = "line" if len(unread) == 1 else "lines"
    why = "damaged, or of a newer release"
    if len({one.newer for one in unread}) == 1:
        why = "of a newer release" if unread[0].newer else "damaged"
    return f"{DAMAGED} at {lines} {named}{more} ({why}): what stands there is left out"


def place_of(line: bytes) -> int | None:
    """The number of a line's event, also of one that is not known; None of damage."""
    try:
        return _PLACES.decode(line).seq
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def whole_end(handle: int) -> tuple[int, int]:
    """Where the last whole line of a journal ends, and the number of its last event.

    Args:
        handle: A descriptor of it that can be read.

    Returns:
        Bytes, and the number; 0 and 0 where there is none.
    """
    if not os.fstat(handle).st_size:
        return 0, 0
    with mmap.mmap(handle, 0, access=mmap.ACCESS_READ) as data:
        whole = end = data.rfind(b"\n") + 1
        while end > 0:
            start = data.rfind(b"\n", 0, end - 1) + 1
            if end - start <= LONGEST and (number := place_of(data[start:end])) is not None:
                return whole, number
            end = start
    return whole, 0


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Whole lines; of one that is too long its first part."""
    for line in iter(partial(file.readline, LONGEST), b""):
        if line.endswith(b"\n"):
            yield line
        elif len(line) == LONGEST:
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = file.readline(LONGEST)
            yield line


def readable(line: bytes) -> bool:
    """Whether this release takes the line for an event."""
    return isinstance(_read(line), Stamped)


def _read(line: bytes) -> Stamped | bool | None:
    """The event of a line; None of one that is told no more; else whether it is of a newer release."""
    try:
        stamped = _STAMPED.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _unknown(line)
    return stamped if 0 <= stamped.at < _YEAR_10000 else False


def _unknown(line: bytes) -> bool | None:
    try:
        return None if _PLACES.decode(line).event.kind in RETIRED else True
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
