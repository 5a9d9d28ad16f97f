"""Models as they are served: with the accepted changes once these were written, else as the manifest says."""

from __future__ import annotations

from modelcar_tui.core.errors import UserError
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import ModelRequirements, accepted_model


def as_served(state: RunState, model: ModelRequirements) -> ModelRequirements:
    """The model with the arguments and the GPUs that the verdict is about.

    Raises:
        UserError: accepted changes that do not fit its manifest.
    """
    answer = state.answer
    if state.written is None or state.decision is None or answer is None:
        return model
    return accepted_model(model, state.decision.plan, answer)


def every_served(state: RunState) -> tuple[tuple[ModelRequirements, ...], str]:
    """All models, and of which manifest: `generated manifest`, or `manifest` where none was written or where
    what was accepted does not fit the models that are known."""
    try:
        models = tuple(as_served(state, model) for model in state.models)
    except UserError:
        return state.models, "manifest"
    return models, "manifest" if state.written is None else "generated manifest"
