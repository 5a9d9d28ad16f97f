"""Before QA starts: what it will do to the cluster, and a key that lets it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from modelcar_tui.tui.faces.question import question_rows, question_title
from modelcar_tui.tui.keys import bind
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.rows import EMPTY, Row, row
from modelcar_tui.tui.screens.base import Dialog


class ConsentDialog(Dialog):
    """Answers `start`, `skip`, or nothing: then the question stays open.

    What was not on the screen can't be agreed to.
    """

    deaf_s: ClassVar[float] = 0.5
    BINDINGS: ClassVar[list[BindingType]] = [
        *bind("X", "start"),
        *bind("minus", "say('skip')"),
        *bind("escape,q", "leave"),
        # Typed from habit: they do nothing, and the line of keys says what does.
        Binding("enter,space,y,n,s", "remind", show=False),
        *bind("x", "remind", show=False),
    ]
    last_rows: ClassVar[int] = 2

    reminded = False
    """Whether a key that answers nothing was pressed."""

    def title_text(self) -> str:
        return question_title(self.face.state)

    def rows(self, cells: int) -> list[Row]:
        consent = self.face.state.consent
        rows = question_rows(consent.effects if consent else (), cells, self.face.glyphs)
        read = self.top >= self.below
        keys = row(
            (f" {shown('X')} ", "key"),
            f" {'start QA' if read else 'read on '}    ",
            (f" {shown('-')} ", "key"),
            " skip it    ",
            (" Esc ", "key"),
            f" later ({shown('x')})",
            ("   only these answer" if self.reminded else "", "need"),
        )
        return [*rows, EMPTY, keys]

    def action_start(self) -> None:
        """`X`: reads on until the last effect has been on the screen."""
        if self.top < self.below:
            self.action_scroll(3)
        else:
            self.dismiss("start")

    def action_remind(self) -> None:
        """A key that starts nothing says which ones do."""
        self.reminded = True
        self.refresh_state()
