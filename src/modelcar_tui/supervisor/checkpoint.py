"""The checkpoint database of one run: private, and written through at every step."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.shortage import shortage


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
    opening = asyncio.ensure_future(_opened(path))
    try:
        saver = await asyncio.shield(opening)
    except asyncio.CancelledError:
        # Its thread would answer a loop that has ended.
        await (await opening).conn.close()
        raise
    try:
        yield saver
    finally:
        await saver.conn.close()


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
