"""Files that are whole or not there, and folders that only their owner reads."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def write_atomic(
    path: Path,
    data: bytes,
    *,
    mode: int | None = None,
    new: bool = False,
    last_look: Callable[[], None] | None = None,
) -> None:
    """Write `data` to `path` so that a reader sees the old bytes or the new ones, never a mixture.

    The bytes go to a temporary file in the same folder, are flushed to the disk, and replace `path`.

    Args:
        path: What is written; a link is replaced, never followed.
        data: All of the file.
        mode: By default the mode of the file that is replaced, or 0644 less the umask.
        new: Nothing may stand there: what has come there meanwhile is not replaced.
        last_look: Called when all is ready, just before the replacement; what it raises stops it.

    Raises:
        OSError: the folder is read-only, the disk is full, ...; `path` is as it was before.
        FileExistsError: `new`, and something stands there.
    """
    handle, name = _temporary(path)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(handle, _mode(path) if mode is None else mode)
            os.fsync(handle)
            if last_look is not None:
                last_look()
            if not new or name:
                name = name or _named(handle, path)
                _place(name, path, new=new)
            else:
                _link(handle, path)
    except BaseException:
        if name:
            with suppress(OSError):
                Path(name).unlink()
        raise
    _sweep(path)
    sync_folder(path.parent)


_PART = ".part-of-modelcar-tui"
"""At the end of a temporary file's name, which no file of an operator has."""


def _temporary(path: Path) -> tuple[int, str]:
    """A temporary file in a folder, and its name: none where the file system can do without, so that a
    process that is killed leaves nothing."""
    handle, name = -1, ""
    with suppress(OSError):
        if os.path.exists("/proc/self/fd"):  # noqa: PTH110 - as cheap as it gets
            handle = os.open(path.parent, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    if handle < 0:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:50]}.", suffix=_PART, dir=path.parent)
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX)  # by which it is told from a dead writer's
    return handle, name


def _named(handle: int, path: Path) -> str:
    """Give a file without a name one, for the moment before it replaces another."""
    name = str(path.with_name(f".{path.name[:50]}.{os.urandom(4).hex()}{_PART}"))
    _link(handle, Path(name))
    return name


def _link(handle: int, path: Path) -> None:
    """`path` for an open file; the kernel follows its link in /proc only for a call with a folder."""
    os.link(f"/proc/self/fd/{handle}", path, src_dir_fd=handle, follow_symlinks=True)


def _sweep(path: Path) -> None:
    """Remove what a writer of `path` left that was killed while its file had a name; a live one holds it."""
    start = f".{path.name[:50]}."
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if entry.name.startswith(start) and entry.name.endswith(_PART):
                _remove_dead(entry.path)


def _remove_dead(name: str) -> None:
    with suppress(OSError):
        handle = open_regular(Path(name))
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            Path(name).unlink()
        finally:
            os.close(handle)


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int:
    """A descriptor of a regular file; nothing is waited for, as the other end of a pipe would be.

    Raises:
        OSError: it can't be opened, or is no regular file.
    """
    handle = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return handle


def private_folder(path: Path) -> Path:
    """`path` as a folder with mode 0700, made with its parents (0700, too) where they are missing.

    A folder behind a link is somebody else's and keeps its mode.

    Raises:
        OSError: it can't be made.
    """
    for folder in (*reversed(path.parents), path):
        if folder.exists():
            continue
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            folder.chmod(0o700)  # whatever the umask took away
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    if not path.is_symlink():
        path.chmod(0o700)
    return path


def check_owner(path: Path) -> None:
    """Refuse what another user could change under our hands.

    Raises:
        PermissionError: `path` belongs to another user.
    """
    owner = path.stat().st_uid
    if owner != os.geteuid():
        raise PermissionError(errno.EPERM, f"it belongs to another user (uid {owner})", str(path))


def fresh_folder(parent: Path, stem: str) -> Path:
    """A new folder `parent/stem-xxxxxx` with mode 0700 that nobody else has: starts in one second differ.

    Raises:
        OSError: it can't be made, or `parent` belongs to another user.
    """
    check_owner(private_folder(parent))
    for _ in range(100):
        path = parent / f"{stem}-{os.urandom(3).hex()}"
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
            return private_folder(path)
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(parent / stem))


def mode_beside(base: Path, target: Path) -> int:
    """The mode of a file that holds what `base` holds: nobody may read it who may not read the base, nor who
    could not read the file that it replaces."""
    mode = 0o600
    with suppress(OSError):
        mode = stat.S_IMODE(base.stat().st_mode) & 0o777
    with suppress(OSError, RuntimeError):
        if stat.S_ISREG((there := target.stat()).st_mode):
            mode &= stat.S_IMODE(there.st_mode)
    return mode | 0o600


def write_private(path: Path, data: bytes) -> None:
    """`write_atomic` with mode 0600, for what only the operator may read."""
    write_atomic(path, data, mode=0o600)


def _mode(path: Path) -> int:
    """Of the file that stands there, never of a folder behind a link; without setuid, setgid and sticky
    bit."""
    with suppress(OSError, RuntimeError):
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            return stat.S_IMODE(mode) & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o644 & ~umask


def _place(name: str, path: Path, *, new: bool) -> None:
    """Give the temporary file its name; a link fails where there is one already, in one step."""
    if not new:
        Path(name).replace(path)
        return
    try:
        os.link(name, path)
    except FileExistsError:
        raise
    except OSError as error:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        Path(name).replace(path)
    else:
        Path(name).unlink()


def sync_folder(folder: Path) -> None:
    """Flush a folder's names to the disk, where the file system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def expanded(text: str) -> Path:
    """A path with `~` as the home, where there is one."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)
