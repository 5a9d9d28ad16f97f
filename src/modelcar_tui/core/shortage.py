"""What the machine or the shell does not give: told with the limit and the command that raises it."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator

import msgspec

from modelcar_tui.core.exit_codes import ExitStatus

_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_THREAD = "can't start new thread"
_MOST_CAUSES = 50
_SQLITE_NOMEM, _SQLITE_IOERR, _SQLITE_FULL, _SQLITE_CANTOPEN = 7, 10, 13, 14
_FEW = 8
"""Descriptors that a database may have been closing meanwhile."""


class Shortage(msgspec.Struct, frozen=True, kw_only=True):
    """What ran out."""

    what: str
    fix: str
    status: ExitStatus

    def line(self, way_back: str = "") -> str:
        """One line; with the command by which a run goes on."""
        go_on = f", then go on with: {way_back}" if way_back else ""
        return f"{self.what}; {self.fix}{go_on}"


def shortage(error: BaseException, *, run: bool = False) -> Shortage | None:
    """What ran out, if `error` or what led to it comes of that.

    Args:
        error: That something failed with.
        run: Whether there is a run that can go on where it is.
    """
    found = [short for one in _causes(error) if (short := _short(one, run)) is not None]
    return found[0] if found else None


def limited(error: BaseException) -> Shortage | None:
    """`shortage` of a limit of the process, not of a disk."""
    found = shortage(error)
    return found if found is not None and found.status is ExitStatus.LIMIT else None


def _short(error: BaseException, run: bool) -> Shortage | None:
    if isinstance(error, MemoryError):
        return _memory()
    if isinstance(error, RuntimeError) and _NO_THREAD in str(error):
        return _limit("no more threads and processes", resource.RLIMIT_NPROC, "u", "4096")
    number = _number(error)
    if number in _FULL:
        return _full(error, run)
    if number == errno.EFBIG:
        return _limit("no larger file", resource.RLIMIT_FSIZE, "f", "unlimited", 1024)
    if number == errno.EMFILE:
        return _limit("no more open files", resource.RLIMIT_NOFILE, "n", "1024")
    if number == errno.ENFILE:
        fix = "raise fs.file-max (sysctl), or end other programs"
        return Shortage(what="the machine has no more open files", fix=fix, status=ExitStatus.LIMIT)
    return _memory() if number == errno.ENOMEM else None


def _number(error: BaseException) -> int | None:
    """The system's number of an error; of a library that can't be loaded it stands in the text alone."""
    if isinstance(error, OSError):
        return error.errno
    if isinstance(error, ImportError):
        text = str(error)
        known = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
        return next((number for number in known if os.strerror(number) in text), None)
    code = getattr(error, "sqlite_errorcode", None)
    return _of_sqlite(code) if isinstance(code, int) else None


def _of_sqlite(code: int) -> int | None:
    """SQLite tells its own codes and keeps the system's to itself: what a limit of ours explains."""
    if code & 0xFF == _SQLITE_CANTOPEN and _few_files_left():
        return errno.EMFILE
    largest, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if code & 0xFF == _SQLITE_IOERR and largest != resource.RLIM_INFINITY:
        return errno.EFBIG
    return {_SQLITE_FULL: errno.ENOSPC, _SQLITE_NOMEM: errno.ENOMEM}.get(code & 0xFF)


def _few_files_left() -> bool:
    try:
        return len(os.listdir("/proc/self/fd")) + _FEW >= resource.getrlimit(resource.RLIMIT_NOFILE)[0]  # noqa: PTH208
    except OSError as error:
        return error.errno == errno.EMFILE


def _limit(what: str, kind: int, letter: str, enough: str, unit: int = 1) -> Shortage:
    """The unit is the shell's: 1024 bytes for files and memory."""
    soft, _ = resource.getrlimit(kind)
    now = "" if soft == resource.RLIM_INFINITY else f" (ulimit -{letter} is {soft // unit})"
    return Shortage(
        what=f"the shell's limit allows {what}{now}",
        fix=f"raise it: ulimit -{letter} {enough}",
        status=ExitStatus.LIMIT,
    )


def _memory() -> Shortage:
    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        return _limit("no more memory", resource.RLIMIT_AS, "v", "unlimited", 1024)
    what = "the machine or container has no more memory"
    return Shortage(what=what, fix="give it more, or end other programs", status=ExitStatus.LIMIT)


def _full(error: BaseException, run: bool) -> Shortage:
    name = error.filename if isinstance(error, OSError) else None
    place = f" ({name})" if name else ""
    fix = "make room there" + ("" if run else ", or keep runs elsewhere with --state-dir")
    return Shortage(what=f"the disk is full{place}", fix=fix, status=ExitStatus.USAGE)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, those of its group, and what led to it; each once."""
    left, seen = [error], set[int]()
    while left and len(seen) < _MOST_CAUSES:
        one = left.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, BaseExceptionGroup):
            left += one.exceptions
        context = None if one.__suppress_context__ else one.__context__
        left += [cause for cause in (one.__cause__, context) if cause is not None]
