"""Which earlier runs go, by age and by size, and which stay whatever their age.

What an operator may still need is no matter of age: see `removing.held`. Nothing else in the state folder is
touched but a demo's own folder, once its run is gone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from modelcar_tui.core.settings_table import KEYS, variable_of
from modelcar_tui.core.sizes import size_bytes, size_text
from modelcar_tui.supervisor.finding import run_folders
from modelcar_tui.supervisor.glance import DEMO, NOTHING, START, glance_at
from modelcar_tui.supervisor.removing import Hold, finish_removals, folder_size, held, remove_old

SLIP_DAYS = 7
"""How long demos, and starts that came to nothing, are kept."""
DAY_S = 86_400.0
_OF_DEMO = (
    *("sample_modelcar_config.base.yaml", "kubeconfig", "registries.conf"),
    *("stub-ca.crt", "stub-server.crt", "stub-server.key"),
)
"""What a demo writes into its own folder."""
_DAYS, _SIZE = "runs.keep-days", "runs.keep-size"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept."""

    days: int = 90
    """0: no run is too old."""
    size: int = 2 * 2**30
    """Bytes of all runs; 0: they may hold any size. A run of the last 24 hours never goes for it."""


class PrunedOne(msgspec.Struct, frozen=True):
    """A run that went, would go, or stays though its time has come."""

    folder: Path
    size: int
    """Bytes."""
    why: str
    """Why it goes, or why it stays."""


class Pruned(msgspec.Struct, kw_only=True):
    """What came of it, so far."""

    gone: list[PrunedOne] = []
    kept: list[PrunedOne] = []
    """Those whose time had come, and which something held."""
    left: int = 0
    """Bytes of all runs that are there still."""


def limits_of(environ: Mapping[str, str] = os.environ) -> Limits:
    """What the settings say; what makes no sense is told where settings are read, and here the default."""
    days = environ.get(variable_of(_DAYS), "")
    size = size_bytes(environ.get(variable_of(_SIZE)) or str(KEYS[_SIZE].default))
    plain = Limits()
    return Limits(
        days=int(days) if days.isdecimal() and len(days) <= 5 else plain.days,
        size=plain.size if size is None else size,
    )


def would_remove(folder: Path) -> str:
    """As `remove_old`, of a run that is only looked at."""
    found = held(folder)
    return found.why if found.hold > Hold.NONE else ""


def prune(
    runs: Path,
    limits: Limits,
    *,
    remove: Callable[[Path], str] = remove_old,
    spare: Path | None = None,
    stop: Callable[[], bool] = lambda: False,
    told: Pruned | None = None,
    now: float | None = None,
) -> Pruned:
    """Remove the runs whose time has come, oldest first.

    Args:
        runs: The folder of runs.
        limits: How much is kept.
        remove: Removes one run; returns why it did not.
        spare: The run that is under way.
        stop: Asked between two runs.
        told: Filled on the way, for who looks on from elsewhere.
        now: Seconds since 1970.
    """
    told = Pruned() if told is None else told
    now = time.time() if now is None else now
    if remove is remove_old:
        finish_removals(runs)
    old, young = list[PrunedOne](), list[Path]()
    for folder in reversed(run_folders(runs)):
        if folder == spare:
            continue
        if why := too_old(folder, limits, now):
            old.append(PrunedOne(folder, 0, why))
        else:
            young.append(folder)
    for one in old:
        if stop():
            return told
        _remove(one, remove, told)
    _by_size(young, limits, remove, stop, told, now)
    if remove is remove_old and not stop():
        remove_demos(runs.parent / "demo", runs, now)
    return told


