"""Questions about a run: a language model may choose the facts and what-ifs; else the rules answer.

Whoever chooses, every word is rendered from facts of the run.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.text import clean
from modelcar_tui.supervisor.answers import MOST_QUESTION, PartError, Rules, WhatIf, rendered
from modelcar_tui.supervisor.events import QuestionAnswered
from modelcar_tui.supervisor.llm import prompts
from modelcar_tui.supervisor.llm.answer import Answer, answer_schema, parts_of, what_if_of
from modelcar_tui.supervisor.llm.client import Client, Limits
from modelcar_tui.supervisor.llm.failures import Failure, ModelError
from modelcar_tui.supervisor.llm.pseudonyms import Pseudonyms
from modelcar_tui.supervisor.llm.replies import parse
from modelcar_tui.supervisor.llm.sent import MOST_TRIED, Sent, in_order
from modelcar_tui.supervisor.state import RunState

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

ROUNDS = 4
"""Of one question: what-ifs, the answer, and one repair."""
MOST_TRIES = 6
PATIENCE = 5
"""A question holds nothing up: it waits so many times as long for a silent model as a run does."""
LIMITS = Limits(first_s=10.0, total_s=45.0, attempts=2)
Told = tuple[list[str], tuple[str, ...]]
"""Lines of an answer, and the ids of the facts that they tell."""


class Asker:
    """Answers questions about one state of a run."""

    def __init__(
        self,
        state: RunState,
        *,
        client: Client | None = None,
        vllm: str | None = None,
        objective: str = "minimal",
        limits: Limits = LIMITS,
    ) -> None:
        self._state, self._client, self._limits = state, client, limits
        self._rules = Rules(state, vllm=vllm, objective=objective)

    async def answer(self, question: str | WhatIf, *, identifier: str = "1") -> QuestionAnswered:
        """The answer; it never fails: what can't be answered says why."""
        if isinstance(question, WhatIf):
            return await self._by_code(question, question.text, identifier)
        question = clean(question.strip(), limit=MOST_QUESTION)
        why = ""
        if self._client is not None and question:
            try:
                async with asyncio.timeout(self._limits.total_s):
                    lines, ids = await self._by_model(self._client, question)
                text = "\n".join(lines)
                return QuestionAnswered(id=identifier, question=question, text=text, facts=ids, by="model")
            except ModelError as error:
                why = f"no answer of the language model: {error}"
            except TimeoutError:
                why = "no answer of the language model: too slow"
        return await self._by_code(question, question, identifier, why)

    async def _by_code(
        self, asked: str | WhatIf, question: str, identifier: str, why: str = ""
    ) -> QuestionAnswered:
        try:
            if isinstance(asked, WhatIf):
                lines, ids = await asyncio.to_thread(self._rules.form, asked)
            else:
                lines, ids = await asyncio.to_thread(self._rules.answer, asked)
        except UserError as error:
            lines, ids, why = [], (), "; ".join(part for part in (why, str(error)) if part)
        text = "\n".join(lines)
        return QuestionAnswered(id=identifier, question=question, text=text, facts=ids, why=why)

    async def _by_model(self, client: Client, question: str) -> Told:
        """The answer of ids that the model chooses.

        Raises:
            ModelError: no answer, or one that can't be said after one repair.
        """
        asked = self._rules.mention(question).models
        names, sent, messages = _conversation(self._rules, self._state, question, asked)
        repaired = False
        for _ in range(ROUNDS):
            schema = answer_schema(sent.ids, names.known("model"), names.known("gpu"))
            reply = await client.ask(messages, self._limits, schema=schema)
            try:
                answer = parse(reply.text, Answer)
                if answer.what_if and not (answer.parts and self._rules.tried):
                    rows = await asyncio.to_thread(self._try, answer, names, sent)
                    prompts.tried(messages, reply.text, rows)
                    continue
                return rendered(parts_of(answer, sent), self._rules.facts, asked)
            except (PartError, ModelError) as error:
                if repaired:
                    if isinstance(error, PartError):
                        raise ModelError(Failure.UNTRUE, str(error)) from None
                    raise
                repaired = True
                prompts.refused(messages, reply.text, str(error))
        raise ModelError(Failure.NOT_ALLOWED, f"no answer after {ROUNDS} rounds")

    def _try(self, answer: Answer, names: Pseudonyms, sent: Sent) -> list[str]:
        """Work out what-ifs; the rows of their facts, or why one can't be tried, without its words."""
        rows: list[str] = []
        for asked in answer.what_if:
            if self._rules.tried >= MOST_TRIES:
                rows.append('{"error":"no more what-ifs"}')
                break
            try:
                found = self._rules.attempt(what_if_of(asked, names))
                ranked = sorted(found.facts, key=lambda fact: fact.id not in found.ids)
                rows += sent.add(ranked, MOST_TRIED)
            except (UserError, ValueError, OverflowError):
                rows.append('{"error":"this what-if can not be tried: a value or a product is none"}')
        return rows


def _conversation(
    rules: Rules, state: RunState, question: str, asked: tuple[str, ...]
) -> tuple[Pseudonyms, Sent, list[BaseMessage]]:
    names = Pseudonyms(state)
    sent = Sent(names)
    hidden = names.hide(question)
    rows = sent.add(in_order(tuple(rules.facts.values()), asked))
    return names, sent, prompts.ask(hidden, rows)


def shown(state: RunState, question: str = "", *, vllm: str | None = None) -> str:
    """What would be sent for a question, whole: `agent ask --show-facts`."""
    rules = Rules(state, vllm=vllm)
    names, sent, messages = _conversation(rules, state, question, rules.mention(question).models)
    schema = answer_schema(sent.ids, names.known("model"), names.known("gpu"))
    parts = [f"--- {message.type} ---\n{message.content}" for message in messages]
    return "\n\n".join([*parts, f"--- schema ---\n{json.dumps(schema)}"])
