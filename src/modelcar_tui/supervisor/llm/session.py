"""The language model of one run: asked beside the run, never in its way.

A session belongs to the run's loop. Without a model there is no session, and nothing of it is imported.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.secrets import Redactor, Secret, quoted
from modelcar_tui.core.text import clean_block
from modelcar_tui.manifest import Change
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.llm import prompts
from modelcar_tui.supervisor.llm.check import MOST_CHARS, fault
from modelcar_tui.supervisor.llm.claims import known
from modelcar_tui.supervisor.llm.client import Client, Limits, Use
from modelcar_tui.supervisor.llm.config import Choice
from modelcar_tui.supervisor.llm.failures import Failure, ModelError
from modelcar_tui.supervisor.llm.named import SHARES, named_facts, payload
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import DecisionReport, Verdict

SETTLE_S = 3.0
"""How long the end of a run waits for narrations that are on their way."""
TOKENS_S = 0.05
"""Narration is shown at most so often."""
NARRATION = Limits(first_s=10.0, total_s=25.0, chars=4000)
ROUTE = Limits(first_s=3.0, total_s=4.0, chars=400)
"""The run waits for this one."""
PROPOSE = Limits(first_s=5.0, total_s=6.0, chars=4000)
"""The run waits for this one too, once."""
_TOLD = (e.Status.DONE, e.Status.WARNING)
"""A pane that failed or was skipped has its own line, which says more."""


class Session:
    """Narrates finished panes, and lends its client to routing, proposals and questions."""

    def __init__(
        self,
        choice: Choice,
        key: Secret,
        *,
        emit: Callable[[e.AnyEvent], None],
        state: Callable[[], RunState],
        redact: Redactor,
        vllm: str | None = None,
        narration: Limits = NARRATION,
    ) -> None:
        """
        Args:
            choice: Which model.
            key: Its key; the redactor learns it.
            emit: Journals and shows an event.
            state: The run as it is now.
            redact: Of the run.
            vllm: The release that the operator states.
            narration: Limits of one narration.
        """
        redact.add(key)
        self.choice = choice
        self._key, self._emit, self._state, self._redact = key, emit, state, redact
        self._limits, self._vllm = narration, vllm
        self._client: asyncio.Task[Client] | None = None
        self._narrations: dict[str, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(2)
        self._closed = False

    def start(self) -> None:
        """Say what will be shared, and load the library beside the run."""
        self._say(e.LanguageModelJoined(model=self.choice.label, host=self.choice.host, shares=SHARES))
        self._client = asyncio.create_task(self._build())

    def heard(self, event: e.AnyEvent) -> None:
        """Narrate a pane that has just finished; the newest result of a pane is the one that counts."""
        if self._closed or not isinstance(event, e.SpecialistFinished) or event.status not in _TOLD:
            return
        earlier = self._narrations.get(event.specialist)
        if earlier is not None:
            earlier.cancel()
        self._narrations[event.specialist] = asyncio.create_task(self._narrate(event.specialist))

    async def client(self) -> Client:
        """The client, once its library is loaded.

        Raises:
            ModelError: it can't be used.
        """
        if self._client is None or self._closed:
            raise ModelError(Failure.OPEN)
        return await asyncio.shield(self._client)

    async def choose(self, names: tuple[str, ...]) -> str:
        """One of `names`, the allowed next steps.

        Raises:
            ModelError: no answer in time, or one that is not among them.
        """
        try:
            async with asyncio.timeout(ROUTE.total_s):
                client = await self.client()
                facts = payload(named_facts(self._state(), "decision")[:20])
                reply = await client.ask(prompts.route(names, facts), ROUTE)
        except TimeoutError:
            raise ModelError(Failure.TIMED_OUT) from None
        from modelcar_tui.supervisor.llm.replies import Route
        from modelcar_tui.supervisor.llm.strict import parse

        chosen = parse(reply.text, Route).choice
        if chosen not in names:
            raise ModelError(Failure.NOT_ALLOWED, quoted(chosen, limit=40))
        return chosen

    async def suggest(self, report: DecisionReport) -> tuple[Change, ...]:
        """Changes that the model suggests and the validators let through; none where anything goes wrong."""
        state = msgspec.structs.replace(self._state(), decision=report)
        cluster = state.cluster
        if cluster is None or (report.with_changes is not Verdict.GO and report.verdict is not Verdict.GO):
            return ()
        from modelcar_tui.supervisor.llm.propose import FLAGS, validated
        from modelcar_tui.supervisor.llm.replies import Suggestions
        from modelcar_tui.supervisor.llm.strict import parse

        try:
            async with asyncio.timeout(PROPOSE.total_s):
                client = await self.client()
                reply = await client.ask(prompts.propose(FLAGS, payload(named_facts(state))), PROPOSE)
            wanted = parse(reply.text, Suggestions).changes
            return await asyncio.to_thread(validated, wanted, report, state.models, cluster, vllm=self._vllm)
        except (ModelError, TimeoutError):
            return ()
        except Exception as error:  # noqa: BLE001 - the plan must not depend on what a model wrote
            self._say(e.LanguageModelUsed(calls=0, problem=f"its suggestions: {type(error).__name__}"))
            return ()

    async def settle(self, limit_s: float = SETTLE_S) -> None:
        """Wait a little for what is being told, then withdraw the rest. The run ends after this."""
        tasks = [task for task in self._narrations.values() if not task.done()]
        if tasks:
            await asyncio.wait(tasks, timeout=limit_s)
        await self.close()

    async def close(self) -> None:
        """Stop asking."""
        if self._closed:
            return
        tasks = [*self._narrations.values(), *([self._client] if self._client else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._closed = True

    async def _build(self) -> Client:
        from modelcar_tui.supervisor.llm.provider import build

        try:
            model = await asyncio.to_thread(build, self.choice, self._key)
        except UserError as error:
            self._problem(str(error))
            raise ModelError(Failure.OTHER, str(error)) from None
        except Exception as error:  # noqa: BLE001 - a library that does not load costs the narration only
            self._problem(f"{self.choice.provider.module} can't be used: {type(error).__name__}")
            raise ModelError(Failure.OTHER, type(error).__name__) from None
        return Client(model, on_use=self._used)

    async def _narrate(self, pane_name: str) -> None:
        shown = False
        last = 0.0

        def on_text(text: str) -> None:
            nonlocal shown, last
            if time.monotonic() - last < TOKENS_S:
                return
            shown, last = True, time.monotonic()
            self._say(e.NarrationToken(specialist=pane_name, text=_prose(self._redact(text))))

        why = "the run ended first"
        text = ""
        try:
            async with self._turns:
                state = self._state()
                facts = named_facts(state, pane_name)
                pane = state.pane(pane_name)
                if not facts or pane is None:
                    return
                client = await self.client()
                messages = prompts.narrate(pane.title, payload(facts))
                reply = await client.ask(messages, self._limits, on_text)
                text = _prose(self._redact(reply.text))
                why = fault(self._redact(reply.text), known(state, facts))
        except ModelError as error:
            why = str(error)
            if not shown:
                return
        except Exception as error:  # noqa: BLE001 - narration is never worth a fault of the run
            why, text = f"a fault of ours: {type(error).__name__}", ""
        finally:
            if shown or text:
                confirmed = bool(text) and not why
                self._say(
                    e.NarrationSettled(
                        specialist=pane_name, confirmed=confirmed, text=text if confirmed else "", why=why
                    )
                )

    def _used(self, use: Use) -> None:
        self._say(e.LanguageModelUsed(**msgspec.structs.asdict(use)))

    def _problem(self, text: str) -> None:
        self._say(e.LanguageModelUsed(calls=0, problem=text))
        self._say(e.Noticed(text=f"{text}; the run goes on without a language model"))

    def _say(self, event: e.AnyEvent) -> None:
        if not self._closed:
            with suppress(RuntimeError, ValueError):  # the journal is closed: nobody listens any more
                self._emit(event)


def _prose(text: str) -> str:
    return " ".join(clean_block(text, limit=MOST_CHARS).split())
