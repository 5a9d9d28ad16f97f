"""The second line of defence: nothing but printable text reaches the terminal from a widget.

The first is `core.text.clean` at the edge. Textual passes control characters of a widget's text through
to the terminal, whatever the widget.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from modelcar_tui.tui.rows import neutral


class ControlFilter(LineFilter):
    """Replaces C0, C1, bidi and zero-width characters in every line that any widget renders.

    The filters before it are applied by it: Textual builds a new strip for every filter of a line.
    """

    def __init__(self, before: Sequence[LineFilter] = ()) -> None:
        super().__init__()
        self.before = tuple(before)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments with neutral text; Rich control segments are dropped."""
        for other in self.before:
            segments = other.apply(segments, background)
        if all(segment.control is None and segment.text.isprintable() for segment in segments):
            return segments
        return [Segment(neutral(text), style) for text, style, control in segments if control is None]
