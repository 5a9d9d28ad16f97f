"""What the operator does beside a run: asks about it, and says whether a language model may be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.llm import open_session
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState

if TYPE_CHECKING:
    from modelcar_tui.supervisor.answers import WhatIf
    from modelcar_tui.supervisor.llm import Session
    from modelcar_tui.supervisor.pruner import Pruner
    from modelcar_tui.supervisor.trial_room import Wish
    from modelcar_tui.supervisor.tries import Tries
    from modelcar_tui.supervisor.trying import Try


class Beside:
    """The part of a `Supervisor` that may be called while the run goes on, and after it."""

    settings: Settings
    state: RunState
    llm: Session | None
    _redact: Redactor
    _loop: asyncio.AbstractEventLoop | None
    _driver: asyncio.Task[None] | None
    _pruner: Pruner | None = None
    _model_hosts: set[str]
    """Hosts of language models that the operator has allowed in this run."""

    def emit(self, event: e.AnyEvent) -> None:
        """See `Supervisor.emit`."""
        raise NotImplementedError

    def tell(self, event: e.AnyEvent) -> e.Stamped | None:
        """See `Supervisor.tell`."""
        raise NotImplementedError

    async def ask(
        self,
        question: str | WhatIf,
        *,
        identifier: str = "1",
        say: Callable[[e.AnyEvent], object] | None = None,
    ) -> e.QuestionAnswered:
        """Answer a question about the run as it is now; on any loop, beside the run.

        `say` is told what the language model is given and what it cost; `tell` by default.
        """
        from modelcar_tui.supervisor.llm import answer_question

        return await answer_question(
            self.settings,
            self.state,
            question,
            identifier=identifier,
            redact=self._redact,
            say=say or self.tell,
            allowed=self._model_hosts,
        )

    def tries(self, say: Callable[[e.AnyEvent], object] | None = None) -> Tries:
        """The tries of this run's models on real GPUs; `say` is told of them, `tell` by default."""
        from modelcar_tui.supervisor.tries import Tries

        return Tries(lambda wish: self.attempt(wish, say), lambda: self.state, say or self.tell)

    def attempt(self, wish: Wish, say: Callable[[e.AnyEvent], object] | None = None) -> Try:
        """One try of a model of this run, on any loop; `say` is told of it, `tell` by default."""
        from modelcar_tui.supervisor.trying import Try

        tell = say or self.tell

        def told(event: e.AnyEvent) -> None:
            with suppress(OSError, MemoryError):  # the supervisor ends the run for it and says so
                tell(event)

        return Try(wish, self.settings, state=lambda: self.state, say=told, redact=self._redact)

    async def sweep(self) -> None:
        """Remove what tries of killed processes left on this cluster, and say so."""
        from modelcar_tui.supervisor.trial_room import sweep

        for line in await sweep(self.state, self.settings):
            with suppress(OSError, MemoryError):
                self.tell(e.Noticed(text=line))

    def prune(self, run: Path, *, resumed: bool = False) -> None:
        """Remove earlier runs whose time has come, beside a new run, and say so before its end."""
        if resumed:
            return
        from modelcar_tui.supervisor.pruner import Pruner

        self._pruner = Pruner(run, lambda line: self.emit(e.Noticed(text=line)))
        self._pruner.start()

    def end_pruning(self) -> None:
        """The run ends: what went is said now. Waits half a second at most."""
        pruner, self._pruner = self._pruner, None
        if pruner is not None:
            pruner.stop()

    async def planned(self, wish: Wish) -> tuple[dict[str, Any], ...]:
        """The objects that a try would make, fit to be shown: see `prepared_for`.

        Raises:
            UserError: it can't be tried.
        """
        from modelcar_tui.supervisor.trial_room import prepared_for

        return await prepared_for(self.state, self.settings, wish, self._redact)

    def allow_model(
        self, host: str, allowed: bool, *, say: Callable[[e.AnyEvent], object] | None = None
    ) -> None:
        """The operator's word on the language model that was offered, kept in the settings file for later
        runs. Allowed, it joins this run. Safe from any thread; waits for the disk.

        Args:
            host: As it was offered.
            allowed: Whether what is shared may go there.
            say: Told of the answer, and where it could not be kept; `tell` by default.
        """
        from modelcar_tui.core.model_hosts import Standing, keep

        say = say or self.tell
        (self._model_hosts.add if allowed else self._model_hosts.discard)(host)
        say(e.LanguageModelAnswered(host=host, allowed=allowed, who=self.settings.who))
        try:
            keep(host, Standing.ALLOWED if allowed else Standing.REFUSED)
        except UserError as error:
            say(e.Noticed(text=f"the answer holds for this run only: {self._redact(str(error))}"))
        if allowed and self._loop is not None and self._driver is not None and not self._driver.done():
            self._loop.call_soon_threadsafe(self._open_model)

    def _open_model(self) -> None:
        """The language model joins the run, where there is one and it may be asked."""
        if self.llm is None and self.state.finish is None:
            self.llm = open_session(
                self.settings,
                emit=self.emit,
                state=lambda: self.state,
                redact=self._redact,
                allowed=self._model_hosts,
            )
