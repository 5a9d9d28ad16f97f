"""The dashboard: Textual's faces of a `RunState`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.tui.ahead import painted_ahead
    from modelcar_tui.tui.drawing import SCREENS, draw
    from modelcar_tui.tui.listing import Chosen, choose_run
    from modelcar_tui.tui.own_themes import Judged, add_theme, judge_theme
    from modelcar_tui.tui.port import EnginePort
    from modelcar_tui.tui.replay import ReplayPort
    from modelcar_tui.tui.run import run_dashboard
    from modelcar_tui.tui.themes import Palette

__all__ = [
    "SCREENS",
    "Chosen",
    "EnginePort",
    "Judged",
    "Palette",
    "ReplayPort",
    "add_theme",
    "choose_run",
    "draw",
    "judge_theme",
    "painted_ahead",
    "run_dashboard",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "ahead": "painted_ahead",
            "drawing": "SCREENS draw",
            "listing": "Chosen choose_run",
            "own_themes": "Judged add_theme judge_theme",
            "port": "EnginePort",
            "replay": "ReplayPort",
            "run": "run_dashboard",
            "themes": "Palette",
        },
    )
