"""The journal: one JSON line an event, on disk before anybody sees it."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from pathlib import Path

import msgspec

from modelcar_tui.core.files import open_regular
from modelcar_tui.qa import QaLogGrew, QaStarted
from modelcar_tui.supervisor.compacting import compact
from modelcar_tui.supervisor.events import (
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
from modelcar_tui.supervisor.journal_lines import Unread, read_journal, unread_text, whole_end

__all__ = ["Journal", "Unread", "read_journal", "unread_text"]

_ENCODER = msgspec.json.Encoder()
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
ROOM = 64 * 1024**2
"""Bytes above which what later events have replaced is taken out: a cluster of 5,000 nodes that is read again
and again would fill any disk."""


class Journal:
    """Appends events to `journal.jsonl` in a run's folder. Safe to call from any thread."""

    def __init__(self, path: Path, *, room: int = ROOM) -> None:
        """Open for appending; a line that a crash cut short is dropped, whole ones stay whatever they hold.

        Raises:
            OSError: it can't be opened, or is no regular file.
        """
        self._path = path
        self._lock = threading.Lock()
        self._room = self._most = room
        self._handle = open_regular(path, os.O_RDWR | os.O_CREAT)
        self._end, self.seq = whole_end(self._handle)
        self._torn = True
        """Whether something may stand behind the last whole line."""
        self._moved = False
        """Whether the file's name is a copy's that is not open yet."""

    def append(self, event: AnyEvent, at: float) -> Stamped:
        """Give the event its number and write it. Log growth, and what passes of a try, are only numbered.

        Raises:
            OSError: the disk is full, ...; nothing of the event is in the journal.
        """
        with self._lock:
            stamped = Stamped(self.seq + 1, at, event)
            if not _passes(event):
                self._write(_ENCODER.encode(stamped) + b"\n", flush=isinstance(event, _PRECIOUS))
            self.seq = stamped.seq
            return stamped

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            handle, self._handle = self._handle, -1
            if handle >= 0:
                os.close(handle)

    def _write(self, line: bytes, *, flush: bool) -> None:
        """All of a line, or nothing: one that is cut would tear the journal in its middle."""
        if self._moved:
            self._reopen()
        if self._torn:
            os.ftruncate(self._handle, self._end)
            self._torn = False
        end = self._end
        try:
            with memoryview(line) as left:
                while (part := left[end - self._end :]).nbytes:
                    if not (done := os.pwrite(self._handle, part, end)):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
                    end += done
            if flush:
                os.fsync(self._handle)
        except BaseException:
            self._torn = True
            with suppress(OSError):
                os.ftruncate(self._handle, self._end)
                self._torn = False
            raise
        self._end = end
        if self._end > self._most:
            self._compact()

    def _compact(self) -> None:
        """Take out what is replaced; where there is no room for the copy, all of it stays."""
        with suppress(OSError):
            compact(self._path, self._handle, self._end)
        with suppress(OSError):
            self._moved = not os.path.samestat(os.fstat(self._handle), self._path.stat())
            if self._moved:
                self._reopen()
        self._most = max(self._room, 2 * self._end)

    def _reopen(self) -> None:
        """Go on in the copy; without a descriptor for it nothing is written: the old file has no name."""
        handle = open_regular(self._path, os.O_RDWR)
        os.close(self._handle)
        self._handle, self._end, self._moved = handle, os.fstat(handle).st_size, False


def _passes(event: AnyEvent) -> bool:
    return isinstance(event, QaLogGrew) or (isinstance(event, TrialMoved) and event.passing)
