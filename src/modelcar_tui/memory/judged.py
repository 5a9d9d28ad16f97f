"""How one start ends, with what leaves the sum in doubt: the one verdict that every derived figure asks."""

from __future__ import annotations

import msgspec

from modelcar_tui.memory.budget import Budget
from modelcar_tui.memory.other_code import even_the_most, in_doubt, runs_other_code
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
    odd, other = reason(start, budget), runs_other_code(start.gpu)
    outcome, why, error = verdict(start, budget)
    if odd and (outcome in _RESTS_ON_SUMS or start.args.unknown or (other and in_doubt(outcome, budget))):
        outcome, why, error = Outcome.UNKNOWN, f"{odd}; without it: {why}", ""
    elif other and outcome is Outcome.STARTS:
        why = even_the_most(start.gpu, budget)
    return Judged(outcome, why, error, odd, start.profile.bound)
