"""`/` on a list of models, nodes or facts: what of a hundred is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import msgspec

from modelcar_tui.supervisor import RunState

if TYPE_CHECKING:
    from modelcar_tui.tui.patterns import Filter
    from modelcar_tui.tui.screens.prompt import Prompt


class Filterable(Protocol):
    """A view that shows what a filter lets pass."""

    filter: Filter | None

    def set_filter(self, chosen: Filter | None) -> None:
        """Show what passes; None shows all."""
        ...


def ask_filter(
    view: Filterable, prompt: Prompt, tell: Callable[[str], None], then: Callable[[], None]
) -> None:
    """Ask for a regular expression and narrow the view with every key; Esc shows all again.

    `then` follows each time: what shows the row under the cursor has another one to show.
    """
    from modelcar_tui.core.errors import UserError
    from modelcar_tui.tui.patterns import parse_filter

    def changed(text: str) -> None:
        try:
            chosen = parse_filter(text)
        except UserError as error:
            tell(str(error))
            return
        view.set_filter(chosen)
        then()
        if chosen is not None and chosen.gave_up:
            tell("the expression takes too long; say it simpler")

    prompt.ask(
        "/", view.filter.text if view.filter else "", changed, changed=changed, left=lambda: changed("")
    )


def narrowed(state: RunState, chosen: Filter | None) -> RunState:
    """The state with the models whose names pass."""
    if chosen is None:
        return state
    report = state.decision
    if report is not None:
        models = tuple(model for model in report.models if chosen.matches(model.model))
        report = msgspec.structs.replace(report, models=models)
    shown = tuple(model for model in state.models if chosen.matches(model.car.name))
    return msgspec.structs.replace(state, models=shown, decision=report)
