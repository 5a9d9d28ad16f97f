"""Before a model is tried: what it takes of the cluster, what it proves, and a key that lets it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from modelcar_tui.supervisor import Trial
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.trial import plan_rows, plan_title
from modelcar_tui.tui.keys import bind
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.port import EnginePort, Trying
from modelcar_tui.tui.rows import EMPTY, Row, paragraph, row
from modelcar_tui.tui.screens.base import Dialog


class TrialDialog(Dialog):
    """Hands the word to the engine itself: it is of the try that was shown, and of none that came after it.

    What was not on the screen can't be agreed to.
    """

    deaf_s: ClassVar[float] = 0.5
    BINDINGS: ClassVar[list[BindingType]] = [
        *bind("X", "start"),
        *bind("minus", "refuse"),
        *bind("escape,q", "leave"),
        # Typed from habit: they do nothing, and the line of keys says what does.
        Binding("enter,space,y,n", "remind", show=False),
        *bind("t", "remind", show=False),
    ]
    last_rows: ClassVar[int] = 2

    def __init__(self, face: Face, trial: Trial, port: EnginePort) -> None:
        super().__init__(face)
        self._port = port
        self.trial = trial
        """What is asked about; it alone is answered."""
        self._reminded = False

    def title_text(self) -> str:
        return plan_title(self.trial, min(70, self.app.size.width - 6), self.face.glyphs)

    @property
    def stands(self) -> bool:
        """Whether this very try still waits for the word."""
        return any(one.id == self.trial.id and one.asks for one in self.face.state.trials)

    def rows(self, cells: int) -> list[Row]:
        if not self.stands:
            told = "It does not wait for a word any more."
            return [EMPTY, *paragraph(told, cells, "warn"), EMPTY, row((" Esc ", "key"), " back")]
        read = self.top >= self.below
        keys = row(
            (f" {shown('X')} ", "key"),
            f" {'try it' if read else 'read on'}   ",
            (f" {shown('-')} ", "key"),
            " don't   ",
            (" Esc ", "key"),
            f" later ({shown('t')})",
            ("   only these answer" if self._reminded else "", "need"),
        )
        return [*plan_rows(self.trial, cells, self.face.glyphs), EMPTY, keys]

    def action_start(self) -> None:
        """`X`: reads on until the last row has been on the screen."""
        if self.top < self.below:
            self.action_scroll(3)
        else:
            self._answer(allowed=True)

    def action_refuse(self) -> None:
        """`-`."""
        self._answer(allowed=False)

    def _answer(self, *, allowed: bool) -> None:
        if self.stands and isinstance(self._port, Trying):
            self._port.allow_trial(self.trial.id, allowed)
        self.dismiss("")

    def action_remind(self) -> None:
        """A key that starts nothing says which ones do."""
        self._reminded = True
        self.refresh_state()
