"""Faces of a `RunState` that need no screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.report.data import envelope, to_json
    from modelcar_tui.report.estimate import estimate_lines
    from modelcar_tui.report.text import change_text, markdown, sections

__all__ = ["change_text", "envelope", "estimate_lines", "markdown", "sections", "to_json"]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "data": "envelope to_json",
            "estimate": "estimate_lines",
            "text": "change_text markdown sections",
        },
    )
