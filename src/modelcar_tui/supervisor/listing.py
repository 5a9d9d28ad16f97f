"""Lists of the run's state with one more entry: each is about something, and a later one replaces it."""

from __future__ import annotations

from modelcar_tui.supervisor import events as e
from modelcar_tui.verdict import ModelRequirements


def with_notice(notices: tuple[e.Noticed, ...], last: e.Noticed) -> tuple[e.Noticed, ...]:
    """The last two hundred; what this process or one that was killed has said already is not said twice."""
    return notices if last in notices else (*notices, last)[-200:]


def with_answer(
    answers: tuple[e.QuestionAnswered, ...], last: e.QuestionAnswered
) -> tuple[e.QuestionAnswered, ...]:
    """The last fifty."""
    return (*(answer for answer in answers if answer.id != last.id), last)[-50:]


def with_model(
    models: tuple[ModelRequirements, ...], model: ModelRequirements
) -> tuple[ModelRequirements, ...]:
    """In the manifest's order."""
    if any(known.car.name == model.car.name for known in models):
        return tuple(model if known.car.name == model.car.name else known for known in models)
    # Images are read side by side and end in any order; the operator knows the manifest's.
    return tuple(sorted((*models, model), key=_place))


def _place(model: ModelRequirements) -> tuple[int, int, bool]:
    """Prefill and decode are of one object: decode comes first."""
    return model.car.at.line, model.car.at.column, model.car.prefill
