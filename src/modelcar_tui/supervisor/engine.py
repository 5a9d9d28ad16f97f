"""The engine's own thread and loop, so that a slow terminal never slows a run.

The screen calls `start`, `drain`, `answer`, `mark`, `cancel`, `detach` and `preview`; none of them blocks.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.shortage import limited, shortage
from modelcar_tui.manifest import Decision
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.last_words import last_words
from modelcar_tui.supervisor.mailbox import Mailbox
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.supervisor.way_back import named
from modelcar_tui.verdict import ApplyPreview, Verdict

if TYPE_CHECKING:
    from modelcar_tui.supervisor.answers import WhatIf
    from modelcar_tui.supervisor.supervisor import Supervisor
    from modelcar_tui.supervisor.tries import Tries


class Engine:
    """One run in one thread; the heavy imports happen there, after the first paint."""

    def __init__(
        self,
        settings: Settings,
        *,
        resume: Path | None = None,
        prepare: Callable[[Settings], Settings] | None = None,
    ) -> None:
        """
        Args:
            settings: What the run is asked to do.
            resume: Folder of an earlier run to go on with.
            prepare: Called in the engine's thread before the run with its settings, such as to start the
                demo's servers.
        """
        self._settings = settings
        self._resume = resume
        self._prepare = prepare
        self._mailbox = Mailbox()
        self._supervisor: Supervisor | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: str = ""
        self._questions = itertools.count(1)
        self._tries: Tries | None = None
        self._making = threading.Lock()
        self._thread = threading.Thread(target=self._main, name="engine", daemon=True)
        self._on_ready: Callable[[], None] | None = None
        self._failure: tuple[str, ...] = ()

    def start(self, on_ready: Callable[[], None] | None = None) -> None:
        """Start the thread; `on_ready` is called there when the imports are done."""
        self._on_ready = on_ready
        self._thread.start()

    def drain(self) -> list[e.Stamped]:
        """The events since the last call."""
        return self._mailbox.drain()

    def answer(self, decision: Decision) -> None:
        """Answer the plan that waits."""
        if self._supervisor is not None:
            self._supervisor.answer(decision)

    def mark(self, marked: e.ChangesMarked) -> None:
        """Keep the operator's marks in the journal, in the order of the calls and before an answer that
        follows. After the run's end they are shown no more and not kept."""
        loop, supervisor = self._loop, self._supervisor
        if loop is not None and supervisor is not None:
            with suppress(RuntimeError):  # the loop is closed: the run has ended
                loop.call_soon_threadsafe(self._mark, supervisor, marked)

    def _mark(self, supervisor: Supervisor, marked: e.ChangesMarked) -> None:
        with suppress(OSError, MemoryError):  # the supervisor ends the run for it and says so
            self._teller(supervisor)(marked)

    def consent(self, allowed: bool) -> None:
        """Say whether QA may change the cluster."""
        if self._supervisor is not None:
            self._supervisor.consent(allowed)

    def allow_model(self, host: str, allowed: bool) -> None:
        """The operator's word on the language model that was offered; it is kept beside the run."""
        args = (host, allowed)
        threading.Thread(target=self._allow_model, args=args, name="allow-model", daemon=True).start()

    def _allow_model(self, host: str, allowed: bool) -> None:
        supervisor = self._supervisor
        if supervisor is None:
            return
        say = self._teller(supervisor)
        try:
            supervisor.allow_model(host, allowed, say=say)
        except Exception as error:  # noqa: BLE001 - whoever answered must hear the end of it
            say(e.Noticed(text=f"a fault of ours: {type(error).__name__}"))

    def cancel(self) -> None:
        """Stop the run and what it started."""
        self._end("cancel")

    def detach(self) -> None:
        """End the engine but leave a QA container running; a resume finds it."""
        self._end("detach")

    def preview(self, decision: Decision) -> ApplyPreview:
        """What this decision would write, and the verdict it would lead to."""
        from modelcar_tui.supervisor.previewing import preview

        if self._supervisor is None:
            return ApplyPreview(problems=(Problem(what="there is no plan yet"),))
        run, settings = self._supervisor.state, self._supervisor.settings
        return preview(run, decision, vllm=settings.vllm_version, patch=settings.patch)

    def ask(self, question: str | WhatIf) -> str:
        """Ask about the run, now or after its end; the answer comes as a `QuestionAnswered` with this id."""
        identifier = f"q{next(self._questions)}-{os.urandom(3).hex()}"  # a resumed run has questions already
        name = f"ask-{identifier}"
        threading.Thread(target=self._answer, args=(question, identifier), name=name, daemon=True).start()
        return identifier

    def _answer(self, question: str | WhatIf, identifier: str) -> None:
        text = question if isinstance(question, str) else question.text
        answered = e.QuestionAnswered(id=identifier, question=text, text="", why="there is no run yet")
        supervisor = self._supervisor
        if supervisor is None:
            self._mailbox.put(e.Stamped(0, time.time(), answered))
            return
        say = self._teller(supervisor)
        try:
            answered = asyncio.run(supervisor.ask(question, identifier=identifier, say=say))
        except Exception as error:  # noqa: BLE001 - whoever asked must hear the end of it
            answered = msgspec.structs.replace(answered, why=f"a fault of ours: {type(error).__name__}")
        say(answered)

    def look_again(self, done: Callable[[str], None]) -> None:
        """Read the free GPUs again, beside the run; `done` is told one line, from another thread."""
        threading.Thread(target=self._look_again, args=(done,), name="look", daemon=True).start()

    def _look_again(self, done: Callable[[str], None]) -> None:
        from modelcar_tui.supervisor.looking import look_again

        supervisor = self._supervisor
        if supervisor is None:
            done("there is no run yet")
            return
        try:
            done(asyncio.run(look_again(supervisor.settings, supervisor.state, self._teller(supervisor))))
        except Exception as error:  # noqa: BLE001 - whoever pressed the key must hear the end of it
            done(f"a fault of ours: {type(error).__name__}")

    def try_model(self, name: str, accepted: Decision | None) -> str:
        """Work out what a try of a model on a real GPU would do; what comes of it comes as events.

        Returns:
            The id of its `TrialAsked`; empty where there is no run yet, or a try is open already.
        """
        from modelcar_tui.supervisor.trial_room import Wish

        supervisor = self._supervisor
        if supervisor is None:
            return ""
        return self._tries_of(supervisor).begin(Wish(model=name, decision=accepted))

    def allow_trial(self, identifier: str, allowed: bool) -> None:
        """The operator's word on a try's plan."""
        if self._tries is not None:
            self._tries.allow(identifier, allowed)

    def stop_trial(self, identifier: str) -> None:
        """Stop a try; what it has made is removed."""
        if self._tries is not None:
            self._tries.stop(identifier)

    def _tries_of(self, supervisor: Supervisor) -> Tries:
        with self._making:
            if self._tries is None:
                self._tries = supervisor.tries(self._teller(supervisor))
            return self._tries

    def _teller(self, supervisor: Supervisor) -> Callable[[e.AnyEvent], None]:
        """Tells an event from beside the run; what comes after the run's end is still shown."""

        def say(event: e.AnyEvent) -> None:
            if (late := supervisor.tell(event)) is not None:
                self._mailbox.put(late)

        return say

    def join(self, timeout: float) -> bool:
        """Wait for the thread, and a try, to end; whether they did."""
        until = time.monotonic() + timeout
        self._thread.join(timeout)
        tried = self._tries is None or self._tries.join(max(0.0, until - time.monotonic()))
        return tried and not self._thread.is_alive()

    @property
    def state(self) -> RunState:
        """The run as it is known by now; empty of one that has not begun."""
        return self._supervisor.state if self._supervisor else RunState()

    def last_words(self) -> tuple[str, ...]:
        """What to say on stderr once the terminal is back: the end, and where to find the run."""
        state = self.state
        if state.faults:
            return state.faults
        failed, words = self._failure if state.finish is None else (), last_words(state)
        told = bool(state.run_id) and any(f"--resume {named(state)}" in line for line in failed)
        return failed if told else (*failed, *words)

    def _end(self, how: str) -> None:
        self._stop = how
        if self._tries is not None:  # a try is worth no process that goes on alone
            self._tries.end()
        if self._supervisor is not None:
            self._supervisor.cancel(detach=how == "detach")

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except UserError as error:
            short = limited(error)
            self._fail(short.status if short else error.status, short.line() if short else str(error))
        except BaseException as error:  # noqa: BLE001 - the last stop: the screen must not wait for ever
            short = shortage(error)
            status = short.status if short else ExitStatus.INTERNAL
            self._fail(status, short.line() if short else f"a fault of ours: {type(error).__name__}")

    async def _run(self) -> None:
        from modelcar_tui.supervisor.supervisor import Supervisor

        settings = self._prepare(self._settings) if self._prepare else self._settings
        supervisor = Supervisor(settings, resume=self._resume)
        if self._on_ready is not None:
            self._on_ready()
        self._supervisor, self._loop = supervisor, asyncio.get_running_loop()
        if self._stop:
            supervisor.cancel(detach=self._stop == "detach")
        async for stamped in supervisor.run():
            self._mailbox.put(stamped)

    def _fail(self, status: ExitStatus, text: str) -> None:
        self._failure = (text,)
        finished = e.RunFinished(exit_status=status, verdict=Verdict.UNKNOWN, summary=text, seconds=0.0)
        self._mailbox.put(e.Stamped(2**31, 0.0, finished))
