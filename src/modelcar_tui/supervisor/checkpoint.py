"""The checkpoint database of one run: private, and written through at every step."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from modelcar_tui.core.errors import Problem, UserError, full_disk


@asynccontextmanager
async def open_saver(path: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """A checkpointer on `path` (mode 0600), closed at the end.

    Raises:
        UserError: it can't be opened.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        what = full_disk(error) or f"can't be opened: {error.strerror}"
        raise UserError(Problem(where=str(path), what=what, fix="give another with --state-dir")) from None
    async with aiosqlite.connect(path) as connection:
        await connection.execute("PRAGMA journal_mode=WAL")
        await connection.execute("PRAGMA synchronous=NORMAL")
        saver = AsyncSqliteSaver(connection)
        await saver.setup()
        yield saver
