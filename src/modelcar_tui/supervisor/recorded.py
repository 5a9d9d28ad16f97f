"""Recorded runs: where one lies (an id, a folder, a file, a recording that is shipped), and its events."""

from __future__ import annotations

import os
import weakref
from contextlib import suppress
from pathlib import Path

import msgspec

from modelcar_tui.core import resources
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import open_regular
from modelcar_tui.core.lock import share_lock, try_lock
from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor.events import Noticed, RunStarted, Stamped
from modelcar_tui.supervisor.finding import LAST, find_run
from modelcar_tui.supervisor.journal_lines import DAMAGED, Unread, place_of, read_journal, unread_text
from modelcar_tui.supervisor.runs import LOCK, journal_of
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.supervisor.trials import cut_off

SHIPPED = "demo:"
"""Before the name of a recording that is shipped with the product."""
SUFFIX = ".jsonl"
MOST = 512 * 1024**2
"""Bytes of a journal that is told again."""
_FIRST = 1024**2
"""Bytes at the start of a journal, in which there is an event."""
_FIX = "give a run of `agent runs`, its journal.jsonl, or demo:NAME"


def recorded_run(name: str, settings: Settings) -> Path:
    """The journal of a recorded run, which is looked at and only read.

    Args:
        name: an id or its beginning, `last`, a folder, a file, or `demo:NAME`. A file without `.jsonl` at its
            end or a folder before its name, and what stands behind `demo:` alone, are found where no run
            has such an id.
        settings: where runs are kept.

    Raises:
        UserError: there is none, or it is no journal of a run.
    """
    path = journal_of(_place(name, settings))
    _look(path)
    return path


def retold(run: Path) -> list[Stamped]:
    """The events of a run that is looked at again, but for lines of its journal that can't be read.

    Where there are such lines, the last event is a notice of them, with the number and time of the one
    before. Of a journal that does not lie in the folder of which it tells, that folder is left out: it need
    not be ours, and nothing is written there or said to be kept there.

    Raises:
        UserError: there is no journal, or nothing in it can be read.
    """
    path, unread = journal_of(run), list[Unread]()
    try:
        told = list(read_journal(path, unread=unread))
    except OSError as error:
        what = f"no journal that can be read ({error.strerror or type(error).__name__})"
        raise UserError(Problem(where=reveal(str(path)), what=what, fix=_FIX)) from None
    if not told:
        what = "no journal that can be read: no line of it is an event"
        raise UserError(Problem(where=reveal(str(path)), what=what, fix=_FIX))
    if unread:
        told.append(Stamped(told[-1].seq, told[-1].at, Noticed(text=unread_text(unread))))
    at = told[-1]
    told += (Stamped(at.seq, at.at, ended) for ended in cut_off(fold(told).trials) if not _held(path))
    folder = path.parent.resolve()
    return [_at_home(stamped, folder) for stamped in told]


def damage_of(state: RunState) -> str:
    """What of the journal of a run could not be read; empty where all of it was."""
    return next((one.text for one in reversed(state.notices) if one.text.startswith(DAMAGED)), "")


def _held(journal: Path) -> bool:
    """Whether a process has the run open, so that what has no end may still get it."""
    try:
        handle = os.open(journal.parent / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not try_lock(handle)
    finally:
        os.close(handle)


def still_open(run: Path) -> bool:
    """Whether a process has the run open, so that its journal still grows."""
    return _held(journal_of(run))


def watch(run: Path, watcher: object) -> None:
    """Nobody removes this run while the watcher lives; it can be gone on with."""
    with suppress(OSError, UserError):
        handle = open_regular(journal_of(run))
        weakref.finalize(watcher, os.close, handle)
        share_lock(handle)


def _at_home(stamped: Stamped, folder: Path) -> Stamped:
    event = stamped.event
    if not isinstance(event, RunStarted) or not event.folder or Path(event.folder).resolve() == folder:
        return stamped
    return msgspec.structs.replace(stamped, event=msgspec.structs.replace(event, folder=""))


def shipped_runs() -> dict[str, Path]:
    """The journals that are shipped, by name."""
    return {path.stem: path for path in sorted(resources.demo_logs().glob(f"*{SUFFIX}"))}


def _place(name: str, settings: Settings) -> Path:
    if name.startswith(SHIPPED):
        known = shipped_runs()
        wanted = name.removeprefix(SHIPPED)
        if wanted not in known:
            what, fix = f"no recording {reveal(wanted)!r} is shipped", f"one of {', '.join(known)}"
            raise UserError(Problem(where=reveal(name), what=what, fix=fix))
        return known[wanted]
    if name.endswith(SUFFIX):
        return Path(name)
    try:
        return find_run(name, settings)
    except UserError:
        if name != LAST and Path(name).is_file():
            return Path(name)
        if name in (known := shipped_runs()):
            return known[name]
        raise


def _look(path: Path) -> None:
    """Refuse what is no journal by its kind, its size and its first lines."""
    where = reveal(str(path))
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            size, first = os.fstat(file.fileno()).st_size, file.read(_FIRST)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(Problem(where=where, what=f"no recorded run here: {why}", fix=_FIX)) from None
    if size > MOST:
        what = f"it is larger than {MOST // 1024**2} MiB, which no run of ours writes"
        raise UserError(Problem(where=where, what=what, fix=_FIX))
    whole = any(
        place_of(line) is not None for line in first.splitlines(keepends=True) if line.endswith(b"\n")
    )
    if not whole:
        what = "this is no journal of a run" if first else "this file is empty, no journal of a run"
        raise UserError(Problem(where=where, what=what, fix=_FIX))
