"""Faces of a `RunState` that need no screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.report.data import envelope, json_report, to_json
    from modelcar_tui.report.document import markdown
    from modelcar_tui.report.estimate import estimate_lines
    from modelcar_tui.report.files import FORMS, MOST, endings, form_of, is_report, render
    from modelcar_tui.report.junit_xml import junit
    from modelcar_tui.report.text import change_text, plain, sections

__all__ = [
    "FORMS",
    "MOST",
    "change_text",
    "endings",
    "envelope",
    "estimate_lines",
    "form_of",
    "is_report",
    "json_report",
    "junit",
    "markdown",
    "plain",
    "render",
    "sections",
    "to_json",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "data": "envelope json_report to_json",
            "document": "markdown",
            "estimate": "estimate_lines",
            "files": "FORMS MOST endings form_of is_report render",
            "junit_xml": "junit",
            "text": "change_text plain sections",
        },
    )
