"""Root passes every permission check, so a test of them runs as somebody else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def ordinary_user(folder: Path) -> Iterator[None]:
    """Be a user with no rights but on `folder`'s parents; nothing changes for who is no root."""
    if os.geteuid() != 0:
        yield
        return
    modes = [(parent, parent.stat().st_mode & 0o7777) for parent in (folder, *folder.parents)]
    for parent, mode in modes:
        if not mode & 0o001:
            parent.chmod(mode | 0o055)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        for parent, mode in modes:
            parent.chmod(mode)
