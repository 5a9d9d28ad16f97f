"""`agent --config FILE`: the whole run without a screen, over the same engine."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from modelcar_tui.commands.guard import complain
from modelcar_tui.core.contain import Contained
from modelcar_tui.core.ends import ENDS, LIMIT_S
from modelcar_tui.core.exit_codes import ExitStatus, worst
from modelcar_tui.core.streams import OutputLost, deliver, give_up_output, wait_no_more
from modelcar_tui.qa import QaLogGrew, QaSaw, QaStarted, Seen, effect_rows
from modelcar_tui.report import plain
from modelcar_tui.supervisor import STOP_S, Finish, RunState, Settings, Supervisor
from modelcar_tui.supervisor import events as e

T = TypeVar("T")
AGAIN_S = 2.0
"""What an end may still take once it was asked for a second time."""


def run_headless(
    settings: Settings,
    *,
    form: str = "text",
    resume: Path | None = None,
    prepare: Callable[[Settings], Settings] | None = None,
    at_end: Callable[[RunState], None] = lambda _: None,
) -> int:
    """Run to the end; the data goes to stdout, the talk to stderr. Returns the exit status.

    Args:
        settings: What the run is asked to do.
        form: `text`, `json` or `jsonl`.
        resume: Folder of an earlier run to go on with.
        prepare: Called before the run with its settings, such as to start the demo's servers.
        at_end: Called with the run as it is known then, however it ends; it raises nothing.
    """
    leaving = _Leaving()
    with ENDS.heard_by(leaving), _limited(settings.timeout_s):
        return asyncio.run(_run(settings, form, resume, prepare, leaving, at_end))


def _limited(seconds: float | None) -> AbstractContextManager[None]:
    """The run's own limit, for a loop that a specialist of another package blocks."""
    if seconds is None:
        return nullcontext()
    line = f"the run was stopped after its limit of {seconds:.0f} s: something blocks it; --resume goes on"
    return ENDS.at_latest(ExitStatus.TIMED_OUT, seconds + LIMIT_S, line)


async def _run(
    settings: Settings,
    form: str,
    resume: Path | None,
    prepare: Callable[[Settings], Settings] | None,
    leaving: _Leaving,
    at_end: Callable[[RunState], None],
) -> int:
    if prepare is not None:
        settings = await asyncio.to_thread(prepare, settings)
    supervisor = Supervisor(settings, resume=resume)
    leaving.drive(supervisor)
    talk = _Talk(form)
    try:
        lost = await _told(supervisor, talk)
    except Exception:
        at_end(supervisor.state)
        raise
    lost = lost or _lost(talk.close, supervisor)
    at_end(supervisor.state)
    if settings.force and supervisor.was_finished:
        complain("note: --force is not heard: this run had ended already; start it again from its manifest")
    status = _status(supervisor.state.finish, leaving.heard, lost)
    # The loop's end waits for the threads of libraries, such as one that asks a dead name server.
    ENDS.begin(status, AGAIN_S)
    return status


async def _told(supervisor: Supervisor, talk: _Talk) -> OutputLost | None:
    """Tell the run as it goes; what became of standard output."""
    lost: OutputLost | None = None
    async for stamped in supervisor.run():
        if lost is None and (lost := _lost(talk.tell, stamped)) is not None:
            # Nobody hears of the run any more: as after a dropped line, `--resume` finds QA again.
            supervisor.cancel(detach=True)
    return lost


def _status(finish: Finish | None, heard: list[ExitStatus], lost: OutputLost | None) -> int:
    """The run's own status or that of the first signal; the worst of all where standard output was lost."""
    status = finish.exit_status if finish is not None else ExitStatus.INTERNAL
    if heard:
        status = heard[0]
    if lost is None:
        return status
    complain(lost.line)
    fault = [status] if finish is not None and status == ExitStatus.INTERNAL else []
    return worst(lost.status, *heard[:1], *fault)


def _lost(tell: Callable[[T], None], what: T) -> OutputLost | None:
    """Tell an event, or the end; what became of standard output."""
    try:
        tell(what)
    except OutputLost as lost:
        give_up_output()
        return lost
    return deliver()


