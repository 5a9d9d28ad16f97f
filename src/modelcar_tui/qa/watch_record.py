"""What was seen on the cluster, kept in the run's folder: the suite deletes its namespace, and a run may be
gone on with by another process.

`qa/cluster.jsonl` (0600): one JSON line a thing that was seen, a figure of vLLM's, or the end of a log.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from modelcar_tui.core.decode import decoder
from modelcar_tui.core.files import open_regular
from modelcar_tui.qa.seen import Seen
from modelcar_tui.qa.types import QaMeasured

NAME = "cluster.jsonl"
MAX_BYTES = 2 * 1024**2
"""The file stops growing here."""
_MOST_FIGURES = 1_000


class LogEnd(msgspec.Struct, frozen=True, kw_only=True, tag="log"):
    """The last lines of a container that ended."""

    model: str
    container: str
    at: float
    lines: tuple[str, ...]


class _Saw(msgspec.Struct, frozen=True, kw_only=True, tag="seen"):
    seen: Seen


class _Figure(msgspec.Struct, frozen=True, kw_only=True, tag="figure"):
    figure: QaMeasured


_Entry = LogEnd | _Saw | _Figure
_DECODER: msgspec.json.Decoder[_Entry] = decoder(_Entry)  # type: ignore[arg-type]


class ClusterRecord:
    """Opens what an earlier process has kept, and adds to it. A full disk costs the entry, not the run."""

    def __init__(self, qa: Path) -> None:
        self.path = qa / NAME
        self._seen: dict[tuple[str, str], Seen] = {}
        self.figures: dict[tuple[str, str], QaMeasured] = {}
        """The first of each model and figure: every worker of a tensor-parallel model says the same."""
        for entry in _read(self.path):
            self._take(entry)

    @property
    def seen(self) -> tuple[Seen, ...]:
        """The newest of each model; one with an empty text is over."""
        return tuple(self._seen.values())

    def saw(self, seen: Seen) -> None:
        """A model's trouble."""
        if self._seen.get((seen.object, seen.model)) != seen:
            self._add(_Saw(seen=seen))

    def before(self, name: str, model: str) -> Seen | None:
        """What is known of a model; None where it was never in trouble, or is not any more."""
        found = self._seen.get((name, model))
        return found if found is not None and found.text else None

    def over(self, name: str, model: str) -> None:
        """A model goes on: what it was stuck in explains nothing that comes after."""
        if (found := self.before(name, model)) is not None:
            self._add(_Saw(seen=msgspec.structs.replace(found, text="")))

    def measured(self, figure: QaMeasured) -> bool:
        """A figure of a model's log; False where it is known already."""
        if (figure.model, figure.what) in self.figures or len(self.figures) >= _MOST_FIGURES:
            return False
        self._add(_Figure(figure=figure))
        return True

    def ended(self, end: LogEnd) -> None:
        """The end of a container's log."""
        self._add(end)

    def _take(self, entry: _Entry) -> None:
        match entry:
            case _Saw(seen=seen):
                self._seen[seen.object, seen.model] = seen
            case _Figure(figure=figure):
                self.figures.setdefault((figure.model, figure.what), figure)

    def _add(self, entry: _Entry) -> None:
        self._take(entry)
        with suppress(OSError):
            handle = open_regular(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            try:
                data = msgspec.json.encode(entry) + b"\n"
                if os.fstat(handle).st_size + len(data) <= MAX_BYTES:
                    os.write(handle, data)
            finally:
                os.close(handle)


def _read(path: Path) -> Iterator[_Entry]:
    """The whole lines of the file; what a killed process cut short is left out."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
    except OSError:
        return
    for line in data.splitlines():
        with suppress(msgspec.MsgspecError):
            yield _DECODER.decode(line)
