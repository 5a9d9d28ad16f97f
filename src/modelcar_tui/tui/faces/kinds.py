"""The kinds of GPU at hand as columns: a short title each, how a model fares there, what is free."""

from __future__ import annotations

from modelcar_tui.report import KindAtHand, kinds_at_hand
from modelcar_tui.supervisor import RunState
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import Span, width
from modelcar_tui.verdict import ModelVerdict


class KindColumn(KindAtHand, frozen=True):
    """One kind of GPU."""

    @property
    def cells(self) -> int:
        """Width of the column, without the blanks between columns."""
        return max(width(self.title), len(self.amount), 7)


def kind_columns(state: RunState) -> tuple[KindColumn, ...]:
    """A column a kind, those that serve most models first; none before there is a verdict."""
    return tuple(KindColumn(one.name, one.title, one.free, one.units) for one in kinds_at_hand(state))


def kind_cell(model: ModelVerdict, kind: str, glyphs: Glyphs) -> Span:
    """How a model fares on one kind: a mark, and a word where the mark is not all."""
    fit = next((one for one in model.kinds if one.kind == kind), None)
    if fit is None:
        return "", "muted"
    match fit.state:
        case "fits":
            return glyphs.done, "ok"
        case "tight":
            return f"{glyphs.done} tight", "ok"
        case "full":
            return f"{glyphs.done} full", "warn"
        case "unknown":
            return glyphs.unknown, "warn"
    return f"{glyphs.failed} {fit.gpus}x {glyphs.done}" if fit.gpus else glyphs.failed, "bad"