def too_old(folder: Path, limits: Limits, now: float) -> str:
    """Why the time of this run has come, or the empty text."""
    days = (now - _used(folder)) / DAY_S
    if days <= 1:
        return ""
    if limits.days and days > limits.days:
        return f"older than {limits.days} days"
    slip_days = min(SLIP_DAYS, limits.days) if limits.days else 0
    if not slip_days or days <= slip_days:
        return "killed before it began" if _is_nothing(folder) else ""
    return {
        DEMO: f"as a demo older than {slip_days} days",
        START: f"as a start that came to nothing, older than {slip_days} days",
        NOTHING: "killed before it began",
    }.get(glance_at(folder).kind, "")


def pruned_text(gone: list[PrunedOne]) -> str:
    """One line that says how many runs went, how much they held, and which settings keep more."""
    count, size = len(gone), size_text(sum(one.size for one in gone))
    runs = "1 earlier run was" if count == 1 else f"{count} earlier runs were"
    reasons = dict.fromkeys(one.why for one in gone)
    why = "; ".join(f"{sum(one.why == reason for one in gone)} {reason}" for reason in reasons)
    return f"{runs} removed, {size} ({why}); {_DAYS} and {_SIZE} in the settings keep more"


def due_text(due: list[PrunedOne], day: str, *, more: bool) -> str:
    """One line that announces the first removal.

    Args:
        due: What would go today.
        day: Of the first removal, `2026-12-08`.
        more: Whether not all runs were looked at.
    """
    count = f"{len(due)}{' or more' if more else ''}"
    size = size_text(sum(one.size for one in due))
    return (
        f"from {day} on earlier runs go by themselves when their time has come, today {count} ({size}): "
        f"see `agent prune`; {_DAYS} and {_SIZE} in the settings keep more, 0 all"
    )


def remove_demos(demos: Path, runs: Path, now: float) -> None:
    """Remove what demos were given, once no run tells of it; a file that no demo writes keeps its folder."""
    mentioned = b"".join(_settings(folder) for folder in run_folders(runs))
    for folder in run_folders(demos):
        with suppress(OSError):
            if now - folder.stat().st_mtime > SLIP_DAYS * DAY_S and folder.name.encode() not in mentioned:
                _remove_demo(folder)


def _remove_demo(folder: Path) -> None:
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        return
    inside = list(folder.iterdir())
    if all(one.name in _OF_DEMO and not one.is_symlink() for one in inside):
        for one in inside:
            one.unlink()
        folder.rmdir()


def _settings(folder: Path) -> bytes:
    with suppress(OSError):
        return (folder / "settings.json").read_bytes()
    return b""


def _remove(one: PrunedOne, remove: Callable[[Path], str], told: Pruned) -> bool:
    size = one.size or folder_size(one.folder)
    if why := remove(one.folder):
        if not os.path.lexists(one.folder):
            return True  # another process removed it meanwhile, and tells it
        told.kept.append(PrunedOne(one.folder, size, why))
        told.left += size
        return False
    told.gone.append(PrunedOne(one.folder, size, one.why))
    return True


def _by_size(
    folders: list[Path],
    limits: Limits,
    remove: Callable[[Path], str],
    stop: Callable[[], bool],
    told: Pruned,
    now: float,
) -> None:
    """The oldest go until all together hold no more than they may."""
    sized = list[PrunedOne]()
    for folder in folders:
        if stop():
            return
        sized.append(
            PrunedOne(folder, folder_size(folder), f"as the oldest, above {size_text(limits.size)} in all")
        )
    above = told.left + sum(one.size for one in sized) - limits.size if limits.size else 0
    for one in sized:
        due = above > 0 and not stop() and now - _used(one.folder) > DAY_S
        if due and _remove(one, remove, told):
            above -= one.size
        elif not due:
            told.left += one.size


def _used(folder: Path) -> float:
    """When something of a run was last written, seconds since 1970."""
    newest = 0.0
    for path in (folder, folder / "journal.jsonl"):
        with suppress(OSError):
            newest = max(newest, path.lstat().st_mtime)
    return newest


def _is_nothing(folder: Path) -> bool:
    return glance_at(folder).kind == NOTHING
