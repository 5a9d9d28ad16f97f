"""A database that can't be made for want of room is told as a full disk, not as a fault of ours."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from modelcar_tui.supervisor.checkpoint import open_saver


@pytest.mark.parametrize(
    ("blocks", "inodes", "full"), [(1, 1000, True), (10**6, 0, True), (10**6, 1000, False)]
)
async def test_a_database_without_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocks: int, inodes: int, full: bool
) -> None:
    path = tmp_path / "checkpoint.sqlite"
    path.write_bytes(b"no database " * 400)
    disk = SimpleNamespace(f_bavail=blocks, f_frsize=4096, f_files=1000, f_favail=inodes)
    monkeypatch.setattr(os, "statvfs", lambda folder: disk)
    with pytest.raises(OSError if full else sqlite3.DatabaseError) as told:
        async with open_saver(path):
            pass
    assert getattr(told.value, "errno", None) == (errno.ENOSPC if full else None)
