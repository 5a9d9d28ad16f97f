"""Work in threads that nobody waits for at the end, so many at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from modelcar_tui.core.errors import Problem, UserError

T = TypeVar("T")


async def in_thread(call: Callable[[], T]) -> T:
    """The result of `call`, from a thread of its own; a cancellation leaves the thread behind."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, error = None, None
        try:
            result = call()
        except BaseException as fault:  # noqa: BLE001 - raised where it is waited for
            # What would end a thread or a generator must not end the loop, or be lost in it.
            plain = isinstance(fault, Exception) and not isinstance(fault, StopIteration)
            error = fault if plain else RuntimeError(type(fault).__name__)
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, daemon=True).start()
    return await future


class Lanes:
    """So many calls at work, a few more waiting; one whose caller went away keeps its lane to its end."""

    def __init__(self, at_once: int, waiting: int) -> None:
        """
        Args:
            at_once: Calls that work side by side.
            waiting: Calls that may wait besides; more are refused.
        """
        self._room = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._held = 0

    async def run(self, call: Callable[[], T]) -> T:
        """The result of `call`, once there is a lane.

        Raises:
            UserError: too many wait already.
        """
        if self._held >= self._most:
            what = f"as many questions as may be at work or wait: {self._held}"
            raise UserError(Problem(what=what, fix="ask again when some have been answered"))
        self._held += 1
        try:
            await self._room.acquire()
        except BaseException:
            self._held -= 1
            raise
        loop = asyncio.get_running_loop()

        def free() -> None:
            self._held -= 1
            self._room.release()

        def work() -> T:
            try:
                return call()
            finally:
                with suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(free)

        return await in_thread(work)
