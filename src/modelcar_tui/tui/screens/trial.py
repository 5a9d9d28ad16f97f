"""One try on a screen of its own: how far it is, its figures beside the predicted ones, how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from modelcar_tui.core.text import reveal
from modelcar_tui.report import model_trials, trial_word
from modelcar_tui.supervisor import Trial
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.trial import trial_rows
from modelcar_tui.tui.keys import bind
from modelcar_tui.tui.messages import Copied
from modelcar_tui.tui.port import EnginePort, Trying
from modelcar_tui.tui.rows import EMPTY, Row, crop_middle, row
from modelcar_tui.tui.screens.base import FaceScreen, Keys, move_bindings, style
from modelcar_tui.tui.screens.model import MOVES
from modelcar_tui.tui.view import Scrolled


class TrialPanel(Scrolled, can_focus=True):
    """The newest try of a model."""

    def __init__(self, face: Face, model: str) -> None:
        super().__init__(face, id="trial")
        self.model = model

    @property
    def trial(self) -> Trial | None:
        """As it stands."""
        own = model_trials(self.face.state.trials, self.model)
        return own[-1] if own else None

    def head(self) -> tuple[Row, Row]:
        if (trial := self.trial) is None:
            return EMPTY, EMPTY
        word = trial_word(trial)
        name = crop_middle(
            reveal(self.model), max(8, self.size.width - len(word) - 8), self.face.glyphs.ellipsis
        )
        role = (
            "run" if trial.open else "ok" if trial.measured and trial.measured.outcome == "starts" else "warn"
        )
        mark = self.face.glyphs.running if trial.open else ""
        return row((name, "title")), row((f"{word} {mark}".rstrip(), role))

    def all_rows(self, width: int, height: int) -> list[Row]:
        trial = self.trial
        now = max(self.face.now, self.face.state.now)
        return trial_rows(trial, now, width, self.face.glyphs) if trial is not None else []


class TrialScreen(FaceScreen):
    """The try goes on while this screen is left."""

    TITLE = "try"
    shows_tries: ClassVar[bool] = True
    CSS_PATH = style("trial")
    BINDINGS: ClassVar[list[BindingType]] = [
        *move_bindings(*MOVES),
        *bind("t", "again"),
        *bind("S", "stop"),
        *bind("y", "copy"),
        *bind("question_mark,f1", "why"),
        *bind("escape,q", "back"),
    ]

    def __init__(self, face: Face, model: str, port: EnginePort) -> None:
        super().__init__(face)
        self.model_name = model
        """Whose try is shown, for `t`."""
        self._port = port

    def content(self) -> Iterable[Widget]:
        self._panel = TrialPanel(self.face, self.model_name)
        yield self._panel

    def on_mount(self) -> None:
        super().on_mount()
        self._panel.focus()

    def keys(self) -> Keys:
        trial = self._panel.trial
        keys: Keys = [("j k", "scroll")]
        if trial is not None and not self.face.replay:
            if trial.open:
                keys += [("t", "answer")] * trial.asks + [("S", "stop it")]
            else:
                keys.append(("t", "try again"))
        return [*keys, ("y", "copy"), ("?", "why"), ("q", "back")]

    def action_move(self, how: str) -> None:
        """Scroll."""
        page = self._panel.inner[1] - 1
        steps = {"down": 1, "up": -1, "home": -9999, "end": 9999, "pagedown": page, "pageup": -page}
        self._panel.scroll_rows(steps[how])

    def action_again(self) -> None:
        """`t`: the question where it waits for a word, another try where it has ended."""
        self.opening.open_screen("try-again")

    def action_stop(self) -> None:
        """`S`: what was made is deleted."""
        trial = self._panel.trial
        if trial is None or not trial.open:
            self.tell("it has ended: there is nothing to stop")
        elif self.face.replay or not isinstance(self._port, Trying):
            self.tell("this is a replay: nothing can be stopped")
        else:
            self._port.stop_trial(trial.id)
            self.tell("stopping: what it has made is deleted")

    def action_copy(self) -> None:
        """`y`."""
        self.post_message(Copied("\n".join(line.strip("│| ") for line in self._panel.plain()[1:-1])))

    def action_why(self) -> None:
        """`?`."""
        self.opening.open_why("decision", at=self.model_name)
