"""`agent runs`: the earlier runs, newest first; demos, and starts that came to nothing, apart."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from modelcar_tui import api
from modelcar_tui.commands.guard import complain
from modelcar_tui.core.config_file import with_home
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.sizes import size_text
from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor import Settings

_KINDS = {
    "run": "",
    "demo": "demos:",
    "start": "ended before a model was judged (a slip, a file in the way):",
}
"""What stands over each kind; nothing over the operator's own runs, so that the first line is the newest."""
_MOST_NAMED = 10


def list_runs(settings: Settings, *, every: bool = False, kind: str = "", form: str = "text") -> int:
    """Print a line a run: id, start, size, end, manifest; how to remove one goes to stderr.

    Args:
        settings: whose runs.
        every: whether all are told, not the newest alone.
        kind: of which alone; all where it is empty.
        form: `text` or `json`.
    """
    place = settings.runs_folder
    told = api.list_runs(state_dir=settings.state_dir, most=sys.maxsize if every else api.MOST)
    if kind:
        told = msgspec.structs.replace(told, runs=tuple(run for run in told.runs if run.kind == kind))
    if form == "json":
        from modelcar_tui.report import to_json

        sys.stdout.write(to_json(msgspec.to_builtins(told)))
        return ExitStatus.GO
    for one, title in _KINDS.items():
        sys.stdout.writelines(_lines(title, [run for run in told.runs if run.kind == one]))
    if not told.runs and not told.unreadable:
        of_kind = f" of the kind {kind}" if kind else ""
        sys.stdout.write(f"no runs{of_kind} in {reveal(str(place))}\n")
        return ExitStatus.GO
    _complain(told, place)
    return ExitStatus.GO


def _complain(told: api.EarlierRuns, place: Path) -> None:
    """What is broken, how much there is, and how to remove one."""
    if told.unreadable:
        broken = ", ".join(map(reveal, told.unreadable[:_MOST_NAMED]))
        more = len(told.unreadable) - _MOST_NAMED
        broken += f" and {more:,} more" if more > 0 else ""
        complain(f"{len(told.unreadable)} without a journal that can be read: {broken}")
    size = size_text(sum(run.size for run in told.runs))
    older = f", and {told.older:,} older (--all)" if told.older else ""
    count = f"{len(told.runs):,} run{'s' * (len(told.runs) != 1)}"
    complain(f"{count}, {size}, in {short_path(str(place))}{older}; to remove one: agent rm ID")


def short_path(path: str) -> str:
    """A path as it can be typed here: from the working folder where it lies in it, else with `~` as home."""
    with suppress(OSError, ValueError):
        return reveal(str(Path(path).relative_to(Path.cwd())))
    return reveal(with_home(path))


def _lines(title: str, runs: list[api.EarlierRun]) -> Iterator[str]:
    if runs and title:
        yield f"{title}\n"
    for run in runs:
        began = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.began or 0))
        manifest = Path(run.manifest).name if run.kind == "demo" else short_path(run.manifest)
        yield reveal(f"{run.id}  {began}  {size_text(run.size):>9}  {run.end:<19}  {manifest}") + "\n"
