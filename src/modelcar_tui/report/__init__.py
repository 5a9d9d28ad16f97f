"""Faces of a `RunState` that need no screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.report.data import envelope, to_json
    from modelcar_tui.report.estimate import estimate_lines
    from modelcar_tui.report.facts import Known, facts_of
    from modelcar_tui.report.fares import RUNNING, Fares, ModelQa, models_in_qa, seen_of
    from modelcar_tui.report.html.page import html_page
    from modelcar_tui.report.kinds import KindAtHand, kinds_at_hand
    from modelcar_tui.report.text import change_text, markdown, sections

__all__ = [
    "RUNNING",
    "Fares",
    "KindAtHand",
    "Known",
    "ModelQa",
    "change_text",
    "envelope",
    "estimate_lines",
    "facts_of",
    "html_page",
    "kinds_at_hand",
    "markdown",
    "models_in_qa",
    "sections",
    "seen_of",
    "to_json",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "data": "envelope to_json",
            "estimate": "estimate_lines",
            "facts": "Known facts_of",
            "fares": "Fares ModelQa RUNNING models_in_qa seen_of",
            "html.page": "html_page",
            "kinds": "KindAtHand kinds_at_hand",
            "text": "change_text markdown sections",
        },
    )
