"""Findings about a manifest, by the release's own rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.advice.lint.formats import CODES, exit_worthy, render_files
    from modelcar_tui.advice.lint.lint import examine, findings_told, lint_model, of_problem

__all__ = ["CODES", "examine", "exit_worthy", "findings_told", "lint_model", "of_problem", "render_files"]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "formats": "CODES exit_worthy render_files",
            "lint": "examine lint_model of_problem findings_told",
        },
    )
