"""Copies of what is replaced: private, exact, on the disk before the file goes, and never over an earlier
copy."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from itertools import count
from pathlib import Path

import msgspec

from modelcar_tui.core.files import open_regular, private_folder, sync_folder
from modelcar_tui.manifest.records import Record, note, records_of
from modelcar_tui.manifest.standing import Kind, Replaced, Standing, look_at, when

_CHUNK = 1 << 20
_LONGEST = 200
"""Bytes of a copy's name; a file system takes 255."""


class ChangedError(Exception):
    """The file is another one than the one that was looked at."""


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """Where one writer keeps copies and records."""

    copies: Path
    """A folder, made when it is needed."""
    records: Path
    run: str = ""
    """The run's id; empty for a command that has no run."""
    stem: str = ""
    """Before the names of copies, where the folder is shared."""

    def look(self, path: Path, wanted: bytes) -> Standing:
        """What stands at `path`, with who wrote it."""
        return look_at(path, wanted, records_of(self.records, path), self.run)

    def note(self, path: str, sha256: str, at: float) -> None:
        """Record a file that was just written; a run that dies before this knows its file by its bytes."""
        note(self.records, Record(path=path, sha256=sha256, at=at, run=self.run))

    def keep(self, standing: Standing) -> Replaced:
        """Copy what stands there; it is on the disk when this returns.

        Raises:
            OSError: it can't be read, or no copy can be written.
            ChangedError: its bytes are no longer those that were looked at.
        """
        private_folder(self.copies)
        sync_folder(self.copies.parent)
        name = self._name(standing)
        copy = ""
        if standing.sha256:
            copy = str(self._copied(Path(standing.path), name, standing.sha256))
        if standing.kind is Kind.LINK:
            said = os.fsencode(Path(standing.path).readlink()) + b"\n"
            link = self._placed(f"{name}.link", hashlib.sha256(said).hexdigest(), [said])
            copy = copy or str(link)
        sync_folder(self.copies)
        return Replaced(path=standing.path, was=standing.told(), at=standing.written_at, copy=copy)

    def kept_before(self, standing: Standing, wanted: bytes) -> Replaced | None:
        """What this very run replaced here by `wanted` before it was cut off, where that stands already."""
        if self.stem or standing.kind is not Kind.SAME:
            return None
        name = self._name(standing)
        for copy in (self.copies / name, self.copies / f"{name}.link"):
            with suppress(OSError):
                at = copy.stat().st_mtime
                was = f"written {when(at)}"
                if copy.name == name:
                    known = records_of(self.records, Path(standing.path))
                    before = tuple(record for record in known if record.sha256 != standing.sha256)
                    was = look_at(copy, wanted, before, self.run).told() or was
                return Replaced(path=standing.path, was=was, at=at, copy=str(copy))
        return None

    def _name(self, standing: Standing) -> str:
        name = self.stem + Path(standing.path).name
        if len(os.fsencode(name)) <= _LONGEST:
            return name
        return self.stem + hashlib.sha256(os.fsencode(standing.path)).hexdigest()[:16]

    def _copied(self, path: Path, name: str, sha256: str) -> Path:
        with os.fdopen(open_regular(path), "rb", buffering=0) as file:
            copy = self._placed(name, sha256, iter(lambda: file.read(_CHUNK), b""))
            times = os.fstat(file.fileno())
        with suppress(OSError):
            os.utime(copy, ns=(times.st_atime_ns, times.st_mtime_ns))
        return copy

    def _placed(self, name: str, sha256: str, chunks: Iterable[bytes]) -> Path:
        for number in count(1):
            path = self.copies / (name if number == 1 else f"{name}.{number}")
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            except FileExistsError:
                if _sha256(path) == sha256:
                    return path
                continue
            _fill(path, handle, sha256, chunks)
            return path
        raise AssertionError  # count() has no end


def _fill(path: Path, handle: int, sha256: str, chunks: Iterable[bytes]) -> None:
    digest = hashlib.sha256()
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != sha256:
            raise ChangedError
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def _sha256(path: Path) -> str:
    """Of a copy that is there; empty where it can't be read."""
    digest = hashlib.sha256()
    with suppress(OSError), os.fdopen(open_regular(path), "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        return digest.hexdigest()
    return ""
