"""The dashboard over a fake engine, stuck in one way or another once `g` is pressed: for tests over a pty."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from modelcar_tui.core.ends import ENDS
from modelcar_tui.tui import signals
from modelcar_tui.tui.run import run_dashboard
from modelcar_tui.tui.screens.opening import OPENERS
from pilot import support as s


def lock() -> None:
    """A lock of Python's: its handlers run, the loop's callbacks never."""
    held = threading.Lock()
    held.acquire()
    held.acquire()


def mutex() -> None:
    """A wait inside C that no signal ends: not even Python's handlers run."""
    libc, room = ctypes.CDLL(None), ctypes.create_string_buffer(64)
    libc.pthread_mutex_lock(room)
    libc.pthread_mutex_lock(room)


def threads() -> None:
    """A thread of a library that never comes back, for which Python waits at its end."""
    ThreadPoolExecutor().submit(time.sleep, 60)


STUCK: dict[str, Callable[[], None]] = {"lock": lock, "mutex": mutex, "threads": threads, "qa": lambda: None}


class Hanging(s.FakeEngine):
    """An engine that can't end, either."""

    def join(self, timeout: float) -> bool:
        time.sleep(timeout)
        return False


def main() -> int:
    """`stuck_app.py lock|mutex|threads|qa [LIMIT]`: the seconds that an end may take."""
    if len(sys.argv) > 2:
        signals.LIMIT_S = float(sys.argv[2])
    stuck = STUCK[sys.argv[1]]
    OPENERS["gpus"] = lambda board: stuck()
    events = s.in_qa(os.devnull, 0) if sys.argv[1] == "qa" else s.decided()
    status = run_dashboard(Hanging(events), mouse=False)
    return ENDS.over(status)


sys.exit(main())
