"""One run from its manifest to its end: the engine, its state, its folder.

Its events are `supervisor.events`, the language model is `supervisor.llm`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.supervisor.afterwards import keep_in_journal
    from modelcar_tui.supervisor.alone import run_alone
    from modelcar_tui.supervisor.cleanup import CleanUp, clean_up
    from modelcar_tui.supervisor.engine import Engine
    from modelcar_tui.supervisor.finding import LAST, find_run, run_folders
    from modelcar_tui.supervisor.glance import BROKEN, NOTHING, Glance, glance_at
    from modelcar_tui.supervisor.inputs import MOST_BYTES, keep_input
    from modelcar_tui.supervisor.journal import read_journal
    from modelcar_tui.supervisor.limits import STOP_S, TRY_STOP_S
    from modelcar_tui.supervisor.marks import Marked, Marks, marked
    from modelcar_tui.supervisor.outcome import outcome_of
    from modelcar_tui.supervisor.pane import Pane, Step
    from modelcar_tui.supervisor.pruning import PrunedOne, limits_of, prune, would_remove
    from modelcar_tui.supervisor.recorded import (
        damage_of,
        recorded_run,
        retold,
        shipped_runs,
        still_open,
        watch,
    )
    from modelcar_tui.supervisor.removing import folder_size, is_held_by_force, remove_old, remove_run
    from modelcar_tui.supervisor.running import run_supervisor
    from modelcar_tui.supervisor.runs import (
        SETTINGS,
        command_keeping,
        journal_of,
        settings_of_run,
        settings_to_resume,
    )
    from modelcar_tui.supervisor.settings import Approve, Settings
    from modelcar_tui.supervisor.specialist import Context, Metadata, Specialist
    from modelcar_tui.supervisor.specialists.accelerator import Accelerator
    from modelcar_tui.supervisor.specialists.configuration import Configuration, requirements_row
    from modelcar_tui.supervisor.state import Finish, Qa, RunState, fold
    from modelcar_tui.supervisor.supervisor import Supervisor
    from modelcar_tui.supervisor.trial_room import Wish
    from modelcar_tui.supervisor.trials import Trial
    from modelcar_tui.supervisor.trying import Try
    from modelcar_tui.supervisor.unsettled import unknowns
    from modelcar_tui.supervisor.way_back import named, named_at

__all__ = [
    "BROKEN",
    "LAST",
    "MOST_BYTES",
    "NOTHING",
    "SETTINGS",
    "STOP_S",
    "TRY_STOP_S",
    "Accelerator",
    "Approve",
    "CleanUp",
    "Configuration",
    "Context",
    "Engine",
    "Finish",
    "Glance",
    "Marked",
    "Marks",
    "Metadata",
    "Pane",
    "PrunedOne",
    "Qa",
    "RunState",
    "Settings",
    "Specialist",
    "Step",
    "Supervisor",
    "Trial",
    "Try",
    "Wish",
    "clean_up",
    "command_keeping",
    "damage_of",
    "find_run",
    "fold",
    "folder_size",
    "glance_at",
    "is_held_by_force",
    "journal_of",
    "keep_in_journal",
    "keep_input",
    "limits_of",
    "marked",
    "named",
    "named_at",
    "outcome_of",
    "prune",
    "read_journal",
    "recorded_run",
    "remove_old",
    "remove_run",
    "requirements_row",
    "retold",
    "run_alone",
    "run_folders",
    "run_supervisor",
    "settings_of_run",
    "settings_to_resume",
    "shipped_runs",
    "still_open",
    "unknowns",
    "watch",
    "would_remove",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "afterwards": "keep_in_journal",
            "alone": "run_alone",
            "cleanup": "CleanUp clean_up",
            "engine": "Engine",
            "finding": "LAST find_run run_folders",
            "glance": "BROKEN Glance NOTHING glance_at",
            "inputs": "MOST_BYTES keep_input",
            "journal": "read_journal",
            "limits": "STOP_S TRY_STOP_S",
            "marks": "Marked Marks marked",
            "outcome": "outcome_of",
            "recorded": "damage_of recorded_run retold shipped_runs still_open watch",
            "pruning": "PrunedOne limits_of prune would_remove",
            "removing": "folder_size is_held_by_force remove_old remove_run",
            "running": "run_supervisor",
            "runs": "command_keeping journal_of SETTINGS settings_of_run settings_to_resume",
            "settings": "Approve Settings",
            "specialist": "Context Metadata Specialist",
            "specialists.accelerator": "Accelerator",
            "specialists.configuration": "Configuration requirements_row",
            "pane": "Pane Step",
            "state": "Finish Qa RunState fold",
            "supervisor": "Supervisor",
            "trials": "Trial",
            "trial_room": "Wish",
            "trying": "Try",
            "unsettled": "unknowns",
            "way_back": "named named_at",
        },
    )
