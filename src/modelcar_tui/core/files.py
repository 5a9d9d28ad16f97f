"""Files that are whole or not there, and folders that only their owner reads."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_TEMPORARY = ".modelcar-tui.tmp"
"""At the end of the names of our temporary files: no program that is not ours ends them so."""


def write_atomic(
    path: Path,
    data: bytes,
    *,
    mode: int | None = None,
    new: bool = False,
    last_look: Callable[[], None] | None = None,
) -> None:
    """Write `data` to `path` so that a reader sees the old bytes or the new ones, never a mixture.

    The bytes go to a temporary file in the same folder, are flushed to the disk, and replace `path`. Where
    the file system can, that file has no name until then; what a killed process leaves, `sweep_remnants`
    removes.

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
            os.fchmod(file.fileno(), _mode(path) if mode is None else mode)
            os.fsync(file.fileno())
            if last_look is not None:
                last_look()
            if new:
                _place_new(file.fileno(), name, path)
            else:
                name = name or _named(file.fileno(), path)
                Path(name).replace(path)
    except BaseException:
        if name:
            with suppress(OSError):
                Path(name).unlink()
        raise
    sync_folder(path.parent)


def sweep_remnants(folder: Path) -> None:
    """Remove temporary files that killed processes have left there, never one that is being written.

    Raises:
        OSError: the folder can't be read.
    """
    from modelcar_tui.core.lock import try_lock  # the first frame needs none

    with os.scandir(folder) as entries:
        left = [Path(one.path) for one in entries if one.name[:1] == "." and one.name.endswith(_TEMPORARY)]
    for path in left:
        with suppress(OSError):
            handle = open_regular(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                if os.fstat(handle).st_uid == os.geteuid() and try_lock(handle):
                    path.unlink()
            finally:
                os.close(handle)


def _temporary(path: Path) -> tuple[int, str]:
    """A new file beside `path`, held by a lock, and its name; empty where it has none, and so can't stay."""
    from modelcar_tui.core.lock import try_lock  # the first frame needs none

    with suppress(OSError):
        handle = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        if _linkable(handle):
            try_lock(handle)
            return handle, ""
        os.close(handle)
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:50]}.", suffix=_TEMPORARY, dir=path.parent)
    try_lock(handle)
    return handle, name


def _linkable(handle: int) -> bool:
    return Path(f"/proc/self/fd/{handle}").exists()


def _named(handle: int, path: Path) -> str:
    """A name for a file that has none, for as long as it takes to replace `path`."""
    for _ in range(100):
        name = str(path.parent / f".{path.name[:50]}.{os.urandom(4).hex()}{_TEMPORARY}")
        with suppress(FileExistsError):
            _link(handle, name)
            return name
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


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


def _link(handle: int, name: str) -> None:
    """Give a file without a name one. Python calls the `linkat` that can do it only where a folder is named,
    which an absolute path makes no use of."""
    os.link(f"/proc/self/fd/{handle}", name, src_dir_fd=handle, follow_symlinks=True)


def _place_new(handle: int, name: str, path: Path) -> None:
    """Give the temporary file its name; a link fails where there is one already, in one step."""
    try:
        if name:
            os.link(name, path)
        else:
            _link(handle, str(path))
    except FileExistsError:
        raise
    except OSError as error:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        if not name:
            raise
        Path(name).replace(path)
    else:
        if name:
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
