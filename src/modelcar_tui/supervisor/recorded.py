"""Where a recorded run lies: a run's id or folder, a journal as a file, or a recording that is shipped."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from modelcar_tui.core import resources
from modelcar_tui.core.decode import decoder
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import open_regular
from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor.events import Stamped
from modelcar_tui.supervisor.runs import find_run, journal_of
from modelcar_tui.supervisor.settings import Settings

SHIPPED = "demo:"
"""Before the name of a recording that is shipped with the product."""
SUFFIX = ".jsonl"
MOST = 512 * 1024**2
"""Bytes of a journal that is told again."""
_FIRST = 1024**2
"""Bytes of a journal's first line, which holds what was started and no more."""
_FIX = "give a run of `agent runs`, its journal.jsonl, or demo:NAME"


def recorded_run(name: str, settings: Settings) -> Path:
    """The journal of a recorded run, which is looked at and only read.

    Args:
        name: an id or its beginning, `last`, a folder, a file that ends with `.jsonl`, or `demo:NAME`. What
            stands behind `demo:` is also found by itself where no run has such an id.
        settings: where runs are kept.

    Raises:
        UserError: there is none, or it is no journal of a run.
    """
    path = journal_of(_place(name, settings))
    _look(path)
    return path


def shipped_runs() -> dict[str, Path]:
    """The journals that are shipped, by name."""
    return {path.stem: path for path in sorted(resources.demo_logs().glob(f"*{SUFFIX}"))}


def _place(name: str, settings: Settings) -> Path:
    if name.startswith(SHIPPED):
        known = shipped_runs()
        wanted = name.removeprefix(SHIPPED)
        if wanted not in known:
            what, fix = f"no recording {reveal(wanted)!r} is shipped", f"one of {', '.join(known)}"
            raise UserError(Problem(where=reveal(name), what=what, fix=fix))
        return known[wanted]
    if name.endswith(SUFFIX):
        return Path(name)
    try:
        return find_run(name, settings)
    except UserError:
        if name in (known := shipped_runs()):
            return known[name]
        raise


def _look(path: Path) -> None:
    """Refuse what is no journal by its kind, its size and its first line."""
    where = reveal(str(path))
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            size, first = os.fstat(file.fileno()).st_size, file.readline(_FIRST)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(Problem(where=where, what=f"no recorded run here: {why}", fix=_FIX)) from None
    if size > MOST:
        what = f"it is larger than {MOST // 1024**2} MiB, which no run of ours writes"
        raise UserError(Problem(where=where, what=what, fix=_FIX))
    try:
        decoder(Stamped).decode(first)
        whole = first.endswith(b"\n")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        whole = False
    if not whole:
        what = "this is no journal of a run" if first else "this file is empty, no journal of a run"
        raise UserError(Problem(where=where, what=what, fix=_FIX))
