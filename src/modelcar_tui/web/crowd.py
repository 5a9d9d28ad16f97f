"""How many sockets are served at once: whoever is on this machine can open them, without a session."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from aiohttp import web

MOST = 96
"""Sockets at which those of the older half that ask for nothing are closed; at twice as many a further one is
closed at once. At most a quarter of the descriptors that the process may have: runs need some, too."""
IDLE_S = 75.0
"""How long a socket may ask for nothing, or take for the head of a request."""
UNTAKEN_S = 90.0
"""How long what was sent may wait for the other side. A window that lives tells so each 30 s."""


class Crowd:
    """The sockets of one server."""

    def __init__(self) -> None:
        self._answering: set[asyncio.Protocol] = set()
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = MOST if limit == resource.RLIM_INFINITY else min(MOST, limit // 4)

    @contextmanager
    def answering(self, request: web.Request) -> Iterator[None]:
        """A socket that is not idle within the block: its request is answered, or it is a window."""
        self._answering.add(request.protocol)
        try:
            yield
        finally:
            self._answering.discard(request.protocol)

    def bounded(
        self, server: web.Server, served: Callable[[], asyncio.Protocol]
    ) -> Callable[[], asyncio.Protocol]:
        """What serves each further socket of a server: `served`, where there is room."""

        def serve() -> asyncio.Protocol:
            here = server.connections
            if len(here) >= 2 * self._most:
                return _Closed()
            if len(here) >= self._most:
                for one in here[: self._most // 2]:
                    if one not in self._answering:
                        one.force_close()
            return served()

        return serve


class _Closed(asyncio.Protocol):
    """A socket that is served nothing."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).abort()
