"""`agent runs`: the earlier runs, newest first; demos, and starts that came to nothing, apart."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from modelcar_tui import api
from modelcar_tui.commands.guard import complain
from modelcar_tui.core.config_file import with_home
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor import Settings

_KINDS = {
    "run": "",
    "demo": "demos:",
    "start": "ended before a model was judged (a slip, a file in the way):",
}
"""What stands over each kind; nothing over the operator's own runs, so that the first line is the newest."""


def list_runs(settings: Settings, *, most: int = 50) -> int:
    """Print a line a run: id, start, size, end, manifest; how to delete one goes to stderr.

    Args:
        settings: whose runs.
        most: folders that are looked at, the newest.
    """
    place = settings.runs_folder
    told = api.list_runs(state_dir=settings.state_dir, most=most)
    for kind, title in _KINDS.items():
        sys.stdout.writelines(_lines(title, [run for run in told.runs if run.kind == kind]))
    if not told.runs and not told.unreadable:
        sys.stdout.write(f"no runs in {reveal(str(place))}\n")
        return ExitStatus.GO
    if told.unreadable:
        broken = ", ".join(told.unreadable)
        complain(f"{len(told.unreadable)} without a journal that can be read: {broken}")
    shown = short_path(str(place))
    size = size_text(sum(run.size for run in told.runs))
    older = f", and {told.older} older" if told.older else ""
    count = f"{len(told.runs)} run{'s' * (len(told.runs) != 1)}"
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


def _lines(title: str, runs: list[api.EarlierRun]) -> Iterator[str]:
    if runs and title:
        yield f"{title}\n"
    for run in runs:
        began = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.began or 0))
        manifest = Path(run.manifest).name if run.kind == "demo" else short_path(run.manifest)
        yield reveal(f"{run.id}  {began}  {size_text(run.size):>9}  {run.end:<19}  {manifest}") + "\n"
