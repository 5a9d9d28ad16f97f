"""Removing one run: what forbids it, and how it is done so that it can be killed anywhere.

A run is locked as whoever opens it locks it, gets a hidden name in one step, and is then deleted: what is
listed is whole. What a killed process left under such a name goes at the next removal. No link is followed.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path

import msgspec

from modelcar_tui.core.files import open_regular
from modelcar_tui.core.lock import try_lock
from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor.finding import RUN_ID
from modelcar_tui.supervisor.glance import BROKEN, DEMO, NOTHING, glance_at, last_of
from modelcar_tui.supervisor.runs import CHECKPOINT, INFO, JOURNAL, LOCK, MANIFEST, REPLACED, SETTINGS

NOT_WRITTEN = "not-written"
"""In a run's folder: the generated manifest where it could not be written beside the base."""
TRIALS = "trials"
_OURS = frozenset(
    {JOURNAL, CHECKPOINT, LOCK, SETTINGS, MANIFEST, INFO, "qa", TRIALS, "crash.txt", "copied.txt"}
    | {REPLACED, NOT_WRITTEN}
)
_OURS_TOO = re.compile(
    r"\.?(?:journal\.jsonl|checkpoint\.sqlite|settings\.json|crash\.txt)[.-]\S+|\.modelcar\.base\.yaml\.\S+"
)
"""What a write that was killed has left, and what was put aside because it was damaged."""
_ASIDE = re.compile(r"\.\S+\.removed")
_MOST = 512 * 1024**2
"""Bytes of a journal that is looked through."""


class Hold(IntEnum):
    """How firmly something forbids to remove a run."""

    NONE = 0
    UNASKED = 1
    """Only somebody who names the run may remove it."""
    BY_FORCE = 2
    """... and says `--force`."""
    ALWAYS = 3


class Held(msgspec.Struct, frozen=True):
    """What forbids to remove a run, the firmest."""

    hold: Hold = Hold.NONE
    why: str = ""


def held(folder: Path) -> Held:
    """What forbids to remove this run, beside another process that has it open."""
    try:
        told = folder.lstat()
        names = sorted(one.name for one in folder.iterdir()) if stat.S_ISDIR(told.st_mode) else []
    except OSError as error:
        return Held(Hold.ALWAYS, f"can't be read ({error.strerror})")
    if stat.S_ISLNK(told.st_mode):
        return Held(Hold.ALWAYS, "it is a link, which somebody has made")
    if not stat.S_ISDIR(told.st_mode):
        return Held(Hold.ALWAYS, "it is no folder")
    if told.st_uid != os.geteuid():
        return Held(Hold.ALWAYS, f"it belongs to another user (uid {told.st_uid})")
    if not _is_run(folder, names):
        return Held(Hold.ALWAYS, "it is no run's folder")
    return _held_by_what_it_holds(folder, names)


def is_held_by_force(folder: Path) -> bool:
    """Whether `remove_run` removes this run only with `force`."""
    return held(folder).hold == Hold.BY_FORCE


def remove_run(folder: Path, *, force: bool = False) -> str:
    """Remove a run that somebody has named.

    Args:
        folder: The run's.
        force: Also where it holds copies of other hands' files, files that no run writes, or what is still
            needed to take back what it left outside.

    Returns:
        Why it was not removed, with what to do; empty where it was.
    """
    return remove(folder, Hold.BY_FORCE if force else Hold.UNASKED)


def remove_old(folder: Path) -> str:
    """`remove_run` where nobody has named the run."""
    return remove(folder, Hold.NONE)


def remove(folder: Path, most: Hold) -> str:
    """Remove a run that nothing holds more firmly than `most`; why not, or the empty text."""
    folder = folder.parent.absolute() / folder.name
    found = held(folder)
    if found.hold > most:
        return found.why
    try:
        with _locked(folder) as alone:
            if not alone:
                return "it is open in another terminal"
            if _is_locked(folder / JOURNAL):
                return "it is being shown by --replay in another terminal"
            found = held(folder)  # what came to pass before the lock was ours
            if found.hold > most:
                return found.why
            aside = folder.with_name(f".{folder.name}.removed")
            while os.path.lexists(aside):
                aside = aside.with_name(f".{folder.name}-{os.urandom(3).hex()}.removed")
            folder.rename(aside)
            return _delete(aside)
    except OSError as error:
        return f"can't be removed ({error.strerror or type(error).__name__})"


