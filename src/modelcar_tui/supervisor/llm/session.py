"""The language model of one run: asked once, for a moment, and never needed.

A session belongs to the run's loop. Without a model there is no session, and nothing of it is imported.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.secrets import Redactor, Secret
from modelcar_tui.manifest import Change
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.answers import Part, PartError, by_id, rendered, run_facts
from modelcar_tui.supervisor.llm import prompts
from modelcar_tui.supervisor.llm.answer import listed, no_more, one_of
from modelcar_tui.supervisor.llm.client import Client, Limits, Reply, Use
from modelcar_tui.supervisor.llm.config import Choice
from modelcar_tui.supervisor.llm.failures import Failure, ModelError
from modelcar_tui.supervisor.llm.pseudonyms import Pseudonyms
from modelcar_tui.supervisor.llm.replies import Reading, parse
from modelcar_tui.supervisor.llm.sent import SHARES, Sent, in_order
from modelcar_tui.supervisor.settings import LLM_WAIT_S
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import DecisionReport, Verdict

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

TALK_S = 6.0
"""All that a run waits for a model that talks; for one that is silent see `Settings.llm_wait_s`."""
CHARS = 4000
"""Five suggestions are some 500 characters of JSON."""
MOST_FIRST = 4


class Session:
    """Says once what to read first, and suggests arguments for the plan, at its time."""

    def __init__(
        self,
        choice: Choice,
        key: Secret,
        *,
        emit: Callable[[e.AnyEvent], None],
        state: Callable[[], RunState],
        redact: Redactor,
        vllm: str | None = None,
    ) -> None:
        """
        Args:
            choice: Which model.
            key: Its key; the redactor learns it.
            emit: Journals and shows an event.
            state: The run as it is now.
            redact: Of the run.
            vllm: The release that the operator states.
        """
        redact.add(key)
        self.choice = choice
        self._key, self._emit, self._state, self._vllm = key, emit, state, vllm
        self._client: asyncio.Task[Client] | None = None
        self._redact = redact
        self._first: tuple[str, ...] = ()
        """Ids of what to read first, until it is told."""
        self._closed = False

    def start(self) -> None:
        """Say what will be shared, and load the library beside the run."""
        self._say(e.LanguageModelJoined(model=self.choice.label, host=self.choice.host, shares=SHARES))
        self._client = asyncio.create_task(self._build())

    async def client(self) -> Client:
        """The client, once its library is loaded.

        Raises:
            ModelError: it can't be used.
        """
        if self._client is None or self._closed:
            raise ModelError(Failure.OPEN)
        return await asyncio.shield(self._client)

    async def suggest(self, report: DecisionReport, *, wait_s: float = LLM_WAIT_S) -> tuple[Change, ...]:
        """Changes that the model suggests and the validators let through; none where anything goes wrong.

        The run waits for this, and for nothing else of a model. What the model would have read first comes in
        the same reply.

        Args:
            report: What was decided.
            wait_s: Seconds until the first word, with what is left of loading the library. A reply that has
                begun has `TALK_S` in all.
        """
        state = msgspec.structs.replace(self._state(), decision=report)
        names = Pseudonyms(state)
        sent = Sent(names)
        rows = sent.add(in_order(run_facts(state), ()))
        try:
            reply = await self._asked(prompts.read_first(rows), _schema(sent, names), wait_s)
        except ModelError:
            return ()
        try:
            reading = parse(reply.text, Reading)
            self._first = tuple(sent.real(one) for one in reading.first[:MOST_FIRST])
            return await self._validated(reading, names, state, report)
        except ModelError as error:
            self._say(e.LanguageModelUsed(calls=0, problem=f"its suggestions: {error}"))
            return ()
        except Exception as error:  # noqa: BLE001 - the plan must not depend on what a model wrote
            self._say(e.LanguageModelUsed(calls=0, problem=f"its suggestions: {type(error).__name__}"))
            return ()

    async def _validated(
        self, reading: Reading, names: Pseudonyms, state: RunState, report: DecisionReport
    ) -> tuple[Change, ...]:
        cluster = state.cluster
        if cluster is None or (report.with_changes is not Verdict.GO and report.verdict is not Verdict.GO):
            return ()
        from modelcar_tui.supervisor.llm.propose import MOST, validated

        wanted = [
            one.model_copy(update={"model": names.real(one.model, "model") or ""})
            for one in reading.changes[:MOST]
        ]
        return await asyncio.to_thread(validated, wanted, report, state.models, cluster, vllm=self._vllm)

    def decided(self) -> None:
        """The decision stands: tell, once, what the model would have the operator read first of it."""
        first, self._first = self._first, ()
        if not first:
            return
        try:
            facts = by_id(run_facts(self._state()))
            lines, ids = rendered([Part(ids=tuple(one for one in first if one in facts))], facts)
            self._say(e.ReadFirst(lines=tuple(self._redact(line) for line in lines), facts=ids))
        except PartError:
            pass  # none of them is a fact of the plan with its suggestions
        except Exception as error:  # noqa: BLE001 - nobody waits for it who could hear of a fault
            self._say(e.LanguageModelUsed(calls=0, problem=f"to read first: {type(error).__name__}"))

    async def close(self) -> None:
        """Stop asking."""
        if self._closed:
            return
        if self._client is not None:
            self._client.cancel()
            await asyncio.gather(self._client, return_exceptions=True)
        self._closed = True

    async def _asked(self, messages: list[BaseMessage], schema: dict[str, Any], wait_s: float) -> Reply:
        """The reply of the run's one call.

        Raises:
            ModelError: no whole reply in time.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(wait_s):
                client = await self.client()
        except TimeoutError:
            problem = f"its library was not loaded within {wait_s:g} s"
            self._say(e.LanguageModelUsed(calls=0, problem=problem))
            raise ModelError(Failure.TIMED_OUT, problem) from None
        gone = clock() - began
        first_s, total_s = (round(limit - gone, 2) for limit in (wait_s, max(wait_s, TALK_S)))
        limits = Limits(first_s=first_s, total_s=total_s, chars=CHARS)
        return await client.ask(messages, limits, schema=schema)

    async def _build(self) -> Client:
        from modelcar_tui.supervisor.llm.provider import build

        try:
            model = await asyncio.to_thread(build, self.choice, self._key)
        except UserError as error:
            self._problem(str(error))
            raise ModelError(Failure.OTHER, str(error)) from None
        except Exception as error:  # noqa: BLE001 - a library that does not load costs the suggestions only
            self._problem(f"{self.choice.provider.module} can't be used: {type(error).__name__}")
            raise ModelError(Failure.OTHER, type(error).__name__) from None
        return Client(model, on_use=self._used)

    def _used(self, use: Use) -> None:
        self._say(e.LanguageModelUsed(**msgspec.structs.asdict(use)))

    def _problem(self, text: str) -> None:
        self._say(e.LanguageModelUsed(calls=0, problem=text))
        self._say(e.Noticed(text=f"{text}; the run goes on without a language model"))

    def _say(self, event: e.AnyEvent) -> None:
        if not self._closed:
            with suppress(RuntimeError, ValueError):  # the journal is closed: nobody listens any more
                self._emit(event)


def _schema(sent: Sent, names: Pseudonyms) -> dict[str, Any]:
    """The JSON schema of what to read first and of suggestions."""
    from modelcar_tui.supervisor.llm.propose import FLAGS, MOST

    change = no_more(
        {
            "model": one_of(names.known("model")),
            "flag": one_of(FLAGS),
            "value": {"type": "number"},
        }
    )
    return no_more({"first": listed(one_of(sent.ids), MOST_FIRST), "changes": listed(change, MOST)})
