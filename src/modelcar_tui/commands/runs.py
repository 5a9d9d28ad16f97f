"""`agent runs`: the earlier runs, newest first."""

from __future__ import annotations

import sys
import time

from modelcar_tui.commands.replay import load_run
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor import RunState, Settings, outcome_of


def list_runs(settings: Settings, *, most: int = 50) -> int:
    """Print id, start, end and manifest of each run."""
    folders = sorted((path for path in settings.runs_folder.glob("*") if path.is_dir()), reverse=True)
    for folder in folders[:most]:
        try:
            state = load_run(folder)
        except UserError:
            continue
        started = time.strftime("%Y-%m-%d %H:%M", time.localtime(state.started or 0))
        sys.stdout.write(f"{folder.name}  {started}  {_end(state):22}  {state.path}\n")
    if not folders:
        sys.stdout.write(f"no runs in {settings.runs_folder}\n")
    return ExitStatus.GO


def _end(state: RunState) -> str:
    if state.finish is not None:
        told = outcome_of(state)
        return f"{told.headline if told else state.finish.verdict} (status {state.finish.exit_status})"
    return "waits for approval" if state.waiting_for_approval else "not finished"
