"""What stands where a file is to be written: nothing, the very bytes, or another's work."""

from __future__ import annotations

import os
import stat
import time
from enum import StrEnum
from pathlib import Path

import msgspec

from modelcar_tui.core.counting import several
from modelcar_tui.core.files import open_regular
from modelcar_tui.core.text import reveal
from modelcar_tui.manifest.records import Record, author

_CHUNK = 1 << 20
_MOST_LINES = 4000
"""On both sides together, without what begins and ends alike; beyond it differing lines are not counted."""


class Kind(StrEnum):
    """What stands at a path."""

    NOTHING = "nothing"
    SAME = "same"
    """The very bytes, in a file or behind a link: there is nothing to write."""
    FILE = "file"
    LINK = "link"
    """A symbolic link to a file, a folder or nothing; it would be replaced itself, never what it points
    to."""
    FOLDER = "folder"
    SPECIAL = "special"
    """A device, pipe or socket, also behind a link."""
    UNREADABLE = "unreadable"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What stands at one path, against the bytes that are to be written there."""

    path: str
    kind: Kind = Kind.NOTHING
    size: int = 0
    written_at: float = 0.0
    """Time of the last change of its bytes, in seconds since 1970; of a link's file where it has one."""
    sha256: str = ""
    """Of its bytes, in hex; empty where there are none to read."""
    lines: tuple[int, int, int] | None = None
    """How many lines differ, come and go; None where that was not counted."""
    read_only: bool = False
    """By its mode, also for root, or because this user may not write it."""
    link: str = ""
    """What a link says."""
    by: str = ""
    """Who wrote it, as far as the records go."""
    own: bool = False
    """These bytes were written by this very run."""
    identity: tuple[int, ...] = ()
    """Changes with every change of the file; compared just before it is replaced."""

    @property
    def asks(self) -> bool:
        """Whether it may be replaced only when the operator was asked."""
        return self.kind is Kind.LINK or (self.kind is Kind.FILE and (self.read_only or not self.own))

    @property
    def obstacle(self) -> str:
        """Why nothing can be written here, whatever the operator says; else empty."""
        return {
            Kind.FOLDER: "a folder of this name is in the way",
            Kind.SPECIAL: f"a {'link to a ' * bool(self.link)}device, pipe or socket of this name is in the "
            "way",
            Kind.UNREADABLE: "the file in the way can't be read, so no copy of it can be kept",
        }.get(self.kind, "")

    @property
    def fingerprint(self) -> str:
        """Of all that the operator is shown before it is replaced."""
        shown = (self.path, self.kind, self.link, self.read_only, self.sha256)
        import hashlib

        return hashlib.sha256(msgspec.json.encode(shown)).hexdigest()[:32]

    def told(self, now: float = 0.0) -> str:
        """`written 18:02 by run R, 3 lines differ (+2/-1), read-only`; with its date on another day than
        `now`."""
        parts = [f"written {when(self.written_at, now)}{self.by}"] if self.sha256 else []
        if self.sha256:
            parts.append(self._difference())
        if self.read_only:
            parts.append("read-only")
        inside = ", ".join(parts)
        if self.kind is not Kind.LINK:
            return inside
        return f"a link to {reveal(self.link)}: {inside or 'no file that can be read'}"

    def _difference(self) -> str:
        if self.lines is None:
            return f"it differs ({self.size:,} bytes)"
        differ, come, go = self.lines
        return f"{several(differ, 'line differs', 'lines differ')} (+{come}/-{go})"


