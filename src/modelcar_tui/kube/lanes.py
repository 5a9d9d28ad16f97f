"""How many requests go to one API server at once: fewer when it says that they are too many."""

from __future__ import annotations

import asyncio
from collections import deque

FEWEST = 2


class Lanes:
    """A semaphore whose width halves with every refusal (429) and grows by one after as many good answers.

    Use it with `async with`, once a request.
    """

    def __init__(self, most: int) -> None:
        self.width = most
        self._most = most
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
        self._good = 0

    def served(self) -> None:
        """The server answered."""
        self._good += 1
        if self._good >= self.width and self.width < self._most:
            self.width += 1
            self._good = 0
            self._wake()

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
