"""A lock on an open file: it goes with the process, however that ends."""

from __future__ import annotations

import fcntl


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file; False where something else holds it, or its file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def share_lock(descriptor: int) -> bool:
    """Keep others from `try_lock` on an open file, beside any who share it; False where that can't be."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