class Replaced(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was replaced, for the record."""

    path: str
    was: str
    """`written 2026-10-14 18:02 by run R, 3 lines differ (+2/-1)`."""
    at: float = 0.0
    """When it was written, in seconds since 1970."""
    copy: str = ""
    """Where its bytes are kept; for a link, a `.link` file beside it holds what it said."""

    def __str__(self) -> str:
        return f"replaces what was {self.was}; copy: {self.copy}"


def when(at: float, now: float = 0.0) -> str:
    """`18:02`, or with its date `2026-10-14 18:02` where that is another day than `now`'s; local time."""
    try:
        then, today = time.localtime(at), time.localtime(now)
    except (OverflowError, ValueError, OSError):
        return "at an impossible time"
    same_day = then[:3] == today[:3]
    return time.strftime("%H:%M" if same_day else "%Y-%m-%d %H:%M", then)


def look_at(path: Path, wanted: bytes, records: tuple[Record, ...] = (), run: str = "") -> Standing:
    """What stands at `path`, against the bytes that `wanted` would put there. Writes nothing.

    Args:
        path: The file that is to be written.
        wanted: All of its bytes.
        records: What this tool has written there before, oldest first.
        run: The run that asks; what it wrote itself is its own.
    """
    try:
        own = os.lstat(path)
    except OSError:
        return Standing(path=str(path))  # nothing, or a folder that is missing: writing says which
    link = _link(path) if stat.S_ISLNK(own.st_mode) else ""
    there = _behind(path) if link else own
    kind = _kind(there.st_mode) if there is not None else Kind.LINK
    kind = Kind.LINK if link and kind is not Kind.SPECIAL else kind
    if there is None or not stat.S_ISREG(there.st_mode):
        return Standing(
            path=str(path), kind=kind, link=link, written_at=own.st_mtime, identity=identity(path)
        )
    try:
        sha256, data = _read(path)
    except OSError:
        kind = Kind.LINK if link else Kind.UNREADABLE
        return Standing(
            path=str(path), kind=kind, link=link, written_at=own.st_mtime, identity=identity(path)
        )
    if data == wanted:
        kind = Kind.SAME
    by, mine = author(records, sha256, run)
    return Standing(
        path=str(path),
        kind=kind,
        size=there.st_size,
        written_at=there.st_mtime,
        sha256=sha256,
        lines=None if data is None else differing_lines(data, wanted),
        read_only=not there.st_mode & stat.S_IWUSR or not os.access(path, os.W_OK),
        link=link,
        by=by,
        own=mine,
        identity=identity(path),
    )


def identity(path: Path) -> tuple[int, ...]:
    """Numbers that change when what stands at `path` is changed or replaced; none where nothing stands."""
    numbers: list[int] = []
    for look in (os.lstat, os.stat):
        try:
            found = look(path)
        except OSError:
            continue
        if numbers and not stat.S_ISREG(found.st_mode):
            continue  # a link to a folder: what happens in there is not its business
        numbers += [
            found.st_dev,
            found.st_ino,
            found.st_mode,
            found.st_size,
            found.st_mtime_ns,
            found.st_ctime_ns,
        ]
    return tuple(numbers)


def differing_lines(old: bytes, new: bytes) -> tuple[int, int, int] | None:
    """How many lines differ, come and go on the way from `old` to `new`; None for too many to count."""
    import difflib

    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    head = next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
    if head is None:
        head = min(len(before), len(after))
    before, after = before[head:], after[head:]
    while before and after and before[-1] == after[-1]:
        before.pop()
        after.pop()
    if len(before) + len(after) > _MOST_LINES:
        return None
    differ = come = go = 0
    matcher = difflib.SequenceMatcher(None, before, after)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            differ, come, go = differ + max(i2 - i1, j2 - j1), come + j2 - j1, go + i2 - i1
    return differ, come, go


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return Kind.FILE
    return Kind.FOLDER if stat.S_ISDIR(mode) else Kind.SPECIAL


def _link(path: Path) -> str:
    try:
        said = os.fsencode(path.readlink())
        return said.decode("utf-8", "backslashreplace")  # it goes into JSON
    except OSError:
        return "?"


def _behind(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, RuntimeError):
        return None


def _read(path: Path) -> tuple[str, bytes | None]:
    """SHA-256 of all bytes, and the bytes themselves where they are no more than a manifest may have."""
    import hashlib

    from modelcar_tui.manifest.source import MAX_BYTES  # the screen needs this module before its first frame

    digest, kept, size = hashlib.sha256(), [], 0
    with os.fdopen(open_regular(path), "rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            if size <= MAX_BYTES:
                kept.append(chunk)
    return digest.hexdigest(), b"".join(kept) if size <= MAX_BYTES else None