def finish_removals(runs: Path) -> None:
    """Delete what a killed process had begun to remove."""
    with suppress(OSError), os.scandir(runs) as entries:
        for one in list(entries):
            mine = _ASIDE.fullmatch(one.name) and one.is_dir(follow_symlinks=False)
            if mine and one.stat(follow_symlinks=False).st_uid == os.geteuid():
                _delete(Path(one.path))


def folder_size(folder: Path) -> int:
    """Bytes of all files in a folder; links are not followed."""
    size, inner = 0, [str(folder)]
    while inner:
        with suppress(OSError), os.scandir(inner.pop()) as entries:
            for one in entries:
                with suppress(OSError):
                    if one.is_dir(follow_symlinks=False):
                        inner.append(one.path)
                    elif one.is_file(follow_symlinks=False):
                        size += one.stat(follow_symlinks=False).st_size
    return size


def _is_run(folder: Path, names: list[str]) -> bool:
    """Whether a run made this folder: other programs have a settings.json too."""
    if RUN_ID.fullmatch(folder.name) is not None:
        return not names or bool({JOURNAL, SETTINGS, LOCK, INFO} & set(names))
    return glance_at(folder).kind not in (NOTHING, BROKEN)


def _held_by_what_it_holds(folder: Path, names: list[str]) -> Held:
    if why := _needed_outside(folder):
        return Held(Hold.BY_FORCE, why)
    for name, what in ((REPLACED, "copies of files that it replaced"), (NOT_WRITTEN, "a manifest to be put")):
        if _filled(folder / name):
            return Held(Hold.BY_FORCE, f"it holds {what} ({name}/)")
    if strange := [name for name in names if name not in _OURS and not _OURS_TOO.fullmatch(name)]:
        more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        return Held(Hold.BY_FORCE, f"it holds files of the operator's ({reveal(strange[0][:60])}{more})")
    seen = glance_at(folder)
    if RUN_ID.fullmatch(folder.name) is None:
        return Held(Hold.UNASKED, "its folder has a name that somebody gave it")
    if seen.resumable:
        what = f"waits for {seen.waits}" if seen.waits else "has not finished"
        return Held(Hold.UNASKED, f"it {what} and can be gone on with")
    return Held()


def _needed_outside(folder: Path) -> str:
    """Why this run is still needed to take back what it left elsewhere, or the empty text."""
    qa = folder / "qa"
    if any((qa / name).exists() for name in ("stage", "collect")):
        return "what it lent to QA was not taken back: go on with it"
    if _is_locked(qa / "lock"):
        return "its QA is being followed by another process"
    data = _journal(folder)
    started = last_of(data, "QaStarted")
    if started >= 0 and last_of(data, "QaFinished", started) < 0:
        seen = glance_at(folder)  # a run that was told to stop has ended, and its suite with it
        if seen.finish is None and seen.kind != DEMO:
            return "its QA may still be running: go on with it"
    with suppress(OSError):
        for record in sorted((folder.parent.parent / TRIALS).glob("*.json")):
            if record.stem and record.stem.encode() in data:
                return f"its try {reveal(record.stem)} may have left something on a cluster: see docs/try.md"
    return ""


def _journal(folder: Path) -> bytes:
    with suppress(OSError, MemoryError), os.fdopen(open_regular(folder / JOURNAL), "rb") as file:
        return file.read(_MOST)
    return b""


def _filled(folder: Path) -> bool:
    with suppress(OSError), os.scandir(folder) as entries:
        return next(entries, None) is not None
    return False


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return not try_lock(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold the lock of a run; False where somebody else does."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    handle = os.open(folder / LOCK, flags, 0o600)
    try:
        yield try_lock(handle)
    finally:
        os.close(handle)


def _delete(aside: Path) -> str:
    """What can't be deleted waits, hidden, for the next time."""
    shutil.rmtree(aside, ignore_errors=True)
    if os.path.lexists(aside):
        return f"part of it can't be deleted and lies in {reveal(str(aside))}"
    return ""
