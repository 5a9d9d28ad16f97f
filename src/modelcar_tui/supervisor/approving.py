"""The answer to a plan that settings give, where nobody is asked."""

from __future__ import annotations

from modelcar_tui.manifest import ANYTHING, Decision, Plan
from modelcar_tui.supervisor.settings import Approve


def answer_by_settings(plan: Plan, approve: Approve, *, force: bool = False) -> Decision | None:
    """The decision on this plan; None where the operator has it.

    What a language model suggested is written only where the operator read and accepted it.
    """
    match approve:
        case Approve.ALL:
            return Decision(
                plan_digest=plan.digest,
                accepted=tuple(change.id for change in plan.changes if change.origin == "rules"),
                write=True,
                who="command line",
                replaces=(ANYTHING,) if force else None,
            )
        case Approve.NONE:
            return Decision(plan_digest=plan.digest, who="command line")
        case Approve.SHOW:
            return Decision(plan_digest=plan.digest, who=Approve.SHOW)
    return None
