"""Connections and limits that many images share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType

from modelcar_tui.image.options import ImageOptions


class RegistrySession:
    """One set of connections, tokens and per-host limits."""

    def __init__(self, options: ImageOptions) -> None:
        self._options = options
        self._slots: dict[str, asyncio.Semaphore] = {}

    async def __aenter__(self) -> RegistrySession:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    @asynccontextmanager
    async def slot(self, host: str) -> AsyncIterator[None]:
        """Hold one of the host's places."""
        async with self._slots.setdefault(host, asyncio.Semaphore(self._options.per_host)):
            yield
