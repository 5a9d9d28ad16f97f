"""`agent --config FILE`: the whole run without a screen, over the same engine."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.commands.guard import complain
from modelcar_tui.core.contain import Contained
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.report.text import markdown
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.supervisor import Supervisor

_SIGNALS = {
    signal.SIGINT: ExitStatus.INTERRUPTED,
    signal.SIGTERM: ExitStatus.TERMINATED,
    signal.SIGHUP: ExitStatus.HANGUP,
}


def run_headless(
    settings: Settings,
    *,
    form: str = "text",
    resume: Path | None = None,
    prepare: Callable[[Settings], Settings] | None = None,
) -> int:
    """Run to the end; the data goes to stdout, the talk to stderr. Returns the exit status."""
    return asyncio.run(_run(settings, form, resume, prepare))


async def _run(
    settings: Settings, form: str, resume: Path | None, prepare: Callable[[Settings], Settings] | None
) -> int:
    if prepare is not None and resume is None:
        settings = await asyncio.to_thread(prepare, settings)
    supervisor = Supervisor(settings, resume=resume)
    caught: list[signal.Signals] = []
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        caught.append(number)
        # Only the operator's own Ctrl-C stops QA; after a dropped line or a shutdown `--resume` finds it
        # again.
        supervisor.cancel(detach=number is not signal.SIGINT)

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop, number)
    talk = _Talk(form)
    async for stamped in supervisor.run():
        talk.tell(stamped)
    talk.close(supervisor)
    if settings.force and supervisor.was_finished:
        complain("note: --force is not heard: this run had ended already; start it again from its manifest")
    if caught:
        return _SIGNALS[caught[0]]
    finish = supervisor.state.finish
    return finish.exit_status if finish else ExitStatus.INTERNAL


_MOST_TAIL = 4 * 2**20
"""Bytes of the log that are told at a time."""


class _Talk:
    """Tells a run while it goes: steps on stderr, or every event as a JSON line on stdout."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._log: Any = None

    def tell(self, stamped: e.Stamped) -> None:
        if self._form == "jsonl":
            sys.stdout.write(msgspec.json.encode(stamped).decode() + "\n")
            sys.stdout.flush()
            return
        match stamped.event:
            case e.StepChanged(status=e.Status.RUNNING):
                pass
            case e.StepChanged() as step:
                self._say(f"{step.specialist}: {step.step} {step.status} {step.detail}".rstrip())
            case e.Noticed() as notice:
                self._say(f"note: {notice.text}")
            case e.LanguageModelJoined() as joined:
                self._say(f"asking {joined.model} at {joined.host} (--no-llm: nobody); it is given:")
                for line in joined.shares:
                    self._say(f"  {line}")
            case e.ConsentRequested() as consent:
                for line in consent.effects:
                    self._say(f"QA: {line}")
            case e.QaStarted() as started:
                self._log = _Tail(Path(started.log))
                self._say(f"[QA] {started.image} in {started.container}")
            case e.QaLogGrew() | e.QaFinished() if self._log is not None:
                for line in self._log.more():
                    self._say(f"[QA] {line}")

    def close(self, supervisor: Supervisor) -> None:
        for fault in supervisor.state.faults:
            complain(fault)
        if self._form == "json":
            from modelcar_tui.report.data import envelope, to_json

            sys.stdout.write(to_json(envelope(supervisor.state)))
        elif self._form == "text":
            sys.stdout.write(markdown(supervisor.state))
            if supervisor.folder is not None:
                self._say(f"run folder: {supervisor.folder}")

    def _say(self, text: str) -> None:
        sys.stderr.write(text + "\n")


class _Tail:
    """New whole lines of the spool, which is cleaned and redacted already."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def more(self) -> list[str]:
        with Contained(str(self._path)), self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read(_MOST_TAIL)
            whole = data.rfind(b"\n") + 1
            self._offset += whole
            return data[:whole].decode(errors="replace").splitlines()
        return []
