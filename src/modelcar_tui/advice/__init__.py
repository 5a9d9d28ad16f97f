"""What is wrong with a model's arguments, and what would be better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.advice.finding import Finding, Severity, Stops
    from modelcar_tui.advice.objections import with_objections

__all__ = ["Finding", "Severity", "Stops", "with_objections"]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "finding": "Finding Severity Stops",
            "objections": "with_objections",
        },
    )
