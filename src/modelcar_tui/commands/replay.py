"""An earlier run told again from its journal; nothing is done."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor import RunState, fold, journal_of, read_journal


def load_run(folder: Path) -> RunState:
    """The state that a run's journal tells.

    Raises:
        UserError: there is no journal, or another version wrote it.
    """
    path = journal_of(folder)
    try:
        return fold(read_journal(path))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(
            Problem(where=str(path), what=f"no journal that can be read ({error})", fix="see `agent runs`")
        ) from error


def print_run(folder: Path, *, form: str = "text") -> int:
    """Print a run's report; the exit status is the one that the run had."""
    state = load_run(folder)
    if form == "jsonl":
        path = journal_of(folder)
        sys.stdout.write(path.read_text())
    elif form == "json":
        from modelcar_tui.report import envelope, to_json

        sys.stdout.write(to_json(envelope(state)))
    else:
        from modelcar_tui.report import markdown

        sys.stdout.write(markdown(state))
    return state.finish.exit_status if state.finish else ExitStatus.UNKNOWN