class _Leaving:
    """What a run without a screen does about a signal; called in the watchdog's thread."""

    def __init__(self) -> None:
        self._supervisor: Supervisor | None = None
        self.heard: list[ExitStatus] = []

    @property
    def stops(self) -> bool:
        """Only the operator's own Ctrl-C, and only the first, stops QA and waits for its clean-up."""
        return self.heard == [ExitStatus.INTERRUPTED]

    def drive(self, supervisor: Supervisor) -> None:
        """What has been heard before counts, too."""
        self._supervisor = supervisor
        if self.heard:
            supervisor.cancel(detach=not self.stops)

    def leave(self, status: ExitStatus) -> float:
        """Cancel the run."""
        self.heard.append(status)
        if self._supervisor is not None:
            self._supervisor.cancel(detach=not self.stops)
        if len(self.heard) > 1:
            return AGAIN_S
        works = self._supervisor is not None and self._supervisor.state.qa_works
        return STOP_S + LIMIT_S if self.stops and works else LIMIT_S

    def hurry(self) -> None:
        """Let go of a reader that does not read."""
        wait_no_more()


_MOST_TAIL = 20_000
"""Lines of the log that are told at a time."""


class _Talk:
    """Tells a run while it goes: steps on stderr, or every event as a JSON line on stdout."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._log: Any = None
        self._seen: set[str] = set()
        self._noticed: list[e.Noticed] = []

    def tell(self, stamped: e.Stamped) -> None:
        if self._form == "jsonl":
            from modelcar_tui.report import to_json_line

            sys.stdout.write(to_json_line(msgspec.to_builtins(stamped)))
            sys.stdout.flush()
            return
        match stamped.event:
            case e.StepChanged(status=e.Status.RUNNING):
                pass
            case e.StepChanged() as step:
                self._say(f"{step.specialist}: {step.step} {step.status} {step.detail}".rstrip())
            case e.Noticed():
                self._note(stamped.event)
            case e.RunResumed():
                self._say("the run goes on here: what stands above was told before")
            case e.LanguageModelJoined():
                self._joined(stamped.event)
            case e.LanguageModelOffered() as offered:
                from modelcar_tui.core.model_hosts import how_to_allow

                self._say(f"note: {how_to_allow(offered.host)}")
            case e.ConsentRequested() as consent:
                for effect in effect_rows(consent.effects):
                    self._say(f"QA: {effect}")
            case QaStarted() as started:
                self._log = _Tail(Path(started.log))
                self._say(f"[QA] {started.image} in {started.container}")
            case QaSaw(seen=seen):
                self._saw(seen)
            case QaLogGrew() | e.QaFinished() if self._log is not None:
                for line in self._log.more():
                    self._say(f"[QA] {line}")

    def _note(self, notice: e.Noticed) -> None:
        """Once, also where a run that was killed has told it before."""
        if notice not in self._noticed:
            self._noticed.append(notice)
            self._say(f"note: {notice.text}")

    def _joined(self, joined: e.LanguageModelJoined) -> None:
        self._say(f"asking {joined.model} at {joined.host} (--no-llm: nobody); it is given:")
        for line in joined.shares:
            self._say(f"  {line}")

    def _saw(self, seen: tuple[Seen, ...]) -> None:
        """What the cluster says of a model, once; and that waiting does not help, where it does not."""
        for one in seen:
            hint = "" if one.mends_itself else "; it will not mend itself: Ctrl-C stops QA"
            if (line := f"{one.line}{hint}") not in self._seen:
                self._seen.add(line)
                self._say(f"[cluster] {line}")

    def close(self, supervisor: Supervisor) -> None:
        for fault in supervisor.state.faults:
            complain(fault)
        finish = supervisor.state.finish
        told = supervisor.state.faults or supervisor.state.kept  # said already, as it happened
        if finish is not None and finish.exit_status == ExitStatus.USAGE and not told:
            complain(finish.summary)
        if self._form == "json":
            from modelcar_tui.report import envelope, to_json

            sys.stdout.write(to_json(envelope(supervisor.state)))
        elif self._form == "text":
            sys.stdout.write(plain(supervisor.state))
            if supervisor.folder is not None:
                self._say(f"run folder: {supervisor.folder}")

    def _say(self, text: str) -> None:
        complain(text)


class _Tail:
    """New whole lines of the spool, which is cleaned and redacted already."""

    def __init__(self, path: Path) -> None:
        from modelcar_tui.qa.log import SpoolReader

        self._path = path
        self._reader = SpoolReader(path)
        self._next = self._left_out = 0

    def more(self) -> list[str]:
        with Contained(str(self._path)):
            gap = self._reader.gap
            if gap.lines != self._left_out:
                # What is told next stands further up by what was left out before it.
                self._next -= gap.lines - self._left_out - (not self._left_out)
                self._next, self._left_out = max(self._next, gap.place), gap.lines
            lines = self._reader.lines(self._next, _MOST_TAIL)
            self._next += len(lines)
            return [line.text for line in lines]
        return []
