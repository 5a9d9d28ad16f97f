"""How one start ends, with what leaves the sum in doubt: the one verdict that every derived figure asks."""

from __future__ import annotations

import msgspec

from modelcar_tui.memory.budget import Budget
from modelcar_tui.memory.other_code import runs_other_code, verdict_of
from modelcar_tui.memory.outcome import verdict
from modelcar_tui.memory.start import Start
from modelcar_tui.memory.types import Outcome
from modelcar_tui.memory.unsized import reason

_RESTS_ON_SUMS = (Outcome.STARTS, Outcome.REFUSED_KV, Outcome.OOM_WARMUP, Outcome.OOM_GRAPH_CAPTURE)


class Judged(msgspec.Struct, frozen=True):
    """A verdict and its reason."""

    outcome: Outcome
    why: str
    error: str
    """vLLM's words."""
    odd: str
    """Why the verdict must stay unknown; empty where it need not."""
    bound: bool
    """Of a release that only sets a bound: what it leaves open counts for nothing."""

    @property
    def starts(self) -> bool:
        """Whether nothing here keeps vLLM from starting."""
        open_ = self.bound and bool(self.odd) and self.outcome is Outcome.UNKNOWN
        return self.outcome is Outcome.STARTS or open_


def judge(start: Start, budget: Budget) -> Judged:
    """vLLM's checks in their order, then what they leave open; for arguments that pass all checks before
    memory is counted."""
    odd, judged = reason(start, budget), verdict_of if runs_other_code(start.gpu) else verdict
    outcome, why, error = judged(start, budget)
    if odd and (outcome in _RESTS_ON_SUMS or start.args.unknown):
        outcome, why, error = Outcome.UNKNOWN, f"{odd}; without it: {why}", ""
    return Judged(outcome, why, error, odd, start.profile.bound)
