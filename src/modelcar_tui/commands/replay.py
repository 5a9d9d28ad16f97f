"""An earlier run told again from its journal; nothing is done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from modelcar_tui.api import load_run
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor import RunState, journal_of

__all__ = ["load_run", "print_run"]


def print_run(
    folder: Path, *, form: str = "text", at_end: Callable[[RunState], None] = lambda _: None
) -> int:
    """Print a run's report; the exit status is the one that the run had.

    Args:
        folder: The run's.
        form: `text`, `json` or `jsonl`.
        at_end: Called with the run.
    """
    state = load_run(folder)
    if form == "jsonl":
        path = journal_of(folder)
        sys.stdout.write(path.read_text())
    elif form == "json":
        from modelcar_tui.report import envelope, to_json

        sys.stdout.write(to_json(envelope(state)))
    else:
        from modelcar_tui.report import plain

        sys.stdout.write(plain(state))
    at_end(state)
    return state.finish.exit_status if state.finish else ExitStatus.UNKNOWN
