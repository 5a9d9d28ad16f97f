"""Questions worth asking of a run. Light: the screen needs it."""

from __future__ import annotations

from modelcar_tui.core.text import clean
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import Verdict

_WORST = (Verdict.NO_GO, Verdict.UNKNOWN, Verdict.GO)
"""Of verdicts, the one to ask about first."""


def suggestions(state: RunState) -> tuple[str, ...]:
    """Questions worth asking of this run, the first ones first."""
    if state.decision is None or not state.decision.models:
        return ()
    model = min(state.decision.models, key=lambda one: _WORST.index(one.verdict))
    name = clean(model.model, limit=120)
    why = f"why {model.verdict}: {name}?"
    return (why, f"which GPU would do for {name}?", f"what if I halve the context of {name}?")
