"""The journal: one JSON line an event, on disk before anybody sees it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec

from modelcar_tui.core.decode import decoder
from modelcar_tui.core.files import open_regular
from modelcar_tui.core.numbers import leave_out
from modelcar_tui.qa import QaLogGrew, QaStarted
from modelcar_tui.supervisor.events import (
    RETIRED,
    AnyEvent,
    ApprovalGiven,
    ChangesMarked,
    ConsentGiven,
    ManifestWritten,
    RunFinished,
    Stamped,
    TrialAllowed,
    TrialEnded,
    TrialMoved,
)

_ENCODER = msgspec.json.Encoder()
_DECODER = decoder(Stamped)


class _Kind(msgspec.Struct):
    kind: str


class _Place(msgspec.Struct):
    """What every line says, also one of an event that this release does not know."""

    seq: int
    event: _Kind


_PLACES = decoder(_Place)
_PRECIOUS = (
    ApprovalGiven,
    ChangesMarked,
    ConsentGiven,
    ManifestWritten,
    QaStarted,
    RunFinished,
    TrialAllowed,
    TrialEnded,
)
"""Flushed to the disk, not only to the kernel: a power cut must not ask the operator twice."""


LONGEST = 128 * 1024**2
"""Bytes of a line: many times what a cluster of 5,000 nodes is told in."""


class Journal:
    """Appends events to `journal.jsonl` in a run's folder. Safe to call from any thread."""

    def __init__(self, path: Path) -> None:
        """Open for appending; a line that a crash cut short is dropped."""
        self._lock = threading.Lock()
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(handle, "r+b", buffering=0)
        self.seq = _mend(self._file.fileno(), path)
        self._file.seek(0, os.SEEK_END)

    def append(self, event: AnyEvent, at: float) -> Stamped:
        """Give the event its number and write it. Log growth, and what passes of a try, are only numbered."""
        with self._lock:
            stamped = Stamped(self.seq + 1, at, event)
            if not _passes(event):
                self._file.write(_ENCODER.encode(stamped) + b"\n")
                if isinstance(event, _PRECIOUS):
                    os.fsync(self._file.fileno())
            self.seq = stamped.seq
            return stamped

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_journal(path: Path, *, passed: list[bytes] | None = None) -> Iterator[Stamped]:
    """The events of a journal, in order; a last line that was cut short is left out.

    Events of earlier releases that are told no more (`events.RETIRED`) are left out, too; their lines go to
    `passed`. The numbers of its masks are not given again by this process: each stands for one secret in all
    of a run.

    Raises:
        OSError: there is no such journal, or it is no regular file.
        msgspec.DecodeError: a whole line is not an event of this version, or longer than `LONGEST`.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        for line in iter(partial(file.readline, LONGEST), b""):
            if len(line) == LONGEST:
                raise msgspec.DecodeError(f"a line is longer than {LONGEST // 1024**2} MiB")
            if line.endswith(b"\n"):
                if b"*secret-" in line:
                    leave_out(line.decode(errors="replace"))
                if (stamped := _stamped(line)) is not None:
                    yield stamped
                elif passed is not None:
                    passed.append(line)


def _passes(event: AnyEvent) -> bool:
    return isinstance(event, QaLogGrew) or (isinstance(event, TrialMoved) and event.passing)


def _mend(handle: int, path: Path) -> int:
    """Cut an unfinished last line off; the number of the last event."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole != len(data):
        os.ftruncate(handle, whole)
    last = data[:whole].rstrip(b"\n").rpartition(b"\n")[2]
    if not last:
        return 0
    stamped = _stamped(last)
    return _PLACES.decode(last).seq if stamped is None else stamped.seq


def _stamped(line: bytes) -> Stamped | None:
    """The event of a line; None for one that is told no more, whatever it holds.

    Raises:
        msgspec.DecodeError: it is neither.
    """
    try:
        return _DECODER.decode(line)
    except msgspec.ValidationError:
        if _PLACES.decode(line).event.kind in RETIRED:
            return None
        raise
