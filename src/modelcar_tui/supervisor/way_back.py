"""How a kept run is named on a command line, so that it is found from there."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from modelcar_tui.core.text import has_hidden
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState


def named(state: RunState) -> str:
    """What stands behind `--resume`, `--replay` or `agent report`; empty of a run that has not begun.

    The id, and the state folder where the command does not look there by itself.
    """
    return named_at(state.run_id, Path(state.folder)) if state.folder else state.run_id


def named_at(run_id: str, folder: Path) -> str:
    """As `named`, of the run's id and its folder."""
    if not run_id:
        return ""
    runs = os.path.abspath(folder.parent)  # noqa: PTH100 - no link is followed: it is as the operator gave it
    usual = os.path.abspath(Settings(manifest="").runs_folder)  # noqa: PTH100
    if runs == usual or has_hidden(runs):
        return run_id
    place, home = os.path.dirname(runs), f"{Path.home()}/"  # noqa: PTH120
    short = place.replace(home, "~/", 1) if place.startswith(home) else place
    # The shell reads a `~` only where nothing is quoted.
    return f"{run_id} --state-dir {short if shlex.quote(place) == place else shlex.quote(place)}"
