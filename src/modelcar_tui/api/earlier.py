"""Earlier runs, from what their folders keep; nothing is done again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from modelcar_tui.api.asked import Path_, place
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.supervisor import (
    BROKEN,
    NOTHING,
    Glance,
    RunState,
    Settings,
    damage_of,
    fold,
    folder_size,
    glance_at,
    outcome_of,
    recorded_run,
    retold,
    run_folders,
)

MOST = 50
"""Folders that are looked at by default, the newest."""


class EarlierRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run, as its journal tells it."""

    id: str
    kind: str
    """`run`, `demo`, or `start`: it ended before a model was judged. `nothing`: it was killed before it had
    said what it is to do. `broken`: its journal can't be read."""
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
    resumable: bool = False
    """Whether it can be gone on with."""


class EarlierRuns(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of a state folder, newest first."""

    folder: str
    runs: tuple[EarlierRun, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Ids of folders without a journal that can be read."""
    older: int = 0
    """Folders that were not looked at."""


def load_run(run: str | os.PathLike[str] = "last", *, state_dir: Path_ | None = None) -> RunState:
    """The state that a run's journal tells; of a damaged one all that can be read, and a notice.

    Args:
        run: An id, the start of one, `last`, `demo:NAME`, or the path of a folder or journal.
        state_dir: Where runs are kept; by default the settings' own.

    Raises:
        UserError: there is no such run or no journal, or nothing in it can be read.
    """
    settings = Settings(manifest="", state_dir=place(state_dir))
    return fold(retold(recorded_run(run, settings) if isinstance(run, str) else Path(run)))


def earlier_runs(*, state_dir: Path_ | None = None) -> Iterator[EarlierRun]:
    """Every earlier run, newest first, one after the other: thousands in a second.

    Of each only the first and last lines of its journal are read, so `end` tells verdict and status in no
    more words than that; `end_of(load_run(run.id))` has the rest. Damage in between is not seen.

    Args:
        state_dir: Where runs are kept; by default the settings' own.
    """
    for folder in run_folders(Settings(manifest="", state_dir=place(state_dir)).runs_folder):
        yield _seen(glance_at(folder))


def list_runs(*, state_dir: Path_ | None = None, most: int = MOST) -> EarlierRuns:
    """The earlier runs, newest first.

    Args:
        state_dir: Where runs are kept; by default the settings' own.
        most: Folders that are looked at, the newest. Of the newest 50 the whole journal is read, for what
            came of them in words.

    Raises:
        UserError: `most` is less than 0.
    """
    if most < 0:
        raise UserError(Problem(where="most", what=f"{most} is less than 0", fix="give 0 or more"))
    runs_folder = Settings(manifest="", state_dir=place(state_dir)).runs_folder
    folders = run_folders(runs_folder)
    runs, unreadable = list[EarlierRun](), list[str]()
    for number, folder in enumerate(folders[:most]):
        seen = glance_at(folder)
        if seen.kind in (BROKEN, NOTHING):
            unreadable.append(folder.name)
        else:
            runs.append(_in_words(seen) if number < MOST else _seen(seen))
    return EarlierRuns(
        folder=str(runs_folder),
        runs=tuple(runs),
        unreadable=tuple(unreadable),
        older=max(0, len(folders) - most),
    )


def _in_words(seen: Glance) -> EarlierRun:
    """With the outcome's own words, which take all of the journal."""
    run = _seen(seen)
    with suppress(UserError):  # no event yet
        state = load_run(seen.folder)
        return msgspec.structs.replace(run, end=end_of(state), manifest=state.path or run.manifest)
    return run


def _seen(seen: Glance) -> EarlierRun:
    finish = seen.finish
    return EarlierRun(
        id=seen.folder.name,
        kind=seen.kind,
        began=seen.began,
        size=folder_size(seen.folder),
        end=_end(seen),
        verdict=finish.verdict if finish is not None else None,
        exit_status=finish.exit_status if finish is not None else None,
        manifest=seen.manifest,
        folder=str(seen.folder),
        resumable=seen.resumable,
    )


def _end(seen: Glance) -> str:
    if seen.kind == BROKEN:
        return "its journal can't be read"
    if seen.kind == NOTHING:
        return "killed before it began"
    if seen.finish is not None:
        return f"{seen.finish.verdict} (status {seen.finish.exit_status})"
    return f"waits for {seen.waits}" if seen.waits else "not finished"


def end_of(state: RunState) -> str:
    """How a run ended, or what it waits for, in a few words."""
    if state.finish is not None:
        told = outcome_of(state)
        return f"{told.headline if told else state.finish.verdict} (status {state.finish.exit_status})"
    if damage_of(state):
        return "not known: its journal is damaged"
    if state.waiting_for_consent:
        return "waits for consent"
    return "waits for approval" if state.waiting_for_approval else "not finished"
