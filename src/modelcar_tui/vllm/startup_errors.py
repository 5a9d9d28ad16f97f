"""The exceptions in a start-up log: which one is the root cause, in whose words.

vLLM's processes tell one failure up to four times: the worker logs it, the engine logs that a worker failed,
Python prints what ended the engine, and the server says that the engine did not come up. An exception that is
followed by progress of the same process was survived.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from modelcar_tui.vllm.startup_line import Said
from modelcar_tui.vllm.startup_refusals import Meaning, is_follower, meaning
from modelcar_tui.vllm.startup_stages import LOADING

_MOST = 64
"""Exceptions of one log that are kept: the first ones."""
_MOST_LINES = 6
_MOST_FRAMES = 400
_TRACEBACK = "Traceback (most recent call last):"
_CHAINED: Final = ("During handling of the above exception", "The above exception was the direct cause")
_EXCEPTION: Final = re.compile(r"(?P<kind>[A-Za-z_][\w.]{0,200})(?:: (?P<words>.*))?$")
_ALONE: Final = re.compile(r"(?P<kind>[A-Za-z_][\w.]{0,200}(?:Error|Exception)): (?P<words>.+)$")
_USAGE: Final = re.compile(r"[\w./ -]{1,80}: error: (?P<words>.+)$")
_FRAME: Final = re.compile(r' +File "(?P<file>[^"]*)", line \d+, in (?P<function>\S+)')
_FATAL: Final = (
    "Fatal Python error: ",
    "terminate called after throwing an instance of ",
    "!!!!!!! Segfault encountered !!!!!!!",
    "Illegal instruction",
    "Segmentation fault",
    "Bus error",
    "/bin/sh: ",
    "bash: ",
    "exec: ",
)
_ENDING: Final = (
    "EngineCore failed",
    "EngineCore encountered",
    "EngineCore hit",
    "WorkerProc failed",
    "WorkerProc hit",
    "Worker failed",
    "Exception in worker",
    "Error executing method",
    "Error in worker",
)
"""What a process logs above the exception that ends it (v1/engine/core.py, v1/executor/, worker/);
above others it logs what it goes on from."""
_PYDANTIC: Final = re.compile(r"\d+ validation errors? for (\w+)$")
_PYDANTIC_TAIL: Final = re.compile(r"\s*\[type=\w+, input_value=.*$")


@dataclass(slots=True)
class Thrown:
    """One exception as one process told it."""

    kind: str
    """Its class as Python writes it; empty for argparse's refusal, `fatal` for a signal."""
    who: str
    stage: str
    lines: list[str]
    frames: tuple[str, ...] = ()
    chained: bool = False
    """Whether it came while another one was handled."""
    noted: bool = False
    """Whether it was logged alone, with no word that a process ends by it."""

    @property
    def words(self) -> str:
        """What it says, in one line, without what pydantic quotes of the arguments."""
        told = [_PYDANTIC_TAIL.sub("", line).strip() for line in self.lines]
        config = _PYDANTIC.match(told[0]) if told else None
        kind = f"ValidationError for {config[1]}" if config else self.kind
        said = " ".join(
            line.removeprefix("Value error, ").removeprefix("Assertion failed, ")
            for line in told[1 if config else 0 :]
            if line and not line.startswith("For further information")
        )
        if self.kind in ("", "fatal"):
            return said
        return f"{kind}: {said}" if said else kind

    @property
    def meaning(self) -> Meaning | None:
        """See `startup_refusals.meaning`."""
        if self.kind == "fatal":
            return None
        return meaning(self.kind, self.words, frames=self.frames, stage=self.stage)


@dataclass(slots=True)
class _Ear:
    """What one process is telling."""

    telling: bool = False
    """Within a traceback."""
    chained: bool = False
    frames: list[str] = field(default_factory=list)
    headline: str = ""
    """The last error that it logged before an exception."""
    open: Thrown | None = None
    """An exception whose further lines may follow."""
    stage: str = ""
    """How far this process has come, as it says itself."""


