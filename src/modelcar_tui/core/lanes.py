"""How many requests go to one server at once: fewer when it says that they are too many."""

from __future__ import annotations

import asyncio
from collections import deque

FEWEST = 2


class Lanes:
    """A semaphore whose width halves with every refusal (429) and grows by one after as many good answers.

    With `first` it starts narrower and grows by one with each good answer until the server refuses one, as
    TCP's slow start does (RFC 5681). Use it with `async with`, once a request.
    """

    def __init__(self, most: int, *, first: int | None = None) -> None:
        self.width = most if first is None else first
        self._most = most
        self._strained = False
        self._busy = 0
        self._good = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        while self._busy >= self.width:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._wake()  # it was our turn: the next one's now
                raise
            finally:
                if turn in self._waiting:
                    self._waiting.remove(turn)
        self._busy += 1

    async def __aexit__(self, *_: object) -> None:
        self._busy -= 1
        self._wake()

    def refused(self) -> None:
        """The server had too many requests."""
        self.width = max(FEWEST, self.width // 2)
        self._strained = True
        self._good = 0

    def served(self) -> None:
        """The server answered."""
        self._good += 1
        if self.width < self._most and (self._good >= self.width or not self._strained):
            self.width += 1
            self._good = 0
            self._wake()

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
