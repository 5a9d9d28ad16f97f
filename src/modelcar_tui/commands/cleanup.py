"""`agent cleanup RUN`: what a broken QA left on the cluster; `--yes` deletes it."""

from __future__ import annotations

import sys
from pathlib import Path

from modelcar_tui import api
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.loops import run_once
from modelcar_tui.core.shown import shown
from modelcar_tui.supervisor import Settings, clean_up, damage_of, named_at


def run_cleanup(folder: Path, settings: Settings, *, yes: bool) -> int:
    """Show what is there and whether it is this run's; delete only that, and only with `yes`."""
    state = api.load_run(folder)
    if damage := damage_of(state):
        # When QA began may stand behind the damage: objects that are older would be taken for the run's.
        fix = f"what QA made is named by the logs in {shown(str(folder / 'qa'))}"
        raise UserError(Problem(where=shown(str(folder)), what=damage, fix=fix))
    work = clean_up(folder, state, settings)
    items = run_once(work.look())
    for item in items:
        whose = "this run's" if item.ours else f"kept: {item.kept}"
        sys.stdout.write(f"{shown(f'{item.kind} {item.name}  {whose}')}\n  {shown(item.command)}\n")
    ours = frozenset(item.uid for item in items if item.ours)
    if not ours:
        sys.stdout.write("nothing of this run is left on the cluster\n")
        return ExitStatus.GO
    if not yes:
        way = f"agent cleanup {named_at(folder.name, folder)} --yes"
        sys.stdout.write(f"{len(ours)} to delete; nothing was deleted. To do it: {way}\n")
        return ExitStatus.GO
    lines = run_once(work.delete(ours))
    sys.stdout.writelines(f"{shown(line)}\n" for line in lines)
    failed = any(line.startswith("not deleted") for line in lines)
    return ExitStatus.CLUSTER if failed else ExitStatus.GO
