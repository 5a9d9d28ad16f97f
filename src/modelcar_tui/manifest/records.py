"""What this tool has written beside manifests: one line a file, so that another hand's work can be told
apart."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from modelcar_tui.core.decode import decoder
from modelcar_tui.core.files import open_regular, private_folder


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One file that was written."""

    path: str
    """Absolute."""
    sha256: str
    at: float
    """Seconds since 1970."""
    run: str = ""
    """The run's id; empty for `agent apply` and `agent plan`."""


_DECODER = decoder(Record)


def note(records: Path, record: Record) -> None:
    """Add a record. It only helps to tell who wrote a file: a fault here stops no write."""
    with suppress(OSError, UnicodeEncodeError):  # a name that is no UTF-8 is in no journal either
        # On a line of its own, whatever a full disk cut short.
        line = b"\n" + msgspec.json.encode(record) + b"\n"
        private_folder(records.parent)
        handle = open_regular(records, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        with os.fdopen(handle, "ab", buffering=0) as file:
            file.write(line)


def records_of(records: Path, path: Path) -> tuple[Record, ...]:
    """What was written at `path` before, oldest first; broken lines are left out."""
    wanted, found = place_of_file(path), []
    with suppress(OSError), os.fdopen(open_regular(records), "rb") as file:
        for line in file:
            with suppress(msgspec.DecodeError):
                if (record := _DECODER.decode(line)).path == wanted:
                    found.append(record)
    return tuple(found)


def place_of_file(path: Path) -> str:
    """The absolute path with its folder's links followed, but not its own."""
    return os.path.join(os.path.realpath(path.parent), path.name)  # noqa: PTH118 - undecodable names stay as they are


def author(records: tuple[Record, ...], sha256: str, run: str) -> tuple[str, bool]:
    """Who wrote a file of these bytes, as ` by run R` behind a time; and whether that was `run` itself."""
    if not records:
        return " by no run known here", False
    same = [record for record in records if record.sha256 == sha256]
    if not same:
        return f", changed since {_name(records[-1])} wrote it", False
    return f" by {_name(same[-1])}", bool(run) and any(record.run == run for record in same)


def _name(record: Record) -> str:
    return f"run {record.run}" if record.run else "agent apply"
