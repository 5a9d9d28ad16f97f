"""Leaving a run that is still alive: stay, detach (while QA runs), or stop it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from modelcar_tui.core.text import reveal
from modelcar_tui.tui.keys import bind
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.rows import EMPTY, Row, paragraph
from modelcar_tui.tui.screens.base import Dialog


class QuitDialog(Dialog):
    """Answers `detach`, `cancel` or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bind("L", "detach"),
        *bind("S", "say('cancel')"),
        *bind("escape,q", "leave"),
    ]

    @property
    def can_detach(self) -> bool:
        """Whether a QA container runs."""
        qa = self.face.state.qa
        return bool(qa.started.container) and qa.outcome is None

    def title_text(self) -> str:
        return "The run is still going on" if self.face.state.finish is None else "A try is still going on"

    def rows(self, cells: int) -> list[Row]:
        state = self.face.state
        rows = [EMPTY]
        if self.can_detach:
            rows += _offered(shown("L"), "leave: QA goes on in its container, the run can be resumed", cells)
            rows += paragraph(f"container {state.qa.started.container}", cells, "muted", indent=6)
            rows += _offered(shown("S"), "stop: the QA container is stopped and removed", cells)
        elif self.face.state.finish is not None:
            rows += _offered(shown("S"), "stop it, and leave", cells)
        else:
            rows += _offered(shown("S"), "stop the run; nothing more is written, it can be resumed", cells)
        if (trial := self.face.state.trial) is not None:
            text = f"the try of {reveal(trial.model)} is stopped with it; what it has made is deleted"
            rows += paragraph(text, cells, "warn", indent=6)
        rows += [*_offered(shown("q"), "stay (also Esc)", cells), EMPTY]
        if state.marks_told:
            rows[1:1] = [*paragraph(f"{state.marks_told}: the marks are kept", cells, "need"), EMPTY]
        return rows

    def action_detach(self) -> None:
        """`L`, only while QA runs."""
        if self.can_detach:
            self.dismiss("detach")


def _offered(key: str, text: str, cells: int) -> list[Row]:
    """A key and what it does, on as many rows as that takes."""
    lines = paragraph(text, cells - 5 - len(key))
    return [
        Row(((f"  {'' if at else key:<{len(key)}} ", "text" if at else "key"), ("  ", "text"), *line.spans))
        for at, line in enumerate(lines)
    ]
