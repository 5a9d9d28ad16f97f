"""Models as they are served: with the accepted changes once these were written, else as the manifest says."""

from __future__ import annotations

from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import ModelRequirements, accepted_model


def as_served(state: RunState, model: ModelRequirements) -> ModelRequirements:
    """The model with the arguments and the GPUs that the verdict is about."""
    answer = state.answer
    if state.written is None or state.decision is None or answer is None:
        return model
    return accepted_model(model, state.decision.plan, answer)
