"""The dashboard's demo in a real terminal, killed in a phase, resumed and led to its end by keys."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kill_headless import KILLED, Killed
from kill_judge import Came, came, counted, differences, runs_in
from kill_points import Point
from terminal import Terminal

PHASES = ("early", "review", "marked", "typing", "approved", "consent", "qa-early", "qa-late", "summary")
"""In the order of a run; each is reached by keys and told by the journal."""
_LIMIT_S = 60.0


class Desk:
    """One dashboard over the demo, in a folder of its own."""

    def __init__(self, rooms: Path, *, slow_qa: bool = False) -> None:
        self.rooms = rooms
        self._speed = "20" if slow_qa else "0"
        self.typed: set[str] = set()

    def start(self, *words: str) -> Terminal:
        """A new process in a new terminal."""
        command = [sys.executable, "-m", "modelcar_tui.cli", *words, "--no-llm"]
        env = {"MODELCAR_TUI_QA_SPEED": self._speed, "HOME": str(self.rooms)}
        env |= {"XDG_CACHE_HOME": str(self.rooms / "cache")}
        return Terminal([*command, "--state-dir", str(self.rooms / "state")], columns=120, rows=40, env=env)

    def saw(self, kind: str) -> bool:
        """Whether the journal has an event of a kind."""
        return any(counted(run)[kind] for run in runs_in(self.rooms))

    def press(self, terminal: Terminal, keys: str, until: Callable[[], bool]) -> None:
        """Type, again where a screen was still deaf, until something holds."""
        deadline = time.monotonic() + _LIMIT_S
        while not until():
            if time.monotonic() > deadline:
                raise AssertionError(f"{keys!r} did nothing; the screen:\n{terminal.text}")
            terminal.keys(*keys)
            pause = time.monotonic() + 2.0
            while time.monotonic() < pause and not until():
                terminal.quiet(0.05)

    def lead(self, terminal: Terminal, phase: str) -> None:
        """By keys to a phase; those that lie behind the run already are passed over."""
        for one in PHASES[: PHASES.index(phase) + 1]:
            _TO[one](self, terminal)


def _shows(terminal: Terminal, *words: str) -> Callable[[], bool]:
    return lambda: any(word in terminal.text for word in words)


def _early(desk: Desk, terminal: Terminal) -> None:
    terminal.wait_for(lambda _: desk.saw("SpecialistStarted"), _LIMIT_S)


def _review(desk: Desk, terminal: Terminal) -> None:
    if not desk.saw("ApprovalGiven"):
        terminal.wait_for(lambda text: "d: review" in text or "not written: review" in text, _LIMIT_S)
        terminal.wait_for(lambda _: desk.saw("ApprovalRequested"), _LIMIT_S)


def _marked(desk: Desk, terminal: Terminal) -> None:
    if not desk.saw("ApprovalGiven"):
        desk.press(terminal, "d", lambda: "1 Configuration" not in terminal.text)
        desk.press(terminal, "*", _shows(terminal, "[x]"))
        terminal.wait_for(lambda _: desk.saw("ChangesMarked"), _LIMIT_S)


def _typing(desk: Desk, terminal: Terminal) -> None:
    if not desk.saw("ApprovalGiven"):
        desk.press(terminal, "W", _shows(terminal, "type write"))


def _approved(desk: Desk, terminal: Terminal) -> None:
    if not desk.saw("ApprovalGiven"):
        desk.press(terminal, "write", lambda: desk.saw("ApprovalGiven"))


def _consent(desk: Desk, terminal: Terminal) -> None:
    if not desk.saw("ConsentGiven"):
        terminal.wait_for(lambda _: desk.saw("ConsentRequested"), _LIMIT_S)


def _qa_early(desk: Desk, terminal: Terminal) -> None:
    if not desk.saw("ConsentGiven"):
        desk.press(terminal, "X", lambda: desk.saw("ConsentGiven"))
    terminal.wait_for(lambda _: desk.saw("QaStarted") or desk.saw("QaFinished"), _LIMIT_S)


def _qa_late(desk: Desk, terminal: Terminal) -> None:
    before = time.monotonic()
    terminal.wait_for(lambda _: desk.saw("QaFinished") or time.monotonic() > before + 3, _LIMIT_S)


def _summary(desk: Desk, terminal: Terminal) -> None:
    terminal.wait_for(lambda _: desk.saw("RunFinished"), _LIMIT_S)


_TO: dict[str, Callable[[Desk, Terminal], None]] = {
    "early": _early,
    "review": _review,
    "marked": _marked,
    "typing": _typing,
    "approved": _approved,
    "consent": _consent,
    "qa-early": _qa_early,
    "qa-late": _qa_late,
    "summary": _summary,
}


def undisturbed(folder: Path) -> Came:
    """The demo led to its end without a kill."""
    return _led(folder / "plain", None, 0.0)[1]


def killed_in(folder: Path, phase: str, later_s: float, plain: Came) -> Killed:
    """Killed `later_s` after a phase was reached; then resumed, and led to its end."""
    began = time.monotonic()
    try:
        killed, got = _led(folder / "killed", phase, later_s)
        wrong = differences(got, plain)
    except AssertionError as error:
        killed, wrong = 1, [str(error)[:1500]]
    seconds = round(time.monotonic() - began, 2)
    return Killed("dashboard", (Point(phase, round(later_s, 2)),), killed, tuple(wrong), seconds)


def _led(rooms: Path, phase: str | None, later_s: float) -> tuple[int, Came]:
    shutil.rmtree(rooms, ignore_errors=True)
    rooms.mkdir(parents=True)
    first, killed = ["--demo"], 0
    if phase is not None:
        desk = Desk(rooms, slow_qa=phase.startswith("qa"))
        with desk.start(*first) as terminal:
            desk.lead(terminal, phase)
            terminal.quiet(later_s)
            if terminal.status is None:
                os.kill(terminal.pid, 9)
            killed += terminal.wait_end(10) == KILLED
        first = ["--resume", "last"]
    desk = Desk(rooms)
    with desk.start(*first) as terminal:
        desk.lead(terminal, "summary")
        desk.press(terminal, "q", lambda: _ended(terminal))
        return killed, came(terminal.wait_end(30), rooms)


def _ended(terminal: Terminal) -> bool:
    terminal.quiet(0.01)
    return terminal.status is not None
