"""Walking a tar by its headers, jumping over what is in between."""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import AsyncIterator

import msgspec

from modelcar_tui.image.files.source import Source

_BLOCK = 512
_MOST_ENTRIES = 5_000
_BREATHER = 64
_LONGEST_NAME = 1 << 16


class TarEntry(msgspec.Struct, frozen=True):
    """One member of a tar."""

    path: str
    """Without a leading `./` or `/`."""
    size: int
    start: int
    """Where its content begins."""
    regular: bool


async def is_tar(source: Source) -> bool:
    """Whether the bytes begin with a valid tar header (or an empty archive)."""
    block = await source.read(0, _BLOCK)
    return len(block) == _BLOCK and (not any(block) or _header(block) is not None)


async def walk(source: Source) -> AsyncIterator[TarEntry]:
    """The members in their order, until the end, nonsense, or where going on costs too much."""
    offset, name, size = 0, "", -1
    for number in range(_MOST_ENTRIES):
        if number % _BREATHER == _BREATHER - 1:
            await asyncio.sleep(0)  # a long run within one window must not hold up the other images
        if not source.reaches(offset):
            return
        block = await source.read(offset, _BLOCK)
        header = _header(block) if len(block) == _BLOCK else None
        if header is None:
            return
        start = offset + _BLOCK
        if header.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
            if header.size > _LONGEST_NAME:
                return
            text = await source.read(start, header.size)
            if header.type == tarfile.XHDTYPE:
                name, size = _pax(text, name, size)
            else:
                name = text.rstrip(b"\0").decode(errors="replace")
            offset = start + _padded(header.size)
            continue
        if header.type in (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
            offset = start + _padded(header.size)
            continue
        content = size if size >= 0 else header.size
        regular = header.type in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
        stored = content if regular or header.type == tarfile.GNUTYPE_SPARSE else 0
        yield TarEntry((name or header.name).removeprefix("./").lstrip("/"), content, start, regular)
        offset, name, size = start + _padded(stored), "", -1


def _header(block: bytes) -> tarfile.TarInfo | None:
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "replace")
    except (tarfile.HeaderError, ValueError, OverflowError):
        return None
    return header if 0 <= header.size < 1 << 60 else None


def _padded(size: int) -> int:
    return (size + _BLOCK - 1) // _BLOCK * _BLOCK


def _pax(text: bytes, name: str, size: int) -> tuple[str, int]:
    """`length key=value` records; only the path and the size matter."""
    while text:
        count, _, _ = text.partition(b" ")
        if not count.isdigit() or len(count) > 6 or not 0 < int(count) <= len(text):
            break
        key, _, value = text[len(count) + 1 : int(count)].rstrip(b"\n").partition(b"=")
        if key == b"path":
            name = value.decode(errors="replace")
        elif key == b"size" and value.isdigit() and len(value) < 19:
            size = int(value)
        text = text[int(count) :]
    return name, size
