"""The cheapest change of arguments with which a model starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.advice.solver.search import FEW, SHARES, STEPS
    from modelcar_tui.advice.solver.solver import Solution, solve
    from modelcar_tui.advice.solver.tuning import Tuning, tuned

__all__ = ["FEW", "SHARES", "STEPS", "Solution", "Tuning", "solve", "tuned"]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "search": "FEW SHARES STEPS",
            "solver": "Solution solve",
            "tuning": "Tuning tuned",
        },
    )
