"""Earlier runs as they arrive: read in threads of their own, so that the first rows wait for no other."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from modelcar_tui.api import EarlierRun


class Shelf(Protocol):
    """Where the runs are kept."""

    place: str
    """The folder, as it can be typed."""
    state_dir: str
    """` --state-dir DIR` for a command that names a run; empty where it is the usual one."""

    def runs(self) -> Iterator[EarlierRun]:
        """All runs, newest first, each cheap."""
        ...

    def words(self, run: EarlierRun) -> str:
        """How it ended, in words; reads its journal. Empty where that can't be done."""
        ...

    def manifest(self, run: EarlierRun) -> str:
        """Its manifest, as it can be typed; neutral text."""
        ...

    def named(self, run: EarlierRun) -> str:
        """What it is called in a command, as one word of a shell."""
        ...

    def remove(self, run: EarlierRun) -> str:
        """Remove it; why not, or the empty text."""
        ...


class Reading:
    """Reads a shelf in the background; what it has read is taken with `drain`."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._fresh: deque[EarlierRun] = deque()
        self._words: deque[tuple[str, str]] = deque()
        self._wanted: list[EarlierRun] = []
        self._asked: set[str] = set()
        self._wake = threading.Condition()
        self._stopped = False
        self._all_read = False
        self.fault = ""
        """Why not all runs were read, or the empty text."""

    @property
    def done(self) -> bool:
        """Whether all runs have been read and taken."""
        return self._all_read and not self._fresh

    @property
    def busy(self) -> bool:
        """Whether `drain` may yet have something to give."""
        with self._wake:
            return not self.done or bool(self._wanted) or bool(self._words)

    def start(self) -> None:
        """Begin to read. The threads hold up no end of the process."""
        for work in (self._read, self._tell):
            threading.Thread(target=work, name="earlier runs", daemon=True).start()

    def stop(self) -> None:
        """Read no more."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()

    def drain(self) -> tuple[list[EarlierRun], dict[str, str]]:
        """Runs, and outcomes in words by run id, that have come since the last time."""
        fresh = [self._fresh.popleft() for _ in range(len(self._fresh))]
        return fresh, dict(self._words.popleft() for _ in range(len(self._words)))

    def want(self, runs: Iterable[EarlierRun]) -> None:
        """Those whose outcome is to be told in words next; each is asked for once."""
        with self._wake:
            self._wanted = [run for run in runs if run.id not in self._asked]
            if self._wanted:
                self._wake.notify_all()

    def _read(self) -> None:
        try:
            for run in self._shelf.runs():
                if self._stopped:
                    return
                self._fresh.append(run)
        except Exception as error:  # noqa: BLE001 - the rows that are there stay of use
            self.fault = f"not all runs could be read: a fault of ours ({type(error).__name__})"
        finally:
            self._all_read = True

    def _tell(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._stopped or self._wanted)
                if self._stopped:
                    return
                run = self._wanted[0]
                self._asked.add(run.id)
            try:
                words = self._shelf.words(run)
            except Exception:  # noqa: BLE001 - the verdict alone stands there then
                words = ""
            with self._wake:
                if words:
                    self._words.append((run.id, words))
                self._wanted = [one for one in self._wanted if one.id != run.id]
