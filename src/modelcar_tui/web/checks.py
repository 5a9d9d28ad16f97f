"""What every request must show before any handler sees it, and what every answer carries.

Whoever is on this machine can reach the port, and so can any page in the operator's browser: a page elsewhere
may have its name resolved to 127.0.0.1 (DNS rebinding), or post a form, or open a socket.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web

from modelcar_tui.web.sessions import Session, Sessions

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SESSION = web.RequestKey("session", Session)
NONCE = web.RequestKey("nonce", str)
_LOOPBACK = re.compile(r"(?i)(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?")
"""Any port: `ssh -L` may listen at another one than the server does."""
NO_SESSION = "no session here: open the address that modelcar-tui --web printed; Enter there prints a new one"
_SAFE = {"GET", "HEAD"}


class RefusedError(Exception):
    """A request that is answered by one line.

    Args:
        status: of HTTP.
        line: what is wrong, and how to mend it.
    """

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status
        self.line = line


def checked(request: web.Request, sessions: Sessions, cookie: str, *, opens: bool) -> None:
    """Set the request's session, or refuse it.

    Args:
        request: with the headers alone: no byte of its body is read before.
        sessions: who has a session.
        cookie: the name of the cookie.
        opens: it may do without a session.

    Raises:
        RefusedError: it comes from another page, for another host, or from nobody that we know.
    """
    host = _host(request)
    _same_origin(request, host)
    session = sessions.find(request.cookies.get(cookie, ""))
    if session is None and not opens:
        raise RefusedError(403, NO_SESSION)
    if session is not None:
        request[SESSION] = session


def is_socket(request: web.Request) -> bool:
    """Whether it asks for a websocket."""
    return "websocket" in request.headers.get("Upgrade", "").lower()


def policy(answer: web.StreamResponse, nonce: str) -> None:
    """The headers of every answer. `nonce` allows the style sheets that the terminal's script makes."""
    rules = (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' 'nonce-{nonce}'",
        "connect-src 'self'",
        "font-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    answer.headers.update(
        {
            "Content-Security-Policy": "; ".join(rules),
            "Server": "modelcar-tui",
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            # With no-referrer a browser sends `Origin: null` with our own forms, which is what we tell
            # a page elsewhere by. Nothing is told to another origin by either.
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
    )
    answer.headers.setdefault("Cache-Control", "no-store")


def fresh_nonce() -> str:
    """A word that no page elsewhere can know."""
    return secrets.token_urlsafe(16)


def _host(request: web.Request) -> str:
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or _LOOPBACK.fullmatch(hosts[0]) is None:
        raise RefusedError(403, "this page is only for 127.0.0.1 and localhost; reach it by ssh -L")
    return hosts[0]


def _same_origin(request: web.Request, host: str) -> None:
    origins = request.headers.getall("Origin", [])
    needed = request.method not in _SAFE or is_socket(request)
    if (needed and not origins) or any(origin.lower() != f"http://{host.lower()}" for origin in origins):
        raise RefusedError(403, "this was asked for by another page; open the page by its own address")
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and needed:
        raise RefusedError(403, "this was asked for by another page; open the page by its own address")
