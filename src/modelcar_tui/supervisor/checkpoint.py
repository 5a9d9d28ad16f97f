"""The checkpoint database of one run: private, and written through at every step.

It is a copy of what the journal says. One that can't be read, or says anything else, is made anew.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.shortage import shortage

T = TypeVar("T")
_LEAST = 64 * 1024
"""Bytes that SQLite needs beside a small database, for its log and the log's index."""
DAMAGED = "the checkpoint could not be read and was made anew: the run goes on by its journal"


@asynccontextmanager
async def opened_saver(
    path: Path, look: Callable[[AsyncSqliteSaver], Awaitable[T | None]]
) -> AsyncIterator[tuple[AsyncSqliteSaver, T | None, str]]:
    """A checkpointer on `path`, what `look` finds in it, and a line where it was damaged.

    Args:
        path: Of the database.
        look: Gives None where the run can go on from what is there; else, or where it fails, the database is
            made anew and looked at again.

    Raises:
        UserError: it can't be opened.
        OSError: it can't, for want of room or files.
    """
    damaged, anew = "", False
    try:
        if _is_there(path):
            async with open_saver(path) as saver:
                anew = await look(saver) is not None
    except Exception as error:
        if isinstance(error, UserError) or shortage(error) is not None:
            raise
        anew, damaged = True, DAMAGED
    if anew:
        _remove(path)
    async with open_saver(path) as saver:
        yield saver, await look(saver), damaged


def _is_there(path: Path) -> bool:
    """A new run has none to look at."""
    return path.exists()


def _remove(path: Path) -> None:
    """The database and what SQLite keeps beside it."""
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


@asynccontextmanager
async def open_saver(path: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """A checkpointer on `path` (mode 0600), closed at the end.

    Raises:
        UserError: it can't be opened.
        OSError: it can't, for want of room or files.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        if shortage(error) is not None:
            raise
        what = f"can't be opened: {error.strerror}"
        raise UserError(Problem(where=str(path), what=what, fix="give another with --state-dir")) from None
    with _full_told(path):
        opening = asyncio.ensure_future(_opened(path))
        try:
            saver = await asyncio.shield(opening)
        except asyncio.CancelledError:
            await _closed(opening)
            raise
        try:
            yield saver
        finally:
            await _closed(opening)


async def _closed(opening: asyncio.Future[AsyncSqliteSaver]) -> None:
    """Close it, however often that is cancelled meanwhile: its thread would answer a loop that has ended."""

    async def close() -> None:
        await (await opening).conn.close()

    closing, cancelled = asyncio.ensure_future(close()), False
    while not closing.done():
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    closing.result()


@contextmanager
def _full_told(path: Path) -> Iterator[None]:
    """A full disk is to SQLite an error like any other where it makes its files beside the database."""
    try:
        yield
    except sqlite3.Error as error:
        if shortage(error) is None and _is_full(path.parent):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        raise


def _is_full(folder: Path) -> bool:
    """Whether a file system has no room for the smallest file: some count no files, and say 0 of 0."""
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize < _LEAST or (room.f_files > 0 and room.f_favail == 0)


async def _opened(path: Path) -> AsyncSqliteSaver:
    connection = await aiosqlite.connect(path)
    try:
        await connection.execute("PRAGMA journal_mode=WAL")
        await connection.execute("PRAGMA synchronous=NORMAL")
        saver = AsyncSqliteSaver(connection)
        await saver.setup()
    except BaseException:
        await connection.close()
        raise
    return saver
