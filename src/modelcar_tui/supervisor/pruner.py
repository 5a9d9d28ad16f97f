"""Pruning beside a new run, in a thread of its own: neither the run nor the process waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from modelcar_tui.core.crash import kind
from modelcar_tui.supervisor.removing import finish_removals

_WAIT_S = 0.5
"""For the run that is being removed when the run beside it ends; a large one is deleted meanwhile, unsaid."""


class Pruner:
    """Removes earlier runs whose time has come, and says so once."""

    def __init__(self, run: Path, say: Callable[[str], object]) -> None:
        """
        Args:
            run: The folder of the run beside which it is done.
            say: Told in one line what went, from another thread; nothing where nothing did.
        """
        self._run = run
        self._say = say
        self._lock = threading.Lock()
        self._said = False
        self._ended = threading.Event()
        self._line: Callable[[], str] = str
        self._thread = threading.Thread(target=self._prune, name="pruning", daemon=True)

    def start(self) -> None:
        """Begin."""
        with suppress(RuntimeError):  # no more threads here: the next run does it
            self._thread.start()

    def stop(self) -> None:
        """Remove no more than the run that is being removed, and say what went, unless that was said."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(_WAIT_S)
        self._tell()

    def _prune(self) -> None:
        from modelcar_tui.supervisor.announcing import announced

        now = time.time()
        try:
            begins = announced(self._run.parent.parent, now)
            if begins is None:
                self._announce(now)
            elif begins > now:
                finish_removals(self._run.parent)
            else:
                self._remove()
        except Exception as error:  # noqa: BLE001 - what goes wrong here must not end a run
            fault = f"earlier runs were not pruned: {kind(error)}; see `agent prune`"
            self._line = lambda: fault
        self._tell()

    def _remove(self) -> None:
        from modelcar_tui.supervisor.pruning import Pruned, limits_of, prune, pruned_text

        told = Pruned()
        self._line = lambda: pruned_text(list(told.gone)) if told.gone else ""
        prune(self._run.parent, limits_of(), spare=self._run, stop=self._ended.is_set, told=told)

    def _announce(self, now: float) -> None:
        """Look only; where something would go, say from when it will, once."""
        from modelcar_tui.supervisor.announcing import announce
        from modelcar_tui.supervisor.pruning import due_text, limits_of, prune, would_remove

        runs, stop = self._run.parent, self._ended.is_set
        finish_removals(runs)
        due = prune(runs, limits_of(), remove=would_remove, spare=self._run, stop=stop).gone
        if due:
            line = due_text(due, announce(runs.parent, now), more=stop())
            self._line = lambda: line

    def _tell(self) -> None:
        with self._lock:
            line, self._said = "" if self._said else self._line(), True
            if line:
                with suppress(OSError, MemoryError, RuntimeError):  # the run is ending for that reason
                    self._say(line)
