"""Which folder a name of an earlier run means: an id, the start of one, `last`, or a path."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor.glance import NOTHING, START, glance_at
from modelcar_tui.supervisor.settings import Settings

RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}", re.ASCII)
"""The name of a run's folder, as it is made."""
LAST = "last"
"""The newest run of the operator's own."""


def run_folders(runs: Path) -> list[Path]:
    """The folders of runs, newest first; those that somebody has named otherwise stand last."""
    try:
        with os.scandir(runs) as entries:
            names = [one.name for one in entries if not one.name.startswith(".") and _is_folder(one)]
    except OSError:
        return []
    names.sort(key=lambda name: (RUN_ID.fullmatch(name) is not None, name), reverse=True)
    return [runs / name for name in names]


def find_run(name: str, settings: Settings) -> Path:
    """The folder of a run given by id, unambiguous start of an id, `last`, or a path, which holds a `/`.

    `last` is the newest run, finished or not, demos too; a start that came to nothing (it ended before a
    model was judged, or was killed before it began) and another user's folder are passed over.

    Raises:
        UserError: there is none, or more than one.
    """
    if "/" in name or name in (".", ".."):
        return Path(name)
    hits = _hits(name, run_folders(settings.runs_folder))
    if len(hits) == 1:
        return hits[0]
    what = f"no run {reveal(name)!r}" if not hits else f"{reveal(name)!r} fits {len(hits)} runs"
    fix = "see `agent runs`"
    if not hits and name and Path(name).is_dir():
        fix = f"see `agent runs`; the folder of that name here is ./{reveal(name)}"
    raise UserError(Problem(where=reveal(str(settings.runs_folder)), what=what, fix=fix))


def _hits(name: str, folders: list[Path]) -> list[Path]:
    if name == LAST:
        found = _last(folders)
        return [] if found is None else [found]
    hits = [folder for folder in folders if name and folder.name.startswith(name)]
    return [folder for folder in hits if folder.name == name] or hits


def _last(folders: list[Path]) -> Path | None:
    slip: Path | None = None
    for folder in folders:
        kind = glance_at(folder).kind if _is_own(folder) else NOTHING
        if kind not in (START, NOTHING):
            return folder
        if kind == START:
            slip = slip or folder
    return slip


def _is_own(folder: Path) -> bool:
    with suppress(OSError):
        return folder.stat().st_uid == os.geteuid()
    return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
