"""When earlier runs may first go by themselves: nothing does before the operator has had time to say no."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from modelcar_tui.core.files import open_regular, write_atomic

GRACE_DAYS = 7
"""Days between the announcement and the first removal."""
ANNOUNCED = "removes-from.txt"
"""In the state folder: the day of the first removal, `2026-12-08`."""
_DAY_S = 86_400.0


def announced(state: Path, now: float) -> float | None:
    """From when runs of this state folder may go by themselves, seconds since 1970.

    None where that was never announced, or where the day can't be one of ours: it is announced anew.
    """
    with suppress(OSError, ValueError, OverflowError):
        with os.fdopen(open_regular(state / ANNOUNCED), "rb") as file:
            told = file.read(64).decode("ascii").strip()
        begins = time.mktime(time.strptime(told, "%Y-%m-%d"))
        if begins <= now + (GRACE_DAYS + 1) * _DAY_S:
            return begins
    return None


def announce(state: Path, now: float) -> str:
    """Keep that it is announced at this moment; returns the day of the first removal.

    Raises:
        OSError: it can't be kept, so nothing may be said.
    """
    day = time.strftime("%Y-%m-%d", time.localtime(now + (GRACE_DAYS + 0.5) * _DAY_S))
    write_atomic(state / ANNOUNCED, f"{day}\n".encode(), mode=0o600)
    return day
