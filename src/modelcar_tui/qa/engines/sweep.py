"""Removing what killed runs had lent to their suites, and nothing of a run that still goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

from modelcar_tui.core.lock import try_lock
from modelcar_tui.qa.engines.podman_cli import Podman
from modelcar_tui.qa.engines.podman_container import ids_running
from modelcar_tui.qa.engines.staging import stage_folder, unstage


async def sweep_stale_secrets(runs: Path, *, program: str = "podman") -> list[Path]:
    """Remove lent secrets of runs that were killed (call it at start). Running containers keep theirs.

    Args:
        runs: the folder of all runs.

    Returns:
        The folders that were removed.
    """
    stale = _stale(runs)
    if not stale:
        return []
    running: set[str] | None = set()
    if shutil.which(program) is not None:
        running = await ids_running(Podman(program))
    if running is None:
        return []
    swept = [qa for qa in stale if qa.parent.name not in running]
    for qa in swept:
        unstage(qa)
    return [stage_folder(qa) for qa in swept]


def _stale(runs: Path) -> list[Path]:
    """QA folders of runs that nobody drives and whose lent files still lie there."""
    return [stage.parent for stage in runs.glob("*/qa/stage") if not _driven(stage.parent)]


def _driven(qa: Path) -> bool:
    try:
        with (qa / "lock").open("rb+") as lock:
            return not try_lock(lock.fileno())
    except OSError:
        return False
