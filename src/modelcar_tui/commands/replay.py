"""An earlier run told again from its journal; nothing is done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from modelcar_tui import api
from modelcar_tui.commands.guard import complain
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor import RunState, damage_of, fold, retold, still_open


def load_run(folder: Path) -> RunState:
    """The state that a run's journal tells; what of it can't be read is said on stderr.

    Args:
        folder: The run's, or its journal.

    Raises:
        UserError: as `supervisor.retold`.
    """
    state = api.load_run(folder)
    _say(state)
    return state


def _say(state: RunState) -> None:
    if damage := damage_of(state):
        complain(f"note: {damage}")


def print_run(
    folder: Path, *, form: str = "text", at_end: Callable[[RunState], None] = lambda _: None
) -> int:
    """Print a run's report; the exit status is the one that the run had.

    Args:
        folder: The run's.
        form: `text`, `json` or `jsonl`.
        at_end: Called with the run.
    """
    told = retold(folder)
    state = fold(told)
    _say(state)
    if still_open(folder):
        complain("note: the run is open elsewhere; this is what it has told so far")
    if form == "jsonl":
        from modelcar_tui.report import to_json_line

        sys.stdout.writelines(to_json_line(msgspec.to_builtins(one)) for one in told)
    elif form == "json":
        from modelcar_tui.report import envelope, to_json

        sys.stdout.write(to_json(envelope(state)))
    else:
        from modelcar_tui.report import plain

        sys.stdout.write(plain(state))
    at_end(state)
    return state.finish.exit_status if state.finish else ExitStatus.UNKNOWN
