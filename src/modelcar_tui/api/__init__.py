"""What other programs ask of us, a function a question; the commands of `agent` ask the same ones.

`docs/python.md` documents each, with an example that is run as it stands there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.api.earlier import (
        MOST,
        EarlierRun,
        EarlierRuns,
        earlier_runs,
        end_of,
        list_runs,
        load_run,
    )
    from modelcar_tui.api.estimating import Estimated, estimate, is_public_name
    from modelcar_tui.api.judging import accept, judge, run_supervisor
    from modelcar_tui.api.linting import Linted, judged_by, lint
    from modelcar_tui.api.looking import inventory

__all__ = [
    "MOST",
    "EarlierRun",
    "EarlierRuns",
    "Estimated",
    "Linted",
    "accept",
    "earlier_runs",
    "end_of",
    "estimate",
    "inventory",
    "is_public_name",
    "judge",
    "judged_by",
    "lint",
    "list_runs",
    "load_run",
    "run_supervisor",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "earlier": "EarlierRun EarlierRuns MOST earlier_runs end_of list_runs load_run",
            "estimating": "Estimated estimate is_public_name",
            "judging": "accept judge run_supervisor",
            "linting": "Linted judged_by lint",
            "looking": "inventory",
        },
    )
