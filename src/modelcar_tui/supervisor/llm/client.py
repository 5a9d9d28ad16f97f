"""One adapter around every call: own time-outs, attempts, circuit breaker, and a reason for every failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import msgspec

from modelcar_tui.supervisor.llm.breaker import Breaker
from modelcar_tui.supervisor.llm.failures import Failure, ModelError, classify, normal_finish

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage


THOUGHT = "reasoning_content"
"""Under which a piece holds what the model thinks, besides its content."""
_REFUSALS = (400, 422)
"""How a service refuses a schema that it can't follow."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long one call may take, and how much it may say."""

    first_s: float = 10.0
    """Until the first word, or thought; an empty piece is no sign of life."""
    total_s: float = 25.0
    """The whole call with all its attempts."""
    attempts: int = 1
    chars: int = 8000
    """A longer reply is given up."""
    chunks: int = 3000
    """So is one in more pieces, with words or without: each piece costs the run's loop some time."""
    weight: int = 200_000
    """And one that brings more characters of any kind, such as a tool's arguments."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A whole reply whose finish reason was `stop`."""

    text: str
    usage: Any = None
    """What the service says that it cost."""


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """What one call cost."""

    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    problem: str = ""


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A model that can be asked."""

    model: Any
    """A LangChain chat model."""
    shaped: Callable[[dict[str, Any]], dict[str, Any]] = lambda schema: {}
    """What it is asked besides, so that its reply is JSON under a schema; nothing where it can't be."""
    offered: Callable[[float], Awaitable[str]] | None = None
    """Says within so many seconds which models there are, for one that is none; never fails."""


class Client:
    """Asks one model. Use it on one loop."""

    def __init__(
        self,
        service: Service,
        *,
        on_use: Callable[[Use], None] = lambda use: None,
        breaker: Breaker | None = None,
    ) -> None:
        """
        Args:
            service: Who is asked.
            on_use: Told what every call cost, also one that is stopped.
            breaker: Shared by all that ask this model.
        """
        self._service = service
        self._on_use = on_use
        self._shapes = True
        self.breaker = breaker or Breaker()

    async def ask(
        self, messages: list[BaseMessage], limits: Limits, schema: dict[str, Any] | None = None
    ) -> Reply:
        """The whole reply: nothing of one that is still coming is shown.

        Args:
            schema: JSON schema of the reply, for services that can be held to one. One that refuses it is
                asked once more without, and not given one again: read the reply strictly in any case.

        Raises:
            ModelError: anything but a whole reply, within `limits.total_s`.
        """
        deadline = asyncio.get_running_loop().time() + limits.total_s
        self.breaker.check()
        attempt = 0
        while True:
            shape = self._service.shaped(schema) if schema and self._shapes else {}
            try:
                reply = await self._counted(messages, limits, deadline, shape)
            except ModelError as error:
                if shape and error.status in _REFUSALS and error.failure is Failure.OTHER:
                    self._shapes = False
                    continue
                self.breaker.failed(error)
                wait = error.wait_s if error.wait_s is not None else 0.5 * 2**attempt
                attempt += 1
                late = asyncio.get_running_loop().time() + wait >= deadline
                if attempt >= limits.attempts or not error.failure.passing or late:
                    raise
                await asyncio.sleep(wait)
            else:
                self.breaker.succeeded()
                return reply

    async def _counted(
        self, messages: list[BaseMessage], limits: Limits, deadline: float, shape: dict[str, Any]
    ) -> Reply:
        """One call, of which it is told what it cost however it ends."""
        model = self._service.model.bind(**shape) if shape else self._service.model
        began = time.monotonic()
        try:
            reply = await self._explained(_once(model, messages, limits, deadline), deadline)
        except ModelError as error:
            self._count(began, error=error)
            raise
        except asyncio.CancelledError:
            self._count(began, error=ModelError(Failure.STOPPED))
            raise
        self._count(began, usage=reply.usage)
        return reply

    async def _explained(self, asked: Awaitable[Reply], deadline: float) -> Reply:
        """The reply; that there is no such model is said with those that there are."""
        try:
            return await asked
        except ModelError as error:
            if error.failure is not Failure.NO_MODEL or self._service.offered is None:
                raise
            told = await self._service.offered(deadline - asyncio.get_running_loop().time())
            detail = "; ".join(filter(None, (error.detail, told)))
            raise ModelError(error.failure, detail, status=error.status) from None

    def _count(self, began: float, *, usage: Any = None, error: ModelError | None = None) -> None:
        usage = usage or {}
        self._on_use(
            Use(
                failed=int(error is not None),
                input_tokens=_tokens(usage.get("input_tokens")),
                output_tokens=_tokens(usage.get("output_tokens")),
                seconds=time.monotonic() - began,
                problem=str(error) if error else "",
            )
        )


