"""Whether a run has a language model: the one module of this room that a run without one imports."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState

if TYPE_CHECKING:
    from modelcar_tui.supervisor.llm.session import Session


def open_session(
    settings: Settings,
    *,
    emit: Callable[[e.AnyEvent], None],
    state: Callable[[], RunState],
    redact: Redactor,
) -> Session | None:
    """The session of a run, started; None where no model is configured or it is switched off.

    Raises:
        UserError: `--model` or `--model-url` names nothing that could be asked.
    """
    if not settings.llm:
        return None
    from modelcar_tui.supervisor.llm.config import choose, find_key

    choice = choose(settings.model, settings.model_url)
    try:
        key = find_key(choice)
    except UserError as error:
        emit(e.Noticed(text=f"no language model: {redact(str(error))}"))
        return None
    if key is None:
        if settings.model is not None:
            variable = choice.provider.variable
            emit(e.Noticed(text=f"no language model: {choice.label} needs a key in {variable} or {variable}_FILE"))
        return None
    from modelcar_tui.supervisor.llm.session import Session

    session = Session(choice, key, emit=emit, state=state, redact=redact)
    session.start()
    return session
