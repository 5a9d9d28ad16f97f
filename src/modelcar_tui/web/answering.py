"""One socket's protocol, which answers what is no request of HTTP as we answer the rest."""

from __future__ import annotations

from aiohttp import web

from modelcar_tui.web.checks import fresh_nonce, policy

_LINE = "this is no request that the page understands\n"


class Answering(web.RequestHandler):
    """The library's own words would repeat a part of the request, and tell its version."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """One line of ours, then the end of the socket; `message` is dropped."""
        answer = super().handle_error(request, status, exc, _LINE)
        policy(answer, fresh_nonce())
        return answer
