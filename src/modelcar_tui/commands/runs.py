"""`agent runs`: the earlier runs, newest first; demos, and starts that came to nothing, apart."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from modelcar_tui.commands.guard import complain
from modelcar_tui.commands.replay import load_run
from modelcar_tui.core.config_file import with_home
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor import RunState, Settings, outcome_of

_KINDS = {
    "run": "",
    "demo": "demos:",
    "start": "ended before a model was judged (a slip, a file in the way):",
}
"""What stands over each kind; nothing over the operator's own runs, so that the first line is the newest."""


class _Row(msgspec.Struct, frozen=True):
    """A run: its folder's name, what kind it is, when it began, its bytes, how it ended, its manifest."""

    name: str
    kind: str
    began: float
    size: int
    end: str
    manifest: str


def list_runs(settings: Settings, *, most: int = 50) -> int:
    """Print a line a run: id, start, size, end, manifest; how to delete one goes to stderr.

    Args:
        settings: whose runs.
        most: folders that are looked at, the newest.
    """
    place = settings.runs_folder
    folders = sorted((path for path in place.glob("*") if path.is_dir()), reverse=True)
    rows, broken = [], []
    for folder in folders[:most]:
        try:
            rows.append(_row(folder, load_run(folder)))
        except UserError:
            broken.append(folder.name)
    for kind, title in _KINDS.items():
        sys.stdout.writelines(_lines(title, [row for row in rows if row.kind == kind]))
    if not folders:
        sys.stdout.write(f"no runs in {reveal(str(place))}\n")
        return ExitStatus.GO
    if broken:
        complain(f"{len(broken)} without a journal that can be read: {', '.join(broken)}")
    shown = short_path(str(place))
    size = size_text(sum(row.size for row in rows))
    older = f", and {len(folders) - most} older" if len(folders) > most else ""
    count = f"{len(rows)} run{'s' * (len(rows) != 1)}"
    complain(f"{count}, {size}, in {shown}{older}; to delete one that has ended: rm -r {shown}/ID")
    return ExitStatus.GO


def size_text(size: int) -> str:
    """Bytes as KiB (1024), or MiB from a tenth of one on."""
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 / 10 else f"{-(-size // 1024)} KiB"


def short_path(path: str) -> str:
    """A path as it can be typed here: from the working folder where it lies in it, else with `~` as home."""
    with suppress(OSError, ValueError):
        return reveal(str(Path(path).relative_to(Path.cwd())))
    return with_home(path)


def _row(folder: Path, state: RunState) -> _Row:
    kind = "demo" if state.demo else "run"
    if kind == "run" and state.finish is not None and state.decision is None:
        kind = "start" if state.finish.exit_status == ExitStatus.USAGE else kind
    return _Row(
        name=folder.name,
        kind=kind,
        began=state.started or 0,
        size=_size(folder),
        end=_end(state),
        manifest=Path(state.path).name if state.demo else short_path(state.path),
    )


def _lines(title: str, rows: list[_Row]) -> Iterator[str]:
    if rows and title:
        yield f"{title}\n"
    for row in rows:
        began = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.began))
        yield f"{row.name}  {began}  {size_text(row.size):>9}  {row.end:<19}  {row.manifest}\n"


def _size(folder: Path) -> int:
    """Bytes of all files in a folder; links are not followed."""
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                told = Path(place, name).lstat()
                size += told.st_size if stat.S_ISREG(told.st_mode) else 0
    return size


def _end(state: RunState) -> str:
    if state.finish is not None:
        told = outcome_of(state)
        return f"{told.headline if told else state.finish.verdict} (status {state.finish.exit_status})"
    return "waits for approval" if state.waiting_for_approval else "not finished"
