"""What a specialist is, and what the engine gives it.

A specialist is one file: a class with these attributes and `run`. It is registered by one line in
`registry.py`, or by an entry point of another package in the group `modelcar_tui.specialists`. One of another
package that can't be loaded, or whose name is taken or reserved, is a failed pane with the reason, and counts
as not known.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from modelcar_tui.core.crash import class_name, frames
from modelcar_tui.core.decode import decode
from modelcar_tui.core.files import write_private
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.core.text import clean, clean_block
from modelcar_tui.manifest import Change
from modelcar_tui.qa import Effect
from modelcar_tui.supervisor.events import (
    AnyEvent,
    Noticed,
    Reported,
    SpecialistFinished,
    SpecialistStarted,
    Status,
    StepChanged,
    StepPlan,
)
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import DecisionReport, Verdict, verdict_of_word

R = TypeVar("R", bound=msgspec.Struct)
Suggest = Callable[[DecisionReport], Awaitable[tuple[Change, ...]]]
Effects = tuple[Effect | str, ...]
"""What would be done, a row or a plain line each."""
AskConsent = Callable[[Effects], Awaitable[bool]]
"""Of the effects: whether they are allowed."""
Metadata = dict[str, str | int | float | bool | None]
_MOST_LINE = 20_000
_MOST_NOTICE = 2000
_MOST_CRASHES = 20
"""Of 5,000 nodes that can't be understood the first ones tell enough."""


class NotItsOwnError(TypeError):
    """A specialist of another package tells what is not about itself; the text is ours and can be shown."""


