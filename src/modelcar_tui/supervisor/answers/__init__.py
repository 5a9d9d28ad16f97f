"""Questions about a run and their answers: facts by id, one sentence a measure, rules that choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.supervisor.answers.asking import MOST_QUESTION, Rules
    from modelcar_tui.supervisor.answers.fact import RunFact, by_id
    from modelcar_tui.supervisor.answers.facts import run_facts
    from modelcar_tui.supervisor.answers.names import meant, spans_of
    from modelcar_tui.supervisor.answers.parts import Part, PartError, rendered
    from modelcar_tui.supervisor.answers.question import TUNABLE, WhatIf
    from modelcar_tui.supervisor.answers.statements import STATEMENTS, sentence
    from modelcar_tui.supervisor.answers.suggested import suggestions
    from modelcar_tui.supervisor.answers.trying import what_if

__all__ = [
    "MOST_QUESTION",
    "STATEMENTS",
    "TUNABLE",
    "Part",
    "PartError",
    "Rules",
    "RunFact",
    "WhatIf",
    "by_id",
    "meant",
    "rendered",
    "run_facts",
    "sentence",
    "spans_of",
    "suggestions",
    "what_if",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "asking": "MOST_QUESTION Rules",
            "fact": "RunFact by_id",
            "facts": "run_facts",
            "names": "meant spans_of",
            "parts": "Part PartError rendered",
            "question": "TUNABLE WhatIf",
            "statements": "STATEMENTS sentence",
            "suggested": "suggestions",
            "trying": "what_if",
        },
    )
