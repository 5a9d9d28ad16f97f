"""The server: on loopback, beside no engine; it starts runs, hands their terminals on, and ends them."""

from __future__ import annotations

import asyncio
import logging
import secrets
import warnings
from collections.abc import Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from modelcar_tui.core.crash import kind
from modelcar_tui.web import pages
from modelcar_tui.web.answering import Answering
from modelcar_tui.web.checks import (
    NONCE,
    SESSION,
    Handler,
    RefusedError,
    checked,
    fresh_nonce,
    is_socket,
    policy,
)
from modelcar_tui.web.crowd import IDLE_S, Crowd
from modelcar_tui.web.handlers import Handlers
from modelcar_tui.web.listening import ADDRESS, listen
from modelcar_tui.web.offer import Offer
from modelcar_tui.web.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LOOK_S = 60.0
"""Between two looks for sessions that idle."""
_CLOSING_S = 2.0
_BACKLOG = 64
_LINGER_S = 3.0
"""How long the rest of a body that is refused is thrown away, so that the browser reads why."""
_STOPPED = "the server has ended"


class Page:
    """One server, its visitors and their runs."""

    def __init__(self, offer: Offer, complain: Callable[[str], None]) -> None:
        """
        Args:
            offer: what it offers.
            complain: tells one line to whoever has started it.
        """
        self._complain = complain
        self._sessions = Sessions(offer.idle_s)
        # Browsers keep cookies by host, not by port: another server must not take ours away.
        self._cookie = f"modelcar-tui-{secrets.token_hex(4)}"
        # Nor do they keep them from another port: only a path that nobody else knows does.
        self._home = f"/{secrets.token_urlsafe(16)}"
        self._handlers = Handlers(offer, self._sessions, self._cookie, self._home)
        self._crowd = Crowd()
        self.port = 0
        """Known while it listens."""

    @asynccontextmanager
    async def open(self, port: int | None) -> AsyncIterator[Page]:
        """Listen; at the end of the block every socket is closed and every run is ended.

        Args:
            port: see `listening.listen`.

        Raises:
            UserError: the port can't be had.
        """
        listening = listen(port)
        self.port = listening.getsockname()[1]
        runner = web.AppRunner(self._application(), shutdown_timeout=_CLOSING_S)
        await runner.setup()
        looking = asyncio.create_task(self._end_idle())
        try:
            server = _server(runner)
            serve = self._crowd.bounded(server, partial(_answering, server, _silent()))
            serving = await asyncio.get_running_loop().create_server(serve, sock=listening, backlog=_BACKLOG)
            yield self
        finally:
            looking.cancel()
            await self._end_all()
            serving.close()
            await runner.cleanup()

    @property
    def open_runs(self) -> int:
        """How many runs have not ended."""
        return sum(run.terminal.status is None for run in self._sessions.runs)

    def new_address(self) -> str:
        """An address that one visitor can open, once."""
        return f"http://{ADDRESS}:{self.port}/{self._home[1:]}/?token={self._sessions.new_token()}"

    def _application(self) -> web.Application:
        # Every form is read part by part and bounded there; nothing reads a whole body.
        application = web.Application(middlewares=[self._guard], client_max_size=1)
        application.add_routes(self._handlers.routes())
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check each request before its handler, and give each answer its headers."""
        request[NONCE] = nonce = fresh_nonce()
        try:
            spends = request.path == f"{self._home}/" and "token" in request.query and request.method == "GET"
            opens = spends or request.path.startswith("/static/")  # a page that refuses has its style, too
            checked(request, self._sessions, self._cookie, opens=opens)
            with self._crowd.answering(request):
                answer = await handler(request)
        except RefusedError as refused:
            answer = self._refusal(request, refused.status, refused.line)
        except web.HTTPException as error:
            answer = self._refusal(
                request, error.status, f"there is nothing here ({error.status} {error.reason})"
            )
        except Exception as error:  # noqa: BLE001 - a traceback would show the words of a request
            self._complain(f"--web: a fault of ours ({kind(error)}) at {request.method} of a page")
            answer = self._refusal(request, 500, f"a fault of ours ({kind(error)})")
        if not (is_socket(request) and answer.prepared):
            policy(answer, nonce)
        return answer

    def _refusal(self, request: web.Request, status: int, line: str) -> web.Response:
        # Who has no session is not told where the pages are.
        page = pages.message_page(line, self._home if SESSION in request else "")
        answer = web.Response(text=page, status=status, content_type="text/html", charset="utf-8")
        if status == 413:
            answer.force_close()
        return answer

    async def _end_idle(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            gone = [run.terminal for session in self._sessions.take_idle() for run in session.runs.values()]
            await asyncio.gather(*(terminal.stop() for terminal in gone), return_exceptions=True)

    async def _end_all(self) -> None:
        terminals = [run.terminal for run in self._sessions.runs]
        for terminal in terminals:
            terminal.close(_STOPPED)
        await asyncio.gather(*(terminal.stop() for terminal in terminals), return_exceptions=True)


def _server(runner: web.AppRunner) -> web.Server:
    if runner.server is None:
        raise RuntimeError("the runner is set up before")
    return runner.server


def _answering(server: web.Server, logger: logging.Logger) -> Answering:
    return Answering(
        server,
        loop=asyncio.get_running_loop(),
        access_log=logger,
        logger=logger,
        keepalive_timeout=IDLE_S,
        lingering_time=_LINGER_S,
    )


def _silent() -> logging.Logger:
    """The library's own log would quote requests, which hold tokens and keys."""
    logger = logging.getLogger("modelcar_tui.web.silent")
    logger.disabled = True
    warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"aiohttp\.")
    return logger
