"""The tries of a run: one at a time, each in a thread of its own, so that none waits for the run's loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.supervisor.trial_room import Wish
from modelcar_tui.supervisor.trying import Try
from modelcar_tui.trial import PreparedTrial


class Tries:
    """Safe from any thread; nothing here waits but `join`."""

    def __init__(
        self,
        make: Callable[[Wish], Try],
        state: Callable[[], RunState],
        say: Callable[[e.AnyEvent], object],
    ) -> None:
        """
        Args:
            make: One try of a wish.
            state: The run as it is at that moment.
            say: Told where a wish can't be taken.
        """
        self._make = make
        self._state = state
        self._say = say
        self._lock = threading.Lock()
        self._thread: _Thread | None = None
        self._over = False

    def begin(self, wish: Wish) -> str:
        """Begin one; its id, or nothing where one is open already, which is told."""
        with self._lock:
            if self._over:
                return ""
            open_one = self._thread
            if open_one is None or not open_one.is_alive():
                made = self._make(wish)
                self._thread = _Thread(made)
                self._thread.start()
                return made.id
        trial = self._state().trial
        whom = f" of {trial.model}" if trial is not None else ""
        self._say(e.Noticed(text=f"a try{whom} is still open: one at a time"))
        return ""

    def allow(self, identifier: str, allowed: bool) -> None:
        """The operator's word; one on another plan than the one that waits is not heard."""
        if (thread := self._thread) is not None:
            thread.allow(identifier, allowed)

    def stop(self, identifier: str) -> None:
        """Stop the try of that id, the wish's or the plan's."""
        if (thread := self._thread) is not None and identifier in thread.ids:
            thread.stop()

    def end(self) -> None:
        """Stop what is open, and begin no more."""
        with self._lock:
            self._over = True
        if (thread := self._thread) is not None:
            thread.stop()

    def join(self, timeout: float) -> bool:
        """Wait for the open one to end; whether none is open."""
        if (thread := self._thread) is None:
            return True
        thread.join(timeout)
        return not thread.is_alive()


class _Thread(threading.Thread):
    """Drives one try on a loop of its own."""

    def __init__(self, one: Try) -> None:
        super().__init__(name="try", daemon=True)
        self.ids = [one.id]
        self._try = one
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[object] | None = None
        self._stopped = False
        self._answer: asyncio.Future[bool] | None = None

    def run(self) -> None:
        try:
            self._task = self._loop.create_task(self._try.go(self._ask))
            if self._stopped:
                self._loop.call_soon(self._cancel)
            with suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._task)
        finally:
            with suppress(Exception):
                self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _ask(self, prepared: PreparedTrial) -> bool:
        self._answer = self._loop.create_future()
        self.ids.append(prepared.plan.id)
        return await self._answer

    def allow(self, identifier: str, allowed: bool) -> None:
        """See `Tries.allow`."""
        self._later(lambda: self._settle(identifier, allowed))

    def _settle(self, identifier: str, allowed: bool) -> None:
        if self._answer is not None and identifier == self.ids[-1] and not self._answer.done():
            self._answer.set_result(allowed)

    def stop(self) -> None:
        """Cancel it, once: a second word must not break off the removing."""
        if not self._stopped:
            self._stopped = True
            self._later(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _later(self, call: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: the try has ended
            self._loop.call_soon_threadsafe(call)
