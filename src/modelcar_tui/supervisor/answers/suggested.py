"""Questions worth asking of a run. Light: the screen needs it."""

from __future__ import annotations

from modelcar_tui.core.text import clean
from modelcar_tui.supervisor.state import RunState


def suggestions(state: RunState) -> tuple[str, ...]:
    """Questions worth asking of this run, the first ones first."""
    if state.decision is None or not state.decision.models:
        return ()
    blocked = [model for model in state.decision.models if model.verdict != "GO"]
    model = (blocked or state.decision.models)[0]
    name = clean(model.model, limit=120)
    why = f"why {model.verdict}: {name}?"
    return (why, f"which GPU would do for {name}?", f"what if I halve the context of {name}?")
