"""What is said of a run after its end: appended to its journal, so that a replay shows it too."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from modelcar_tui.core.errors import UserError
from modelcar_tui.supervisor.events import AnyEvent, Stamped
from modelcar_tui.supervisor.journal import Journal
from modelcar_tui.supervisor.runs import JOURNAL, RunFolder

WAIT_S = 2.0
"""For another question of the same run to be written down."""


def keep_in_journal(
    folder: Path, events: Sequence[AnyEvent], *, wait_s: float = WAIT_S
) -> tuple[list[Stamped], str]:
    """Append events to the journal of a run that nobody has open; what is there already is never touched.

    Returns:
        The events with their numbers, and the empty text; or none of them, and why they could not be kept.
    """
    deadline = time.monotonic() + wait_s
    while True:
        try:
            run = RunFolder.open(folder)
            break
        except (UserError, OSError) as error:
            if time.monotonic() >= deadline or not (folder / JOURNAL).is_file():
                return [], f"not kept in the journal: {_text(error)}"
            time.sleep(0.05)
    try:
        journal = Journal(folder / JOURNAL)
        try:
            return [journal.append(event, time.time()) for event in events], ""
        finally:
            journal.close()
    except OSError as error:
        return [], f"not kept in the journal: {_text(error)}"
    finally:
        with suppress(OSError):
            run.release()


def _text(error: UserError | OSError) -> str:
    return str(error) if isinstance(error, UserError) else str(error.strerror)
