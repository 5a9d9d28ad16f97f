"""What every view of the screen is a function of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from modelcar_tui.supervisor import RunState
from modelcar_tui.tui.glyphs import UNICODE, Glyphs
from modelcar_tui.tui.themes import PALETTES, Palette

if TYPE_CHECKING:
    from modelcar_tui.tui.playing import Played


class Face(msgspec.Struct):
    """The state and the manner of showing it; one per app, handed down to the views."""

    state: RunState = msgspec.field(default_factory=RunState)
    glyphs: Glyphs = UNICODE
    palette: Palette = PALETTES["dark"]
    now: float = 0.0
    """Whole seconds of the run's clock; moves only while something runs."""
    clock: Callable[[], float] = lambda: 0.0
    message: str = ""
    """One line for the operator, until the next key."""
    slow: bool = False
    """The terminal takes bytes slowly; repaint less often."""
    replay: bool = False
    played: Played | None = None
    """How far a replay is shown, where its line stands on the screen."""
    word_at: float = float("-inf")
    """Monotonic seconds: when the word was typed that answered the plan."""
    labels: dict[str, str] = {}
    """While the operator jumps: the letter of each panel, by the panel's id."""
