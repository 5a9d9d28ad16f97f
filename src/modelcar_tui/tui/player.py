"""The keys of a replay, and what the dashboard keeps beside the state after a jump."""

from __future__ import annotations

import time
from typing import Any, Protocol, runtime_checkable

from textual.screen import Screen

from modelcar_tui.core.text import reveal
from modelcar_tui.qa import QaStarted
from modelcar_tui.supervisor import RunState
from modelcar_tui.supervisor import events as e
from modelcar_tui.tui.board import Board
from modelcar_tui.tui.faces.front import with_board
from modelcar_tui.tui.faces.playing import clock
from modelcar_tui.tui.logs import LogSource, NoLog
from modelcar_tui.tui.played_log import LogUntil
from modelcar_tui.tui.playing import JUMP_S, Played, Playing
from modelcar_tui.tui.screens.base import FaceScreen

LINE_S = 1.0
"""Seconds between two looks of the line: each costs bytes."""


@runtime_checkable
class Seekable(Protocol):
    """A port that plays a recording."""

    playing: Playing
    begun: bool
    """Whether it plays: there are panels to show it."""

    @property
    def played(self) -> Played:
        """How far it is shown."""
        ...

    def jumped(self) -> RunState:
        """The state of the moment that was jumped to."""
        ...


class Stage(Board, Protocol):
    """The app, as far as a replay moves on it."""

    @property
    def screen_stack(self) -> list[Screen[Any]]:
        """The screens, the one that is shown last."""
        ...

    def pop_screen(self) -> Any:
        """Take the screen that is shown away."""
        ...

    def take_moment(self) -> None:
        """The state is that of another moment: what is told once counts as told, and all is shown again."""
        ...


class Player:
    """Between the keys, the recording and the app."""

    def __init__(self, app: Stage, port: Seekable) -> None:
        self._app = app
        self._port = port
        self._looked = float("-inf")
        self._log = ""

    def tick(self) -> bool:
        """Whether the line says something else; once a second at most."""
        now = time.monotonic()
        if not self._port.begun or now - self._looked < LINE_S or self._app.face.played == self._port.played:
            return False
        self._looked, self._app.face.played = now, self._port.played
        return True

    def source(self, log: LogSource, path: str) -> LogSource:
        """The log as it is at each moment."""
        self._log = path
        return LogUntil(log, self._until)

    def do(self, name: str) -> None:
        """What a key says."""
        playing, said, jumps = self._port.playing, "", True
        match name:
            case "pause":
                playing.pause()
                jumps = False
            case "slower" | "faster":
                playing.change_speed(1 if name == "faster" else -1)
                jumps = False
            case "back" | "forward":
                playing.jump(JUMP_S if name == "forward" else -JUMP_S)
            case "beginning":
                playing.to_beginning()
            case "ending":
                playing.to_end()
            case _:
                landed = playing.to_event(1 if name == "next" else -1)
                jumps = landed is not None
                said = (
                    f"{clock(self._port.played.position)}: {title_of(landed)}" if landed is not None else ""
                )
                said = said or f"nothing more that matters {'comes' if name == 'next' else 'stands before'}"
        face = self._app.face
        face.message = said
        self._looked, face.played = time.monotonic(), self._port.played
        if jumps:
            face.state = with_board(self._port.jumped())
            self._follow()
        self._app.take_moment()

    def _follow(self) -> None:
        """The log, and the screens that showed what is not there at this moment."""
        index, state = self._app.index, self._app.face.state
        if state.qa.started.log != self._log:
            index.source, self._log = NoLog(), ""
        index.refresh()
        stack = self._app.screen_stack
        first = next((at for at, screen in enumerate(stack) if gone(screen, state)), len(stack))
        for _ in stack[first:]:
            self._app.pop_screen()

    def _until(self) -> float:
        playing = self._port.playing
        return float("inf") if playing.ended else playing.position


def gone(screen: Screen[Any], state: RunState) -> bool:
    """Whether a screen shows something of which the run knows nothing at this moment."""
    if not isinstance(screen, FaceScreen):
        return False
    if getattr(screen, "report", None) is not None and (
        state.decision is None or not state.decision.plan.changes
    ):
        return True
    if getattr(screen, "shows_tries", False):
        return all(trial.model != getattr(screen, "model_name", "") for trial in state.trials)
    return getattr(screen, "subject_gone", False)


def title_of(stamped: e.Stamped) -> str:
    """What happened, for the footer."""
    match stamped.event:
        case e.SpecialistFinished(specialist=name, status=status):
            return f"{reveal(name)}: {status.value}"
        case e.Noticed(text=text):
            return f"note: {reveal(text)}"
        case e.ConsentGiven(allowed=allowed) | e.TrialAllowed(allowed=allowed):
            return _WORDS[type(stamped.event)].format("allowed" if allowed else "refused")
        case e.QaFinished(outcome=outcome):
            return "QA was skipped" if outcome.skipped else "QA has ended"
        case event:
            return _WORDS[type(event)]


_WORDS: dict[type, str] = {
    e.DecisionMade: "the decision",
    e.ApprovalRequested: "the run waits for an approval",
    e.ApprovalGiven: "the plan is answered",
    e.ManifestWritten: "the manifest is written",
    e.ManifestKept: "nothing is written",
    e.ConsentRequested: "QA waits for a word",
    e.ConsentGiven: "QA is {}",
    QaStarted: "QA begins",
    e.TrialAllowed: "a try is {}",
    e.TrialEnded: "a try has ended",
    e.RunFinished: "the run ends",
}
