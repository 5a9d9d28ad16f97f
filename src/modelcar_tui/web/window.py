"""What waits to be sent to the one browser window that shows a run: bounded bytes, taken in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

MOST_WAITING = 16 * 1024
"""Bytes after which the terminal is read no further until the window has taken some."""


class Window:
    """The bytes for one window, and why it was closed."""

    def __init__(self, taken: Callable[[], None]) -> None:
        """
        Args:
            taken: Called when there is room again.
        """
        self.closed = ""
        """Why, in a few words; empty while it is open."""
        self._taken = taken
        self._waiting = bytearray()
        self._news = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether no more is to be put in."""
        return len(self._waiting) >= MOST_WAITING

    def put(self, data: bytes) -> None:
        """Add what the terminal said."""
        if not self.closed:
            self._waiting += data
            self._news.set()

    def close(self, why: str) -> None:
        """Nothing more comes; what waits is still taken."""
        self.closed = self.closed or why
        self._news.set()

    async def take(self, most: int) -> bytes:
        """The next bytes, at most so many; the empty ones when it is closed and nothing waits."""
        while not self._waiting and not self.closed:
            self._news.clear()
            await self._news.wait()
        data = bytes(self._waiting[:most])
        del self._waiting[:most]
        self._taken()
        return data
