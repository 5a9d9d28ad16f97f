"""Before facts leave the machine: which language model would be given what, and a key that lets it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from modelcar_tui.supervisor.events import LanguageModelOffered
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.offer import offer_rows
from modelcar_tui.tui.keys import bind
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.rows import Row, row
from modelcar_tui.tui.screens.base import Dialog


class OfferDialog(Dialog):
    """Answers `allow`, `refuse`, or nothing: then it is offered again.

    What was not on the screen can't be agreed to.
    """

    deaf_s: ClassVar[float] = 0.5
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "allow", show=False),
        Binding("n", "say('refuse')", show=False),
        *bind("escape,q", "leave"),
    ]
    last_rows: ClassVar[int] = 1

    def __init__(self, face: Face, offer: LanguageModelOffered) -> None:
        super().__init__(face)
        self._offer = offer

    def title_text(self) -> str:
        return "Let a language model be asked?"

    def rows(self, cells: int) -> list[Row]:
        read = self.top >= self.below
        keys = row(
            (" y ", "key"),
            f" {'let it' if read else 'read on'}   ",
            (" n ", "key"),
            " never there   ",
            (" Esc ", "key"),
            f" later ({shown('M')})",
        )
        return [*offer_rows(self._offer, cells), keys]

    def action_allow(self) -> None:
        """`y`: reads on until the last row has been on the screen."""
        if self.top < self.below:
            self.action_scroll(3)
        else:
            self.dismiss("allow")
