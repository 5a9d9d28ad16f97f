"""The bytes of a kubeconfig's files, of which some are pipes: `--kubeconfig <(oc config view --raw)`."""

from __future__ import annotations

import os
import select
import stat
import time
from pathlib import Path

PIPE_S = 7.0
"""How long a pipe may take; then it is told, within ten seconds, that nobody writes to it."""
_CHUNK = 64 * 1024
_given: dict[tuple[str, int], bytes] = {}
"""What pipes gave: they give it once, and a kubeconfig is looked up again."""


def is_pipe(path: Path) -> bool:
    """Whether there is a pipe.

    Raises:
        OSError: it can't be looked at.
    """
    return stat.S_ISFIFO(path.stat().st_mode)


def first_bytes(path: Path, limit: int) -> bytes:
    """At most `limit` bytes of a file, or of a pipe until its end.

    Raises:
        OSError: it can't be read, or nobody writes to the pipe to its end.
    """
    if not is_pipe(path):
        with path.open("rb") as file:
            return file.read(limit)
    key = (str(path), path.stat().st_ino)
    if key not in _given:
        _given[key] = _from_pipe(path, limit)
    return _given[key]


def _from_pipe(path: Path, limit: int) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    parts: list[bytes] = []
    try:
        end = time.monotonic() + PIPE_S
        while sum(map(len, parts)) < limit:
            ready, _, _ = select.select([handle], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise OSError(0, f"it is a pipe to whose end nobody wrote within {PIPE_S:g} s")
            part = os.read(handle, _CHUNK)
            if not part:
                break
            parts.append(part)
    finally:
        os.close(handle)
    return b"".join(parts)[:limit]
