"""Which manifests those are, and their bytes: out of git clones, or a folder of files."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "tests" / "data" / "published"
SOURCES = FOLDER / "sources.yaml"
Record = dict[str, Any]
"""One file of `sources.yaml`."""


def records() -> list[Record]:
    """All files, with what a careful person reads in each."""
    found: list[Record] = yaml.safe_load(SOURCES.read_text(encoding="utf-8"))
    return found


def bytes_of(record: Record, place: Path) -> bytes:
    """The manifest's bytes.

    Args:
        record: which manifest.
        place: a folder of files by their names in `sources.yaml`, or one of git clones.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: the bytes are not those that were read by hand.
    """
    path = place / record["file"]
    data = path.read_bytes() if path.is_file() else _cut(_committed(record, place), record)
    if hashlib.sha256(data).hexdigest() != record["sha256"]:
        raise ValueError(f"{record['file']} is not the file that was read by hand")
    return data


def _committed(record: Record, clones: Path) -> bytes:
    from crd_schemas import clone_of

    wanted = f"{record['commit']}:{record['path']}"
    command = ["git", "-C", str(clone_of(clones, record["repository"])), "show", wanted]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise FileNotFoundError(f"{record['repository']} has no {wanted}")
    return done.stdout


def _cut(data: bytes, record: Record) -> bytes:
    """The lines of a page that are the manifest."""
    if not record.get("cut"):
        return data
    first, last = record["lines"]
    return b"".join(data.splitlines(keepends=True)[first - 1 : last])
