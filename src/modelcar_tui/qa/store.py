"""What of a QA run lies on disk beside its log: what its suite is, and its outcome, so that asking again does
not run again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from modelcar_tui.core.decode import decode
from modelcar_tui.core.files import write_private
from modelcar_tui.qa.suite_facts import SuiteFacts
from modelcar_tui.qa.suite_probe import Probe
from modelcar_tui.qa.types import QaOutcome

_PROBE = "suite.json"
_NAME = "outcome.json"
SPOOL = "qa.log"


def load_outcome(qa: Path) -> QaOutcome | None:
    """The stored outcome, None where the run has not ended (or its record can't be read)."""
    try:
        return decode((qa / _NAME).read_bytes(), QaOutcome)
    except (OSError, msgspec.MsgspecError):
        return None


def save_outcome(qa: Path, outcome: QaOutcome) -> None:
    """Store the outcome, whole or not at all."""
    write_private(qa / _NAME, msgspec.json.encode(outcome))


def load_probe(qa: Path) -> Probe | None:
    """What the suite of this run is; None where it was not asked yet (or the record can't be read)."""
    try:
        return decode((qa / _PROBE).read_bytes(), Probe)
    except (OSError, msgspec.MsgspecError):
        return None


def load_suite_facts(qa: Path) -> SuiteFacts | None:
    """What the suite of this run accepts and makes; None as for `load_probe`."""
    probe = load_probe(qa)
    return probe.facts if probe is not None else None


def save_probe(qa: Path, probe: Probe) -> None:
    """Keep what the suite of this run is, for whoever goes on with the run or cleans up after it."""
    write_private(qa / _PROBE, msgspec.json.encode(probe))
