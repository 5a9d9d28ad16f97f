"""`agent rm` and `agent prune`: earlier runs removed by name, or because their time has come."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec

from modelcar_tui.commands.guard import complain
from modelcar_tui.commands.runs import short_path
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.sizes import size_text
from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor import (
    LAST,
    PrunedOne,
    Settings,
    find_run,
    folder_size,
    is_held_by_force,
    limits_of,
    prune,
    remove_old,
    remove_run,
    would_remove,
)

_SHOWN = 200
"""Runs that are told one by one."""


def run_rm(names: Sequence[str], settings: Settings, *, force: bool) -> int:
    """Remove the runs of these names; where one of them is no run's, none is.

    Raises:
        UserError: a name is no run's, is no single one's, or `last`.
    """
    if LAST in names:
        fix = "give its id: agent runs"
        raise UserError(Problem(where="last", what="a run is removed by its own name", fix=fix))
    folders = dict.fromkeys(find_run(name, settings) for name in names)
    failed = False
    for folder in folders:
        size, asks = folder_size(folder), not force and is_held_by_force(folder)
        if why := remove_run(folder, force=force):
            failed = True
            fix = "; to remove it with that: --force" if asks else ""
            complain(f"{reveal(folder.name or str(folder))}: not removed: {why}{fix}")
        else:
            sys.stdout.write(f"removed: {reveal(folder.name)} ({size_text(size)})\n")
    return ExitStatus.USAGE if failed else ExitStatus.GO


def run_prune(settings: Settings, *, days: int | None, size: int | None, yes: bool) -> int:
    """Show which runs go and which stay though their time has come; with `yes` remove them.

    Args:
        settings: Where runs are kept.
        days: In place of the settings' `runs.keep-days`.
        size: Bytes, in place of `runs.keep-size`.
        yes: Whether anything is removed.
    """
    limits = limits_of()
    limits = msgspec.structs.replace(
        limits, days=limits.days if days is None else days, size=limits.size if size is None else size
    )
    runs = settings.runs_folder
    told = prune(runs, limits, remove=remove_old if yes else would_remove)
    _tell("", told.gone)
    _tell("their time has come, but they stay:", told.kept)
    held = f", {len(told.kept)} held" if told.kept else ""
    count, bytes_gone = len(told.gone), size_text(sum(one.size for one in told.gone))
    left = f"{size_text(told.left)} stay in {short_path(str(runs))}"
    if yes:
        complain(f"{count} removed ({bytes_gone}){held}; {left}")
    elif count:
        complain(f"{count} would go ({bytes_gone}){held}; {left}. Nothing was removed; to do it: --yes")
    else:
        complain(f"nothing would go{held}; {left}")
    return ExitStatus.GO


def _tell(title: str, runs: list[PrunedOne]) -> None:
    if runs and title:
        sys.stdout.write(f"{title}\n")
    for one in runs[:_SHOWN]:
        sys.stdout.write(f"{reveal(one.folder.name)}  {size_text(one.size):>9}  {one.why}\n")
    if len(runs) > _SHOWN:
        sys.stdout.write(f"... and {len(runs) - _SHOWN:,} more\n")
