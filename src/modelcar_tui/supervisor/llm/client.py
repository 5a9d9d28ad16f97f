"""One adapter around every call: own time-outs, attempts, circuit breaker, and a reason for every failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import msgspec

from modelcar_tui.supervisor.llm.breaker import Breaker
from modelcar_tui.supervisor.llm.failures import Failure, ModelError, classify, normal_finish

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long one call may take, and how much it may say."""

    first_s: float = 10.0
    """Until the first word."""
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
    """A whole reply whose finish reason was `stop`, or one that calls tools."""

    text: str
    message: Any = None
    """The summed message as the library made it: rebuilt, it would lose the provider's signatures."""


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """What one call cost."""

    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    problem: str = ""


class Client:
    """Asks one model. Use it on one loop."""

    def __init__(
        self,
        model: Any,
        *,
        on_use: Callable[[Use], None] = lambda use: None,
        breaker: Breaker | None = None,
    ) -> None:
        """
        Args:
            model: A LangChain chat model, or one that is bound to tools.
            on_use: Told what every call cost.
            breaker: Shared by all that ask this model.
        """
        self._model = model
        self._on_use = on_use
        self.breaker = breaker or Breaker()

    def bound(self, tools: list[dict[str, Any]]) -> Client:
        """The same model with tools to call; it shares the breaker."""
        return Client(self._model.bind_tools(tools), on_use=self._on_use, breaker=self.breaker)

    async def ask(
        self, messages: list[BaseMessage], limits: Limits, on_text: Callable[[str], None] | None = None
    ) -> Reply:
        """The whole reply; `on_text` is given what has come so far.

        Raises:
            ModelError: anything but a whole reply, within `limits.total_s`.
        """
        deadline = asyncio.get_running_loop().time() + limits.total_s
        self.breaker.check()
        for attempt in range(max(1, limits.attempts)):
            began = time.monotonic()
            try:
                reply = await self._once(messages, limits, deadline, on_text)
            except ModelError as error:
                self._count(began, error=error)
                self.breaker.failed(error)
                wait = error.wait_s if error.wait_s is not None else 0.5 * 2**attempt
                late = asyncio.get_running_loop().time() + wait >= deadline
                if attempt + 1 >= limits.attempts or not error.failure.passing or late:
                    raise
                await asyncio.sleep(wait)
            else:
                self.breaker.succeeded()
                return reply
        raise AssertionError

    async def _once(
        self,
        messages: list[BaseMessage],
        limits: Limits,
        deadline: float,
        on_text: Callable[[str], None] | None,
    ) -> Reply:
        heard = _Heard(limits)
        first: asyncio.Timeout | None = None
        began = time.monotonic()
        try:
            async with asyncio.timeout_at(deadline), aclosing(self._model.astream(messages)) as stream:
                async with asyncio.timeout(limits.first_s) as first:
                    async for chunk in stream:
                        text = heard.take(chunk)
                        if heard.count % 5 == 0:
                            await asyncio.sleep(0)  # a flood that is read already never waits for the run
                        if text or getattr(heard.whole, "tool_call_chunks", None):
                            first.reschedule(None)
                        if on_text is not None and text:
                            on_text(text)
            return self._whole(heard.whole, heard.finishes, began)
        except ModelError:
            raise
        except TimeoutError:
            late = first is not None and first.expired()
            what = f"no word within {limits.first_s:g} s" if late else f"not done within {limits.total_s:g} s"
            raise ModelError(Failure.TIMED_OUT, what) from None
        except Exception as error:  # noqa: BLE001 - the libraries raise whatever their layers raise
            raise classify(error) from None

    def _whole(self, whole: Any, finishes: list[Failure | None], began: float) -> Reply:
        if whole is None or not finishes:
            raise ModelError(Failure.CUT, "the reply broke off")
        bad = next((finish for finish in finishes if finish is not None), None)
        if bad is not None:
            raise ModelError(bad, bad.value)
        text = str(whole.text).strip()
        if whole.invalid_tool_calls:
            raise ModelError(Failure.MALFORMED, "a tool call that can't be read")
        if not text and not whole.tool_calls:
            raise ModelError(Failure.EMPTY, "an empty reply")
        self._count(began, usage=whole.usage_metadata or {})
        return Reply(text=text, message=whole)

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


class _Heard:
    """What has come of a reply so far."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.whole: Any = None
        self.finishes: list[Failure | None] = []
        self.count = self._weight = 0

    def take(self, chunk: Any) -> str:
        """One more piece; all the text so far.

        Raises:
            ModelError: it is more than the limits allow.
        """
        limits = self._limits
        self.count, self._weight = self.count + 1, self._weight + _weight(chunk)
        if self.count > limits.chunks or self._weight > limits.weight:
            raise ModelError(Failure.TOO_LONG, f"{self.count:,} pieces of {self._weight:,} characters")
        self.finishes += normal_finish(chunk)
        self.whole = chunk if self.whole is None else self.whole + chunk
        text = str(self.whole.text)
        if len(text) > limits.chars:
            raise ModelError(Failure.TOO_LONG, f"more than {limits.chars} characters")
        return text


def _weight(chunk: Any) -> int:
    """Characters of a piece, whatever they are for."""
    content = chunk.content
    told = len(content) if isinstance(content, str) else sum(len(str(part)) for part in content)
    return told + sum(len(call.get("args") or "") for call in getattr(chunk, "tool_call_chunks", None) or ())


def _tokens(value: Any) -> int:
    """A count as a service states it; nothing where it is absurd."""
    return value if isinstance(value, int) and 0 <= value < 10**8 else 0
