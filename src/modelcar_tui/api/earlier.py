"""Earlier runs, from what their folders keep; nothing is done again."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

import msgspec

from modelcar_tui.api.asked import Path_, place
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor import (
    RunState,
    Settings,
    damage_of,
    fold,
    outcome_of,
    recorded_run,
    retold,
)

MOST = 50
"""Folders that are looked at by default, the newest."""


class EarlierRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run, as its journal tells it."""

    id: str
    kind: str
    """`run`, `demo`, or `start`: it ended before a model was judged."""
    began: float | None
    """Seconds since 1970."""
    size: int
    """Bytes of its folder."""
    end: str
    """`GO on L40S only (status 0)`, `waits for approval`, `not finished`."""
    verdict: str | None
    """None while it has not finished."""
    exit_status: int | None
    manifest: str
    folder: str


class EarlierRuns(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of a state folder, newest first."""

    folder: str
    runs: tuple[EarlierRun, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Ids of folders without a journal that can be read."""
    older: int = 0
    """Folders that were not looked at."""


def load_run(run: str | os.PathLike[str] = "last", *, state_dir: Path_ | None = None) -> RunState:
    """The state that a run's journal tells; of a damaged one what can be read of it, and a notice.

    Args:
        run: An id, the start of one, `last`, `demo:NAME`, or the path of a folder or journal.
        state_dir: Where runs are kept; by default the settings' own.

    Raises:
        UserError: there is no such run or no journal, or nothing in it can be read.
    """
    settings = Settings(manifest="", state_dir=place(state_dir))
    return fold(retold(recorded_run(run, settings) if isinstance(run, str) else Path(run)))


def list_runs(*, state_dir: Path_ | None = None, most: int = MOST) -> EarlierRuns:
    """The earlier runs, newest first.

    Args:
        state_dir: Where runs are kept; by default the settings' own.
        most: Folders that are looked at, the newest.

    Raises:
        UserError: `most` is less than 0.
    """
    if most < 0:
        raise UserError(Problem(where="most", what=f"{most} is less than 0", fix="give 0 or more"))
    runs_folder = Settings(manifest="", state_dir=place(state_dir)).runs_folder
    folders = sorted((path for path in runs_folder.glob("*") if path.is_dir()), reverse=True)
    runs, unreadable = list[EarlierRun](), list[str]()
    for folder in folders[:most]:
        try:
            runs.append(_run(folder, load_run(folder)))
        except UserError:
            unreadable.append(folder.name)
    return EarlierRuns(
        folder=str(runs_folder),
        runs=tuple(runs),
        unreadable=tuple(unreadable),
        older=max(0, len(folders) - most),
    )


def _run(folder: Path, state: RunState) -> EarlierRun:
    kind, finish = "demo" if state.demo else "run", state.finish
    if kind == "run" and finish is not None and state.decision is None:
        kind = "start" if finish.exit_status == ExitStatus.USAGE else kind
    return EarlierRun(
        id=folder.name,
        kind=kind,
        began=state.started,
        size=_size(folder),
        end=end_of(state),
        verdict=finish.verdict if finish is not None else None,
        exit_status=finish.exit_status if finish is not None else None,
        manifest=state.path,
        folder=str(folder),
    )


def _size(folder: Path) -> int:
    """Bytes of all files in a folder; links are not followed."""
    size = 0
    for inner, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                told = Path(inner, name).lstat()
                size += told.st_size if stat.S_ISREG(told.st_mode) else 0
    return size


def end_of(state: RunState) -> str:
    """How a run ended, or what it waits for, in a few words."""
    if state.finish is not None:
        told = outcome_of(state)
        return f"{told.headline if told else state.finish.verdict} (status {state.finish.exit_status})"
    if damage_of(state):
        return "not known: its journal is damaged"
    return "waits for approval" if state.waiting_for_approval else "not finished"