async def _once(model: Any, messages: list[BaseMessage], limits: Limits, deadline: float) -> Reply:
    heard = _Heard(limits)
    first: asyncio.Timeout | None = None
    try:
        async with asyncio.timeout_at(deadline), aclosing(model.astream(messages)) as stream:
            async with asyncio.timeout(limits.first_s) as first:
                async for chunk in stream:
                    if heard.take(chunk):
                        first.reschedule(None)
                    if heard.count % 5 == 0:
                        await asyncio.sleep(0)  # a flood that is read already never waits for the run
        return heard.reply()
    except ModelError:
        raise
    except TimeoutError:
        late = first is not None and first.expired()
        what = f"no word within {limits.first_s:g} s" if late else f"not done within {limits.total_s:g} s"
        raise ModelError(Failure.TIMED_OUT, what) from None
    except Exception as error:  # noqa: BLE001 - the libraries raise whatever their layers raise
        raise classify(error) from None


class _Heard:
    """What has come of a reply so far."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.whole: Any = None
        self._finishes: list[Failure | None] = []
        self.count = self._weight = 0

    def take(self, chunk: Any) -> bool:
        """One more piece; whether it says or thinks anything.

        Raises:
            ModelError: it is more than the limits allow.
        """
        limits = self._limits
        size = _weight(chunk)
        self.count, self._weight = self.count + 1, self._weight + size
        if self.count > limits.chunks or self._weight > limits.weight:
            raise ModelError(Failure.TOO_LONG, f"{self.count:,} pieces of {self._weight:,} characters")
        self._finishes += normal_finish(chunk)
        self.whole = chunk if self.whole is None else self.whole + chunk
        if len(str(self.whole.text)) > limits.chars:
            raise ModelError(Failure.TOO_LONG, f"more than {limits.chars} characters")
        return size > 0

    def reply(self) -> Reply:
        """All of it.

        Raises:
            ModelError: it is no whole reply.
        """
        whole = self.whole
        if whole is None or not self._finishes:
            raise ModelError(Failure.CUT, "the reply broke off")
        bad = next((finish for finish in self._finishes if finish is not None), None)
        if bad is not None:
            raise ModelError(bad, bad.value)
        text = str(whole.text).strip()
        if not text:
            raise ModelError(Failure.EMPTY, "an empty reply")
        return Reply(text=text, usage=whole.usage_metadata)


def _weight(chunk: Any) -> int:
    """Characters of a piece, whatever they are for: words, a tool's arguments, thoughts (then forgotten)."""
    content = chunk.content
    parts = [content] if isinstance(content, str) else [part for item in content for part in _words(item)]
    calls = getattr(chunk, "tool_call_chunks", None) or ()
    parts += [str(call.get(name) or "") for call in calls for name in ("name", "args")]
    return sum(map(len, parts)) + len(chunk.additional_kwargs.pop(THOUGHT, ""))


def _words(part: Any) -> list[str]:
    """The texts in a part of a piece's content; its kind and its number are no words."""
    if not isinstance(part, dict):
        return [str(part)]
    return [str(value) for name, value in part.items() if name not in ("type", "index") and value]


def _tokens(value: Any) -> int:
    """A count as a service states it; nothing where it is absurd."""
    return value if isinstance(value, int) and 0 <= value < 10**8 else 0
