"""The outcome of a QA run on disk, so that asking again does not run again; and the sweep of what was
left."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from modelcar_tui.core.files import write_private
from modelcar_tui.core.lock import try_lock
from modelcar_tui.qa.staging import stage_folder, unstage
from modelcar_tui.qa.suite_probe import Probe
from modelcar_tui.qa.types import QaOutcome

_PROBE = "suite.json"
_NAME = "outcome.json"
SPOOL = "qa.log"


def load_outcome(qa: Path) -> QaOutcome | None:
    """The stored outcome, None where the run has not ended (or its record can't be read)."""
    try:
        return msgspec.json.decode((qa / _NAME).read_bytes(), type=QaOutcome)
    except (OSError, msgspec.MsgspecError):
        return None


def save_outcome(qa: Path, outcome: QaOutcome) -> None:
    """Store the outcome, whole or not at all."""
    write_private(qa / _NAME, msgspec.json.encode(outcome))


def load_probe(qa: Path) -> Probe | None:
    """What the suite of this run is; None where it was not asked yet (or the record can't be read)."""
    try:
        return msgspec.json.decode((qa / _PROBE).read_bytes(), type=Probe)
    except (OSError, msgspec.MsgspecError):
        return None


def save_probe(qa: Path, probe: Probe) -> None:
    """Keep what the suite of this run is, for whoever goes on with the run or cleans up after it."""
    write_private(qa / _PROBE, msgspec.json.encode(probe))


def stale_stages(runs: Path) -> list[Path]:
    """QA folders of runs that nobody drives and whose lent files still lie there."""
    return [stage.parent for stage in runs.glob("*/qa/stage") if not _driven(stage.parent)]


def sweep(stale: Iterable[Path], running: Callable[[str], bool]) -> list[Path]:
    """Remove the lent files of runs that were killed, unless their container still uses them.

    Args:
        running: Whether the container of a run id is running.
    """
    swept = []
    for qa in stale:
        if not running(qa.parent.name):
            unstage(qa)
            swept.append(stage_folder(qa))
    return swept


def _driven(qa: Path) -> bool:
    try:
        with (qa / "lock").open("rb+") as lock:
            return not try_lock(lock.fileno())
    except OSError:
        return False
