"""A journal without what later events have replaced: folded, it is the same run."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

import msgspec

from modelcar_tui.core.decode import decoder
from modelcar_tui.core.files import write_private
from modelcar_tui.supervisor.journal_lines import readable

_MOST_NOTICES = 1000
"""Several times what the run's state keeps."""


class _Car(msgspec.Struct, frozen=True):
    name: str = ""


class _Model(msgspec.Struct, frozen=True):
    car: _Car = _Car()


class _Event(msgspec.Struct):
    """What tells whether a later event replaces this one."""

    kind: str
    specialist: str = ""
    step: str = ""
    model: _Model | str = ""


class _Line(msgspec.Struct):
    event: _Event


_LINES = decoder(_Line)
_WHOLE = ("ClusterRead", "DecisionMade", "QaProgressed", "QaSaw")
"""Each replaces the one before it."""


def compact(path: Path, handle: int, size: int) -> None:
    """Replace a journal by one without what is replaced in it; lines that can't be read stay as they are.

    Args:
        path: The journal.
        handle: A descriptor of it.
        size: Bytes of its whole lines.

    `handle` is of a file without a name then. Where nothing would go, nothing is written.

    Raises:
        OSError: it can't be written; the journal is as it was.
    """
    with mmap.mmap(handle, size, access=mmap.ACCESS_READ) as data:
        kept = b"".join(data[start:end] for start, end in _standing(data))
    if len(kept) < size:
        write_private(path, kept)


def _standing(data: mmap.mmap) -> Iterator[tuple[int, int]]:
    """The lines that stay, as places in the file."""
    places = list[tuple[int, int, object]]()
    start = 0
    while (end := data.find(b"\n", start) + 1) > 0:
        places.append((start, end, _key(data[start:end])))
        start = end
    last = dict[object, int]()
    for start, end, key in reversed(places):
        # What this release can't read replaces nothing that it can.
        if key not in last and readable(data[start:end]):
            last[key] = start
    notices = [start for start, _, key in places if key == "Noticed"][-_MOST_NOTICES:]
    first_notice = notices[0] if notices else 0
    for start, end, key in places:
        if key is None or (start >= first_notice if key == "Noticed" else last.get(key, start) <= start):
            yield start, end


def _key(line: bytes) -> object:
    """Lines of one key replace each other; None of a line that nothing replaces."""
    try:
        event = _LINES.decode(line).event
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if event.kind in _WHOLE or event.kind == "Noticed":
        return event.kind
    if event.kind == "StepChanged":
        return event.kind, event.specialist, event.step
    if event.kind == "ModelLearned" and isinstance(event.model, _Model):
        return event.kind, event.model.car.name
    return None
