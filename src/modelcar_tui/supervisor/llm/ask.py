"""Questions about a run. A model may word the answer; its numbers come from the facts and the tools.

Without a model the same tools answer: a what-if as it is, a question by the facts that it names.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import msgspec

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.text import clean
from modelcar_tui.supervisor.events import QuestionAnswered
from modelcar_tui.supervisor.fact_words import fact_words
from modelcar_tui.supervisor.llm import prompts
from modelcar_tui.supervisor.llm.check import fault
from modelcar_tui.supervisor.llm.claims import Known, learn
from modelcar_tui.supervisor.llm.client import Client, Limits
from modelcar_tui.supervisor.llm.failures import Failure, ModelError
from modelcar_tui.supervisor.llm.intents import MOST_MODELS, understand
from modelcar_tui.supervisor.llm.named import Named, known_went, named_facts, payload, scrub
from modelcar_tui.supervisor.llm.question import WhatIf
from modelcar_tui.supervisor.llm.tools import Found, fact_line, matching_facts, what_if, which_gpu, why_lines
from modelcar_tui.supervisor.state import RunState

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUNDS = 4
MOST_CALLS = 6
MOST_QUESTION = 500
LIMITS = Limits(first_s=20.0, total_s=45.0, attempts=2)
_CITED = re.compile(r"\[([^\[\]]{1,200})\]")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?!\[)|\n+")
_PARAMETERS = {
    "max_model_len": "--max-model-len",
    "max_num_seqs": "--max-num-seqs",
    "max_num_batched_tokens": "--max-num-batched-tokens",
    "gpu_memory_utilization": "--gpu-memory-utilization",
    "kv_cache_dtype": "--kv-cache-dtype",
    "tensor_parallel_size": "--tensor-parallel-size",
    "enforce_eager": "--enforce-eager",
}
_TEXTS = ("kv_cache_dtype", "gpu", "model")


def schemas() -> list[dict[str, Any]]:
    """The tools as a model sees them; none of them changes anything."""
    properties: dict[str, Any] = {
        "model": {"type": "string", "description": "a model's name from the facts"},
        "gpu": {
            "type": "string",
            "description": "PRODUCT:COUNT[@NODES] instead of the run's GPUs, as L40S:4",
        },
    }
    for name in _PARAMETERS:
        kind = "string" if name in _TEXTS else "boolean" if name == "enforce_eager" else "number"
        properties[name] = {"type": kind}
    decide = "Decide one model again with other vLLM arguments or GPUs: the real estimate and solver."
    look = "Facts of the run that mention these words, with their ids."
    words = {"words": {"type": "string"}}
    return [
        _schema("what_if", decide, properties, ["model"]),
        _schema("facts", look, words, ["words"]),
    ]


def _schema(name: str, text: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "description": text, "parameters": parameters}}


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
        self._vllm, self._objective = vllm, objective
        self._facts: dict[str, Named] = {}
        self._tried: list[Found] = []

    async def answer(self, question: str | WhatIf, *, identifier: str = "1") -> QuestionAnswered:
        """The answer; it never fails: what can't be answered says why."""
        if isinstance(question, WhatIf):
            return await self._by_form(question, identifier)
        question = clean(question.strip(), limit=MOST_QUESTION)
        why = ""
        if self._client is not None and question:
            try:
                async with asyncio.timeout(self._limits.total_s):
                    text = await self._by_model(self._client, question)
                cited = tuple(dict.fromkeys(_CITED.findall(text)))
                told = _CITED.sub(lambda found: f"[{fact_words(found[1])}]", text)
                return QuestionAnswered(id=identifier, question=question, text=told, facts=cited, by="model")
            except ModelError as error:
                why = f"no answer of the language model: {error}"
            except TimeoutError:
                why = "no answer of the language model: too slow"
        try:
            lines, ids = await asyncio.to_thread(self._by_rules, question)
        except UserError as error:
            lines, ids, why = [], (), "; ".join(part for part in (why, str(error)) if part)
        text = "\n".join(lines)
        return QuestionAnswered(id=identifier, question=question, text=text, facts=ids, why=why)

    def _by_rules(self, question: str) -> tuple[list[str], tuple[str, ...]]:
        """What the tools say to a question whose kind is plain, else the facts that it names."""
        found = understand(question, self._state)
        if found is None:
            facts = matching_facts(self._state, question)
            return [*self._lines(self._tried)[0], *map(fact_line, facts)], tuple(fact.id for fact in facts)
        if found.kind == "which":
            told = {
                name: which_gpu(self._state, name, vllm=self._vllm, objective=self._objective)
                for name in found.models
            }
        elif found.kind == "what-if":
            return self._lines([self._what_if(asked) for asked in found.what_ifs])
        elif not found.models:
            return [f"no model is {found.verdict}"], ("verdict",)
        else:
            verdicts = self._state.decision.models if self._state.decision else ()
            told = {one.model: why_lines(one) for one in verdicts if one.model in found.models}
        ids = tuple(f"verdict/{scrub(name, limit=120)}" for name in told)
        return [line for lines in told.values() for line in lines], ids

    @staticmethod
    def _lines(tried: list[Found]) -> tuple[list[str], tuple[str, ...]]:
        lines = [line for found in tried for line in found.lines()]
        return lines, tuple(fact.id for found in tried for fact in found.facts)

    async def _by_form(self, asked: WhatIf, identifier: str) -> QuestionAnswered:
        """One model, or each of them where none is named."""
        names = (
            [asked.model] if asked.model else [model.car.name for model in self._state.models[:MOST_MODELS]]
        )
        each = [msgspec.structs.replace(asked, model=name) for name in names]
        try:
            tried = [await asyncio.to_thread(self._what_if, one) for one in each or [asked]]
        except UserError as error:
            return QuestionAnswered(id=identifier, question=asked.text, text="", why=str(error))
        lines, ids = self._lines(tried)
        return QuestionAnswered(id=identifier, question=asked.text, text="\n".join(lines), facts=ids)

    def _what_if(self, asked: WhatIf) -> Found:
        number = len(self._tried) + 1
        found = what_if(self._state, asked, number=number, vllm=self._vllm, objective=self._objective)
        self._tried.append(found)
        return found

    async def _by_model(self, client: Client, question: str) -> str:
        from langchain_core.messages import ToolMessage

        given = named_facts(self._state)
        self._facts = {fact.id: fact for fact in given}
        messages = prompts.ask(scrub(question, limit=MOST_QUESTION), payload(given))
        client = client.bound(schemas())
        calls = 0
        for _ in range(ROUNDS):
            reply = await client.ask(messages, self._limits)
            if not reply.message.tool_calls:
                if why := self._fault(reply.text):
                    raise ModelError(Failure.UNTRUE, why)
                return clean(" ".join(reply.text.split()), limit=1500)
            messages.append(reply.message)
            for call in reply.message.tool_calls:
                calls += 1
                result = await self._call(call) if calls <= MOST_CALLS else '{"error": "no more calls"}'
                messages.append(ToolMessage(result, tool_call_id=call["id"], name=call["name"]))
        raise ModelError(Failure.NOT_ALLOWED, f"no answer after {ROUNDS} rounds of tools")

    async def _call(self, call: Mapping[str, Any]) -> str:
        """One tool call; whatever the model asks for wrongly comes back to it as an error."""
        args = call.get("args") or {}
        if call["name"] == "facts":
            facts = matching_facts(self._state, clean(str(args.get("words", "")), limit=200))
            return payload(facts)
        if call["name"] != "what_if":
            return '{"error": "there is no such tool"}'
        try:
            found = await asyncio.to_thread(self._what_if, _asked(args))
        except UserError as error:
            return msgspec.json.encode({"error": scrub(str(error))}).decode()
        except (ValueError, OverflowError, TypeError):
            return '{"error": "arguments that are none"}'
        self._facts |= {fact.id: fact for fact in found.facts}
        return payload(found.facts)

    def _fault(self, text: str) -> str:
        """What speaks against an answer: nothing cited, something cited that is not there, or a wrong
        sentence."""
        cited = _CITED.findall(text)
        if not cited:
            return "it cites no fact"
        for name in cited:
            if name not in self._facts:
                return f"it cites {clean(name, limit=60)}, which is no fact"
        for sentence in _SENTENCE.split(text):
            bare = _CITED.sub(" ", sentence).strip(" .,;")
            if bare and (why := fault(bare + ".", self._known(_CITED.findall(sentence)))):
                return why
        return ""

    def _known(self, cited: list[str]) -> Known:
        """What one sentence may say: the run's facts, or those of the what-if that it cites."""
        tried = {f"what-if-{index}": found for index, found in enumerate(self._tried, 1)}
        used = [found for name, found in tried.items() if any(_under(each, name) for each in cited)]
        if len(used) == 1:
            return learn(used[0].facts)
        facts = tuple(fact for fact in self._facts.values() if not fact.id.startswith("what-if-"))
        # Two what-ifs in one sentence: whose number is whose can't be told apart.
        return learn(() if used else facts, went=known_went(self._state, facts))


def _under(identifier: str, name: str) -> bool:
    return identifier == name or identifier.startswith(f"{name}/")


def _asked(args: Mapping[str, Any]) -> WhatIf:
    flags: dict[str, str] = {}
    for name, flag in _PARAMETERS.items():
        value = args.get(name)
        if value is None or value is False:
            continue
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        flags[flag] = "" if value is True else clean(str(value), limit=40)
    gpu = args.get("gpu")
    model = clean(str(args.get("model", "")), limit=200)
    return WhatIf(model=model, arguments=flags, gpu=clean(str(gpu), limit=100) if gpu else None)
