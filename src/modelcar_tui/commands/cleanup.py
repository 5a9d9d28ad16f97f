"""`agent cleanup RUN`: what a broken QA left on the cluster; `--yes` deletes it."""

from __future__ import annotations

import sys
from pathlib import Path

from modelcar_tui.commands.replay import load_run
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.loops import run_once
from modelcar_tui.supervisor import Settings, clean_up


def run_cleanup(folder: Path, settings: Settings, *, yes: bool) -> int:
    """Show what is there and whether it is this run's; delete only that, and only with `yes`."""
    work = clean_up(folder, load_run(folder), settings)
    items = run_once(work.look())
    for item in items:
        state = "this run's" if item.ours else f"kept: {item.kept}"
        sys.stdout.write(f"{item.kind} {item.name}  {state}\n  {item.command}\n")
    ours = frozenset(item.uid for item in items if item.ours)
    if not ours:
        sys.stdout.write("nothing of this run is left on the cluster\n")
        return ExitStatus.GO
    if not yes:
        sys.stdout.write(
            f"{len(ours)} to delete; nothing was deleted. To do it: agent cleanup {folder.name} --yes\n"
        )
        return ExitStatus.GO
    lines = run_once(work.delete(ours))
    sys.stdout.writelines(f"{line}\n" for line in lines)
    failed = any(line.startswith("not deleted") for line in lines)
    return ExitStatus.CLUSTER if failed else ExitStatus.GO
