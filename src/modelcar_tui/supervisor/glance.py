"""An earlier run at a glance: what the first and the last lines of its journal say, thousands in a second."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from modelcar_tui.core.decode import decoder
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.files import open_regular
from modelcar_tui.supervisor.events import RunFinished, RunStarted, Stamped
from modelcar_tui.supervisor.runs import JOURNAL, SETTINGS, settings_of_run
from modelcar_tui.supervisor.state import Finish

RUN = "run"
DEMO = "demo"
START = "start"
"""It ended before a model was judged: a slip in the command line, a file in the way."""
NOTHING = "nothing"
"""No run: killed before it had said what it is to do."""
BROKEN = "broken"
"""No line of its journal is an event."""
_END = 64 * 1024
"""Bytes at the end of a journal, in which a run that has ended says so."""
_MOST = 512 * 1024**2
"""Bytes of a journal that is looked through."""
_FIRST_LINES = 20


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen of one run without folding its journal."""

    folder: Path
    kind: str
    began: float | None = None
    """Seconds since 1970; None where no line says it."""
    manifest: str = ""
    finish: Finish | None = None
    """None while it has not finished, or has been gone on with since."""
    waits: str = ""
    """What an unfinished run waits for: `approval`, `consent`, or nothing."""
    has_settings: bool = True

    @property
    def resumable(self) -> bool:
        """Whether it can be gone on with."""
        ended = self.finish is not None and not self.finish.resumable
        return self.has_settings and not ended and self.kind not in (NOTHING, BROKEN)


def glance_at(folder: Path) -> Glance:
    """One run; what can't be read is told as a kind of its own."""
    has_settings = (folder / SETTINGS).is_file()
    try:
        with os.fdopen(open_regular(folder / JOURNAL), "rb") as file:
            return _look(folder, file, has_settings=has_settings)
    except FileNotFoundError:
        return _not_begun(folder, has_settings=has_settings)
    except (OSError, MemoryError):
        return Glance(folder=folder, kind=BROKEN, has_settings=has_settings)


def last_of(data: bytes, kind: str, start: int = 0) -> int:
    """Where the last event of this kind stands in the lines of a journal; -1 where there is none.

    A text within an event has its quotes escaped, so none can be taken for one.
    """
    return data.rfind(b'"event":{"kind":"%s"' % kind.encode(), start)


def _not_begun(folder: Path, *, has_settings: bool) -> Glance:
    """Killed before its first event: it can be gone on with where its settings are there."""
    settings = settings_of_run(folder) if has_settings else None
    if settings is None:
        return Glance(folder=folder, kind=BROKEN if has_settings else NOTHING, has_settings=has_settings)
    began = None
    with suppress(OSError):
        began = (folder / SETTINGS).stat().st_mtime
    kind = DEMO if settings.demo else RUN
    return Glance(folder=folder, kind=kind, began=began, manifest=settings.manifest)


def _look(folder: Path, file: BinaryIO, *, has_settings: bool) -> Glance:
    size = os.fstat(file.fileno()).st_size
    first = _first(file)
    if first is None:
        if not size and has_settings:
            return _not_begun(folder, has_settings=has_settings)
        return Glance(folder=folder, kind=BROKEN, has_settings=has_settings)
    finish, whole = _finish(file, size)
    started = first.event if isinstance(first.event, RunStarted) else None
    seen = Glance(
        folder=folder,
        kind=DEMO if started is not None and started.demo else RUN,
        began=first.at,
        manifest=started.manifest if started is not None else "",
        finish=finish,
        has_settings=has_settings,
    )
    if finish is None:
        return msgspec.structs.replace(seen, waits=_waits(whole or _read(file, size, _MOST)))
    slipped = seen.kind == RUN and finish.exit_status == ExitStatus.USAGE
    if slipped and last_of(whole or _read(file, size, _MOST), "DecisionMade") < 0:
        return msgspec.structs.replace(seen, kind=START)
    return seen


def _first(file: BinaryIO) -> Stamped | None:
    """The start of the run; where its line is damaged the first event that there is."""
    found: Stamped | None = None
    for _ in range(_FIRST_LINES):
        line = file.readline(2**20)
        if not line.endswith(b"\n"):
            break
        one = _event(line)
        if one is not None and isinstance(one.event, RunStarted):
            return one
        found = found or one
    return found


def _finish(file: BinaryIO, size: int) -> tuple[Finish | None, bytes]:
    """How it ended, and all of the journal where that had to be read; unfinished runs are few."""
    data, whole = _read(file, size, _END), b""
    at = last_of(data, "RunFinished")
    if at < 0 and size > _END:
        data = whole = _read(file, size, _MOST)
        at = last_of(data, "RunFinished")
    if at < 0 or last_of(data, "RunResumed", at) >= 0:
        return None, whole
    line = data[data.rfind(b"\n", 0, at) + 1 :].partition(b"\n")[0]
    told = _event(line)
    if told is None or not isinstance(event := told.event, RunFinished):
        return None, whole
    return Finish(
        exit_status=event.exit_status, verdict=event.verdict, summary=event.summary, seconds=event.seconds
    ), whole


def _waits(data: bytes) -> str:
    for asked, answered, what in (
        ("ConsentRequested", "ConsentGiven", "consent"),
        ("ApprovalRequested", "ApprovalGiven", "approval"),
    ):
        if last_of(data, asked) > last_of(data, answered):
            return what
    return ""


def _event(line: bytes) -> Stamped | None:
    try:
        return decoder(Stamped).decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _read(file: BinaryIO, size: int, most: int) -> bytes:
    """The last bytes of a file, at most so many."""
    file.seek(max(0, size - most))
    return file.read(most)
