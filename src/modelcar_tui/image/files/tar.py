"""Walking a tar by its headers, jumping over what is in between."""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import AsyncIterator

import msgspec

from modelcar_tui.image.files.source import Source

_BLOCK = 512
MOST_ENTRIES = 5_000
"""The most headers that are looked at; a walk ends there."""
_BREATHER = 64
_LONGEST_NAME = 1 << 16
_EXTENSIONS = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE)
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_WITH_CONTENT = (*_REGULAR, tarfile.GNUTYPE_SPARSE)


class TarEntry(msgspec.Struct, frozen=True):
    """One member of a tar."""

    path: str
    """Without a leading `./` or `/`."""
    size: int
    start: int
    """Where its content begins."""
    regular: bool
    link: str = ""
    """Where a symbolic or hard link leads; a hard link's from the archive's root, with a leading `/`."""
    folder: bool = False

    @property
    def end(self) -> int:
        """Where the next header begins."""
        return self.start + _padded(self.size if self.regular else 0)


class _Told(msgspec.Struct, frozen=True):
    """What headers of their own tell of the member that follows them."""

    name: str = ""
    size: int = -1
    link: str = ""


async def is_tar(source: Source) -> bool:
    """Whether the bytes begin with a valid tar header (or an empty archive)."""
    block = await source.read(0, _BLOCK)
    return len(block) == _BLOCK and (not any(block) or _header(block) is not None)


async def walk(source: Source) -> AsyncIterator[TarEntry]:
    """The members in their order, until the end, nonsense, or where going on costs too much."""
    offset, told = 0, _Told()
    for number in range(MOST_ENTRIES):
        if number % _BREATHER == _BREATHER - 1:
            await asyncio.sleep(0)  # a long run within one window must not hold up the other images
        if not source.reaches(offset):
            return
        block = await source.read(offset, _BLOCK)
        header = _header(block) if len(block) == _BLOCK else None
        if header is None:
            return
        start = offset + _BLOCK
        if header.type in _EXTENSIONS:
            if header.size > _LONGEST_NAME:
                return
            told = _extended(told, header.type, await source.read(start, header.size))
            offset = start + _padded(header.size)
            continue
        if header.type == tarfile.XGLTYPE:
            offset = start + _padded(header.size)
            continue
        yield _entry(header, told, start)
        content = told.size if told.size >= 0 else header.size
        offset, told = start + _padded(content if header.type in _WITH_CONTENT else 0), _Told()


def _entry(header: tarfile.TarInfo, told: _Told, start: int) -> TarEntry:
    link = told.link or header.linkname
    return TarEntry(
        path=(told.name or header.name).removeprefix("./").lstrip("/"),
        size=told.size if told.size >= 0 else header.size,
        start=start,
        regular=header.type in _REGULAR,
        link={tarfile.SYMTYPE: link, tarfile.LNKTYPE: "/" + link.lstrip("/")}.get(header.type, ""),
        folder=header.type == tarfile.DIRTYPE,
    )


def _extended(told: _Told, kind: bytes, text: bytes) -> _Told:
    if kind == tarfile.XHDTYPE:
        return _pax(text, told)
    value = text.rstrip(b"\0").decode(errors="replace")
    part = "name" if kind == tarfile.GNUTYPE_LONGNAME else "link"
    return msgspec.structs.replace(told, **{part: value})


def _header(block: bytes) -> tarfile.TarInfo | None:
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "replace")
    except (tarfile.HeaderError, ValueError, OverflowError):
        return None
    return header if 0 <= header.size < 1 << 60 else None


def _padded(size: int) -> int:
    return (size + _BLOCK - 1) // _BLOCK * _BLOCK


def _pax(text: bytes, told: _Told) -> _Told:
    """`length key=value` records; only the path, the link and the size matter."""
    while text:
        count, _, _ = text.partition(b" ")
        if not count.isdigit() or len(count) > 6 or not 0 < int(count) <= len(text):
            break
        key, _, value = text[len(count) + 1 : int(count)].rstrip(b"\n").partition(b"=")
        if key in (b"path", b"linkpath"):
            part = "name" if key == b"path" else "link"
            told = msgspec.structs.replace(told, **{part: value.decode(errors="replace")})
        elif key == b"size" and value.isdigit() and len(value) < 19:
            told = msgspec.structs.replace(told, size=int(value))
        text = text[int(count) :]
    return told
