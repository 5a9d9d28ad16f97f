"""modelcar-tui: GO / NO-GO / UNKNOWN for models that vLLM is to serve, before it does.

The names below are what other programs may build on; `docs/python.md` says what each gives and raises.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from modelcar_tui.core.version import __version__

if TYPE_CHECKING:
    from modelcar_tui.api import accept, earlier_runs, estimate, inventory, judge, lint, list_runs, load_run
    from modelcar_tui.core.errors import Problem, UserError
    from modelcar_tui.manifest import Decision
    from modelcar_tui.supervisor import (
        Approve,
        Context,
        RunState,
        Settings,
        Specialist,
        Supervisor,
        outcome_of,
        run_supervisor,
    )
    from modelcar_tui.verdict import Verdict

__all__ = [
    "Approve",
    "Context",
    "Decision",
    "Problem",
    "RunState",
    "Settings",
    "Specialist",
    "Supervisor",
    "UserError",
    "Verdict",
    "__version__",
    "accept",
    "earlier_runs",
    "estimate",
    "inventory",
    "judge",
    "lint",
    "list_runs",
    "load_run",
    "outcome_of",
    "run_supervisor",
]

_ROOMS = {
    "api": "accept earlier_runs estimate inventory judge lint list_runs load_run",
    "core.errors": "Problem UserError",
    "manifest": "Decision",
    "supervisor": "Approve Context RunState Settings Specialist Supervisor outcome_of run_supervisor",
    "verdict": "Verdict",
}
_PLACES = {name: room for room, names in _ROOMS.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