class Context:
    """What one run of one specialist may use: settings, the reports it needs, and its voice."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        folder: Path,
        emit: Callable[[AnyEvent], None],
        run: RunState,
        redact: Redactor,
        *,
        ended: Mapping[str, str] | None = None,
        suggest: Suggest | None = None,
        consent: AskConsent | None = None,
        detached: Callable[[], bool] = lambda: False,
        resumed: bool = False,
        foreign: bool = False,
    ) -> None:
        self.name = name
        self.settings = settings
        self.folder = folder
        """The run's own folder, mode 0700; files of your own go into `info/`, their names beginning with
        yours."""
        self.finished = False
        """Whether its result was told."""
        self.redact = redact
        self.answer = deepcopy(run.answer)
        """What the operator answered to the plan, once that is known."""
        self.written = deepcopy(run.written)
        """What was written, where something was."""
        self.kept = run.kept
        """Why nothing was written though it was to be; empty where that did not happen."""
        self.manifest = run.manifest
        """As far as it is known, though Configuration may have failed since."""
        self.models = run.models
        """Likewise."""
        self.suggest = suggest
        """Asks a language model for arguments, where there is one; gives only what the validators let
        through."""
        self.consent = consent or _granted
        """Ask the operator before something outside is changed; True where nobody is there to be asked."""
        self.detached = detached
        """Whether a cancellation means "leave what runs outside alone": the operator will come back."""
        self.resumed = resumed
        """Whether an earlier process began this run."""
        self.foreign = foreign
        """Not one of our own specialists: what it makes of the run is a vote."""
        self._run = run
        self._ended = ended or {}
        self._emit = emit
        self._own = name
        self._crashes = 0
        self._alone = False
        self._vote: SpecialistFinished | None = None

    def emit(self, event: AnyEvent) -> None:
        """Journal an event, fold it into the run's state, and show it.

        Raises:
            NotItsOwnError: a specialist of another package tells what is not about itself (see
            `only_itself`).
        """
        if self._alone:
            event = self._itself(event)
        if isinstance(event, SpecialistFinished) and event.specialist == self._own:
            self.finished = True
            event = self._vote = self._voting(event)
            event = msgspec.structs.replace(event, ended=event.ended or "done")
        self._emit(event)

    def only_itself(self) -> None:
        """From now on take only events about this specialist, and notices; their texts are cleaned."""
        self._alone = True

    def has_report(self, specialist: str) -> bool:
        """Whether that specialist ran to its end."""
        return self._ended.get(specialist) == "done" and self._run.report_of(specialist) is not None

    def report(self, specialist: str, kind: type[R]) -> R:
        """The report of a specialist that this one `needs`.

        Raises:
            KeyError: it did not run to its end (see `has_report`), or is not named in `needs`.
            msgspec.ValidationError: it is no `kind`.
        """
        if not self.has_report(specialist):
            raise KeyError(specialist)
        report = self._run.report_of(specialist)
        if isinstance(report, kind) and not self.foreign:
            return report
        return decode(msgspec.json.encode(report), kind)

    def reported(self, report: object, *, needed: bool) -> None:
        """Keep the report of a specialist that is not ours, without secrets, where another one needs it.

        Raises:
            TypeError, ValueError, OverflowError: it can't be kept: no text, number or the like, a text with
            half a character, a number of 65 bits.
        """
        msgspec.msgpack.encode(report)  # JSON would round a number of 65 bits
        data = msgspec.json.decode(msgspec.json.encode(report))
        if needed:
            self._emit(Reported(specialist=self._own, report=_masked(data, self.redact)))

    def lacking(self, *specialists: str) -> str:
        """Why there is no report of these, in one sentence; empty where all of them have one."""
        names = [name for name in specialists if not self.has_report(name)]
        whys = {name: self._why_not(name) for name in names}
        return "; ".join(f"{name} has no report ({why})" for name, why in whys.items())

    def _why_not(self, specialist: str) -> str:
        pane = self._run.pane(specialist)
        if pane is None or specialist not in self._ended:
            return "it has not run"
        return pane.summary if self._ended[specialist] == "failed" else "it was skipped"

    def step(self, step: str, status: Status = Status.DONE, detail: str = "") -> None:
        """Tick a line of the checklist, or say how it stands."""
        self.emit(
            StepChanged(specialist=self._own, step=step, status=Status(status), detail=self._line(detail))
        )

    def finish(
        self,
        summary: str,
        lines: tuple[str, ...] = (),
        *,
        status: Status = Status.DONE,
        metadata: Metadata | None = None,
        verdict: Verdict | str | None = None,
        reason: str = "",
    ) -> None:
        """Tell the pane's result. Call it once, at the end.

        Args:
            summary: One line for the pane's foot.
            lines: The result, for the pane's body and the report.
            status: `FAILED` where there is no good answer.
            metadata: Machine-readable; a `verdict` in it is heard where the argument is not given.
            verdict: Of a specialist of another package: a worse one than the run's lowers the run's, a
                better one changes nothing. A word that is no verdict counts as not known, and so does
                `FAILED` without a verdict.
            reason: Why; the summary where it is empty.

        Raises:
            TypeError: a line is no text, or metadata holds what is no text, number, bool or None.
        """
        result = self._result(summary, lines, status, metadata)
        if self.foreign and verdict is not None:
            word = verdict_of_word(verdict)
            result = msgspec.structs.replace(
                result, verdict=word, reason=self._line(reason) or result.summary
            )
        elif reason:
            result = msgspec.structs.replace(result, reason=self._line(reason))
        self.emit(result)

    def fail(self, summary: str, lines: tuple[str, ...] = (), *, mend: str = "") -> None:
        """Tell that the pane failed by no answer of its own: it died, or could not join. A specialist of
        another package then counts as "not known", but for a NO-GO that it had cast before.

        Args:
            summary: One line.
            lines: The pane's body.
            mend: What the operator may do about it.
        """
        result = self._result(summary, lines, Status.FAILED, None)
        if self._vote is not None and self._vote.verdict is Verdict.NO_GO:
            result = msgspec.structs.replace(result, verdict=self._vote.verdict, reason=self._vote.reason)
        elif self.foreign:
            reason = f"not known, because it failed: {result.summary}" + (f"; {mend}" if mend else "")
            result = msgspec.structs.replace(result, verdict=Verdict.UNKNOWN, reason=self._line(reason))
        self.finished = True
        self._emit(msgspec.structs.replace(result, ended="failed"))

    def refuse(self, lines: tuple[str, ...]) -> None:
        """Tell that the input can't be read, a line a fault; the run ends."""
        result = self._result(lines[0], lines, Status.FAILED, None)
        self.emit(msgspec.structs.replace(result, ended="refused"))

    def crash(self, error: BaseException) -> None:
        """Keep the traceback below earlier ones: without local variables and the errors' texts, and
        redacted. What finds no room is not kept, nor what comes after the first so many."""
        self._crashes += 1
        if self._crashes > _MOST_CRASHES:
            return
        path = self.folder / "crash.txt"
        with suppress(Exception):
            earlier = path.read_bytes() if path.is_file() else b""
            text = f"{self.name}\n{frames(error)}"
            write_private(path, earlier + clean_block(self.redact(text)).encode() + b"\n")

    def _itself(self, event: AnyEvent) -> AnyEvent:
        """The same event with clean texts."""
        match event:
            case Noticed():
                return Noticed(text=self._line(event.text)[:_MOST_NOTICE], status=Status(event.status))
            case SpecialistStarted(specialist=self._own):
                return SpecialistStarted(specialist=self._own)
            case StepChanged(specialist=self._own):
                return StepChanged(
                    specialist=self._own,
                    step=self._line(event.step),
                    status=Status(event.status),
                    detail=self._line(event.detail),
                )
            case SpecialistFinished(specialist=self._own):
                result = self._result(event.summary, event.lines, event.status, event.metadata)
                reason = self._line(event.reason)
                return msgspec.structs.replace(result, verdict=verdict_of_word(event.verdict), reason=reason)
        kind = class_name(type(event))
        whose = f" of {clean(repr(event.specialist), limit=60)}" if hasattr(event, "specialist") else ""
        raise NotItsOwnError(f"it may tell only of itself, and told {kind}{whose}")

    def _result(
        self, summary: str, lines: tuple[str, ...], status: Status, metadata: Metadata | None
    ) -> SpecialistFinished:
        return SpecialistFinished(
            specialist=self._own,
            status=Status(status),
            summary=self._line(summary),
            lines=tuple(self._line(line) for line in lines),
            metadata={self._line(key): self._value(key, value) for key, value in (metadata or {}).items()},
        )

    def _voting(self, event: SpecialistFinished) -> SpecialistFinished:
        """The result with its vote, where there is one."""
        if not self.foreign:
            return event
        word = event.verdict or verdict_of_word(event.metadata.get("verdict"))
        if word is None and event.status is Status.FAILED:
            word = Verdict.UNKNOWN
        if word is None:
            return event
        return msgspec.structs.replace(event, verdict=word, reason=event.reason or event.summary)

    def _line(self, text: str) -> str:
        """One line; a line end of a specialist's could begin a heading of the report."""
        if not isinstance(text, str):
            raise TypeError(f"a text was expected, not {type(text).__name__}")
        return self.redact.line(str.__str__(text), limit=_MOST_LINE)

    def _value(self, key: str, value: object) -> str | int | float | bool | None:
        """As the journal can write it: numpy's numbers are of kinds of their own, and JSON has no nan."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return int.__int__(value)
        if isinstance(value, float):
            return float.__float__(value) if math.isfinite(value) else None
        if not isinstance(value, str):
            what = f"metadata {clean(key)!r} is a {type(value).__name__}"
            raise TypeError(f"{what}, not a text, number, bool or None")
        return self._line(value)


def _masked(data: Any, redact: Redactor) -> Any:
    if isinstance(data, str):
        return redact(data)
    if isinstance(data, list):
        return [_masked(item, redact) for item in data]
    if isinstance(data, dict):
        return {redact(key): _masked(item, redact) for key, item in data.items()}
    return data


async def _granted(effects: Effects) -> bool:
    return True


class Specialist(Protocol):
    """One expert of the supervisor's team. Plain class attributes will do."""

    @property
    def name(self) -> str:
        """Short and unique: `licence`; 1 to 40 letters, digits and `. _ -`, not `write` or another step's.

        What it tells as metadata stands under this name: `specialists.licence` of `--format json`.
        """
        ...

    @property
    def title(self) -> str:
        """Heads its pane."""
        ...

    @property
    def steps(self) -> tuple[StepPlan, ...]:
        """Its checklist, in order."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Specialists whose reports it reads; it starts when all of them have finished."""
        ...

    async def run(self, context: Context) -> msgspec.Struct:
        """Find out what there is to find out, ticking the steps, and return the report.

        Cancellation is passed on after cleaning up. What is merely missing is told as a step's detail and
        makes the report say "unknown". `UserError` ends the run with its line; anything else that is
        raised fails this pane only.
        """
        ...
