"""What is known of a try on this machine before anything of it is made, so that the next start finds what a
killed process has left on the cluster.

    <state folder>/trials/ID.json   0600  what the try makes, and where
    <state folder>/trials/ID.lock   0600  held by the process that drives it
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import msgspec

from modelcar_tui.core.credentials import without_login
from modelcar_tui.core.decode import decode
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import private_folder, write_private
from modelcar_tui.core.lock import try_lock
from modelcar_tui.kube import Client

TRIAL_LABEL = "io.modelcar-tui/trial"
"""Label of everything that a try makes; its value is the try's id."""


class TrialRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Where a try's objects are, and how they are called."""

    id: str
    server: str
    namespace: str
    job: str
    secrets: tuple[str, ...] = ()
    uid: str = ""
    """The Job's; empty until the server has answered."""
    at: float
    """When it began, seconds since 1970."""

    @property
    def jobs(self) -> str:
        """The API's path of Jobs."""
        return f"/apis/batch/v1/namespaces/{self.namespace}/jobs"

    @property
    def core(self) -> str:
        """The API's path of Secrets, pods and events."""
        return f"/api/v1/namespaces/{self.namespace}"


class KeptRecord:
    """A record on the disk whose lock is ours; it goes with the process, however that ends."""

    def __init__(self, folder: Path, record: TrialRecord) -> None:
        """
        Args:
            folder: the state folder.
            record: of a try that nothing was made of yet.

        Raises:
            UserError: another process drives it.
            OSError: it can't be written.
        """
        self.record = record
        self._path = private_folder(folder / "trials") / f"{record.id}.json"
        self._lock = _locked(self._path)
        if self._lock is None:
            # Raises for a folder in which nothing can be written: that is no other process.
            if not os.access(self._path.parent, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            raise UserError(
                Problem(what="another process drives this try", where=str(self._path), code="busy")
            )
        try:
            self._write()
        except BaseException:
            self.forget()
            os.close(self._lock)
            raise

    def __enter__(self) -> KeptRecord:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            os.close(self._lock)

    def made(self, uid: str) -> None:
        """The server has made the Job."""
        self.record = msgspec.structs.replace(self.record, uid=uid)
        with suppress(OSError):  # its label finds it as well
            self._write()

    def forget(self) -> None:
        """Nothing of the try is left."""
        _remove(self._path)

    def _write(self) -> None:
        write_private(self._path, msgspec.json.encode(self.record))


def server_of(client: Client) -> str:
    """The server as a record names it."""
    return without_login(client.server)


def stale_records(folder: Path, server: str) -> Iterator[tuple[TrialRecord, Path]]:
    """Records of tries on that server that no process drives; each stays locked until the next is asked
    for."""
    for path in sorted((folder / "trials").glob("*.json")):
        lock = _locked(path)
        if lock is None:
            continue
        try:
            record = _read(path)
            if record is not None and record.server == server and record.id == path.stem:
                yield record, path
        finally:
            os.close(lock)


def forget_record(path: Path) -> None:
    """Nothing is left of the try whose record this was."""
    _remove(path)


def _read(path: Path) -> TrialRecord | None:
    """None where it is gone meanwhile, or another hand wrote it."""
    try:
        return decode(path.read_bytes(), TrialRecord)
    except (OSError, msgspec.DecodeError):
        return None


def _locked(path: Path) -> int | None:
    """A descriptor with the lock of a record; None where somebody else has it."""
    with suppress(OSError):
        handle = os.open(
            path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        if try_lock(handle):
            return handle
        os.close(handle)
    return None


def _remove(path: Path) -> None:
    for one in (path, path.with_suffix(".lock")):
        with suppress(OSError):
            one.unlink()
