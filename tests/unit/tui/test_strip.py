"""The specialists in brief, a row each: their columns stay in line whatever their titles."""

from __future__ import annotations

import msgspec

from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import fold
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.strip import strip_rows
from modelcar_tui.tui.glyphs import UNICODE
from modelcar_tui.tui.rows import width
from modelcar_tui.tui.themes import PALETTES
from pilot import support as s

TITLES = (
    "Licences",
    "\u6f22\u5b57\u306e\u6a21\u578b",
    "caf\u0065\u0301",
    "a title that is longer than its column",
    "[/x]",
)


def test_wide_signs_and_two_digits_move_no_column() -> None:
    extra = tuple(
        e.PanePlan(f"plug{at}", TITLES[at % len(TITLES)], (e.StepPlan("a", "Do it"),), foreign=True)
        for at in range(8)
    )
    events = [
        msgspec.structs.replace(one, panes=(*one.panes, *extra)) if isinstance(one, e.RunStarted) else one
        for one in s.begin()
    ]
    state = fold(s.stamp(events))
    face = Face(state=state, glyphs=UNICODE, palette=PALETTES["dark"])
    rows = strip_rows(face, "", 120, len(state.panes))
    assert len(rows) == 12
    lines = ["".join(text for text, _ in line.spans) for line in rows]
    at = {
        width(line[: line.index(word)]) for line in lines for word in ("running", "waiting") if word in line
    }
    assert len(at) == 1, lines