class Causes:
    """Hears every line of a log and keeps the exceptions in it."""

    def __init__(self) -> None:
        self._ears: dict[str, _Ear] = {}
        self._thrown: list[Thrown] = []

    def __bool__(self) -> bool:
        return bool(self._thrown)

    def hear(self, said: Said, stage: str) -> None:
        """One line, while the whole start is at `stage`."""
        ear = self._ears.get(said.who)
        if ear is None:
            if not _may_begin(said):
                return
            ear = self._ear(said.who)
        text = said.text
        if ear.telling:
            self._trace(ear, said, stage)
        elif ear.open and text.startswith("  "):
            if len(ear.open.lines) < _MOST_LINES:
                ear.open.lines.append(text.strip())
        else:
            ear.open = None
            self._begin(ear, said, stage)

    def progress(self, who: str, stage: str) -> None:
        """A process has come to `stage`: what it threw before was survived."""
        self._ear(who).stage = stage
        if self._thrown:
            self._thrown = [one for one in self._thrown if one.who != who]

    def root(self) -> Thrown | None:
        """What ended the start; None where nothing was thrown."""
        thrown = self._thrown
        own = [one for one in thrown if not is_follower(one.words)]
        own = [one for one in own if not one.noted] or own
        for one in (*own, *thrown):
            if one.meaning:
                return one
        if not own:
            return thrown[0] if thrown else None
        first = own[0]
        for one in own[1:]:
            if not one.chained or one.who != first.who:
                break
            first = one
        return first

    def told_with(self, root: Thrown) -> Iterator[Thrown]:
        """The root cause and what else the same process threw of its own."""
        yield root
        yield from (
            one
            for one in self._thrown
            if one.who == root.who and one is not root and not is_follower(one.words)
        )

    def _ear(self, who: str) -> _Ear:
        if who not in self._ears and len(self._ears) >= _MOST:
            who = ""
        return self._ears.setdefault(who, _Ear())

    def _begin(self, ear: _Ear, said: Said, stage: str) -> None:
        text = said.text
        if text == _TRACEBACK:
            ear.telling, ear.frames = True, []
            return
        if said.level and text and not text.startswith(_CHAINED):
            ear.headline = text
        if text.startswith(_CHAINED):
            ear.chained = True
        elif text.startswith(_FATAL) and not said.level:
            self._keep(ear, Thrown("fatal", said.who, stage, [text]))
        elif (match := _USAGE.match(text)) and not said.level and not said.who:
            self._keep(ear, Thrown("", said.who, stage, [match["words"]]))
        elif (match := _ALONE.match(text)) and said.level in ("", "ERROR", "CRITICAL"):
            self._keep(ear, Thrown(match["kind"], said.who, stage, [match["words"]], noted=bool(said.level)))

    def _trace(self, ear: _Ear, said: Said, stage: str) -> None:
        """A line within a traceback."""
        text = said.text
        if text[:1] in (" ", "") or text == _TRACEBACK:
            if (frame := _FRAME.match(text)) and len(ear.frames) < _MOST_FRAMES:
                ear.frames += (frame["function"], frame["file"].rpartition("/")[2])
            return
        ear.telling = False
        match = _EXCEPTION.match(text)
        if match:
            own = ear.stage if ear.stage == LOADING and "orker" in said.who else stage
            noted = bool(said.level) and not ear.headline.startswith(_ENDING)
            words = [match["words"] or ""]
            frames = tuple(ear.frames)
            self._keep(ear, Thrown(match["kind"], said.who, own, words, frames, ear.chained, noted))

    def _keep(self, ear: _Ear, thrown: Thrown) -> None:
        ear.open, ear.chained = thrown, False
        if len(self._thrown) < _MOST:
            self._thrown.append(thrown)


def _may_begin(said: Said) -> bool:
    """Whether a process that has thrown nothing yet begins to with this line."""
    text = said.text
    return (
        text.startswith((_TRACEBACK, *_CHAINED, *_FATAL, *_ENDING))
        or ": error: " in text[:100]
        or ((not said.level or said.level in ("ERROR", "CRITICAL")) and _ALONE.match(text) is not None)
    )
