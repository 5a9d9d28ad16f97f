"""A run's language model: it may choose facts and suggest arguments; it decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.supervisor.llm.ask import Asker, shown
    from modelcar_tui.supervisor.llm.config import choose_model, find_key
    from modelcar_tui.supervisor.llm.session import Session
    from modelcar_tui.supervisor.llm.start import answer_question, open_session

__all__ = [
    "Asker",
    "Session",
    "answer_question",
    "choose_model",
    "find_key",
    "open_session",
    "shown",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "ask": "Asker shown",
            "config": "choose_model find_key",
            "session": "Session",
            "start": "answer_question open_session",
        },
    )
