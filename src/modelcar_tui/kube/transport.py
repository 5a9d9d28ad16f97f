"""HTTP to an API server: bounded in time and size, and stopped at once when it is no longer wanted.

Blocking; `client.py` calls it in threads. The official client's own pool is urllib3 too; its import costs
half a CPU-second and 40 MB, more than reading 5,000 nodes.
"""

from __future__ import annotations

import base64
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode, urlsplit

import urllib3
from urllib3.connection import HTTPConnection

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.files import write_private
from modelcar_tui.core.numbers import mask_of
from modelcar_tui.kube.addresses import is_loopback, may_carry_credentials
from modelcar_tui.kube.credentials import Credentials
from modelcar_tui.kube.errors import LOGIN, ClusterError, too_large, unreachable
from modelcar_tui.kube.proxies import from_environment, login_header, shown
from modelcar_tui.kube.socks import is_socks, through
from modelcar_tui.kube.types import ClusterOptions, Rung

BODY_LIMIT = 96 * 2**20
_CHUNK = 2**20
_MOST_ECHOES = 16
_SHORTEST_ECHO = 12
"""Shorter credentials are not looked for in whole answers: one may be a word that labels hold too."""


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Stream:
    """An answer that is read as it comes. Blocking; `shut`, from any thread, ends a `read` at once."""

    def __init__(self, transport: Transport, response: Any) -> None:
        self.status: int = response.status
        self._transport = transport
        self._response = response
        self._reading = threading.Lock()
        self._shut = False

    def read(self) -> bytes:
        """What has come, waiting for at least one byte; empty at the end.

        Raises:
            ClusterError: the connection broke, or was silent for too long.
        """
        with self._reading, self._transport.faults():
            try:
                return b"" if self._shut else (self._response.read1(_CHUNK) or b"")
            finally:
                if self._shut:
                    self._response.close()

    def rest(self) -> bytes:
        """All that is left, bounded as a whole answer is."""
        with self._reading, self._transport.faults():
            return self._transport.whole(self._response)

    def shut(self) -> None:
        """End it; never waits."""
        self._shut = True
        _shut(self._response.connection)
        if self._reading.acquire(blocking=False):
            try:
                self._response.close()
            finally:
                self._reading.release()


class Transport:
    """A pool of connections to one server."""

    def __init__(self, credentials: Credentials, options: ClusterOptions) -> None:
        """Prepare the pool; nothing is sent yet.

        Args:
            credentials: of the server.
            options: the time limits.

        Raises:
            ClusterError: a certificate or key of the kubeconfig, or the environment's proxy, can't be used.
        """
        self.server = credentials.server
        self.limit_s = options.request_timeout_s
        """The longest that one answer may take in all."""
        self._connect_s = options.connect_timeout_s
        self._limits = urllib3.Timeout(connect=options.connect_timeout_s, read=options.read_timeout_s)
        self._live: set[HTTPConnection] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._proxy = credentials.proxy or from_environment(credentials.server)
        self.via = shown(self._proxy) if self._proxy else ""
        """How the server is reached where it is not directly: `proxy http://...`."""
        self._prefix = urlsplit(credentials.server).path.rstrip("/")
        self._echoes: tuple[bytes, ...] = ()
        self._pool: Any = None
        self._pair: tuple[str | None, str | None] = (None, None)
        self.adopt(credentials)

    def adopt(self, credentials: Credentials) -> None:
        """Go on with other credentials for the same server.

        Raises:
            ClusterError: their certificate can't be used.
        """
        pair = (credentials.certificate, credentials.key.reveal() if credentials.key else None)
        if self._pool is None or pair != self._pair:
            # Answers that are under way keep their connection; `close` finds it.
            self._pool = self._pool_for(credentials)
        self._pair = pair
        self._echoes = (*_echoes(credentials), *self._echoes)[:_MOST_ECHOES]
        self._headers = _headers(credentials)

    def _pool_for(self, credentials: Credentials) -> Any:
        parts = urlsplit(credentials.server)
        # Of an IPv6 address with a zone the percent sign is escaped in a URL.
        host = unquote(parts.hostname or "")
        common: dict[str, Any] = {"timeout": self._limits, "maxsize": 8, "retries": False}
        secure: dict[str, Any] = {}
        if parts.scheme == "https":
            secure = {"ssl_context": _tls(credentials)}
            if credentials.server_name:
                secure |= dict.fromkeys(("server_hostname", "assert_hostname"), credentials.server_name)
            if credentials.insecure:
                # The kubeconfig's own wish; urllib3 would write a warning over the screen for every request.
                urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
                secure["assert_hostname"] = False
        pool: Any
        socks = self._proxy if is_socks(self._proxy) else None
        if self._proxy and not socks:
            manager = urllib3.ProxyManager(
                self._proxy, proxy_headers=login_header(self._proxy), **common, **secure
            )
            pool = manager.connection_from_url(credentials.server)
        elif parts.scheme == "https":
            pool = urllib3.HTTPSConnectionPool(host, parts.port or 443, **common, **secure)
        else:
            pool = urllib3.HTTPConnectionPool(host, parts.port or 80, **common)
        kind = pool.ConnectionCls
        pool.ConnectionCls = self._tracked(through(kind, socks) if socks else kind)
        return pool

    def request(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """One request and its whole answer, whatever its status.

        Raises:
            ClusterError: no whole answer within the limits.
        """
        with self.faults():
            response = self._send(method, path, query, body)
            try:
                data = self.whole(response)
            except BaseException:
                response.close()
                raise
            response.release_conn()
            return Answer(response.status, response.headers, data)

    def stream(self, path: str, query: Mapping[str, str], silence_s: float) -> Stream:
        """An answer whose end is not known, such as a followed log, whatever its status.

        Args:
            silence_s: The longest silence, before its head and within it.

        Raises:
            ClusterError: no answer began.
        """
        with self.faults():
            return Stream(self, self._send("GET", path, query, silence_s=silence_s))

    @contextmanager
    def faults(self) -> Iterator[None]:
        """The library's errors as ours, which quote no header."""
        try:
            yield
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise unreachable(error, self.server, self.via) from None

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes | None = None,
        *,
        silence_s: float | None = None,
    ) -> Any:
        """The head of an answer; with `silence_s` it is not packed, as packed lines would come late."""
        url = self._prefix + path + (f"?{urlencode(query)}" if query else "")
        kind = "merge-patch+json" if method == "PATCH" else "json"
        headers = self._headers.copy()
        if body:
            headers["Content-Type"] = f"application/{kind}"
        more: dict[str, Any] = {}
        if silence_s is not None:
            headers["Accept"] = "*/*"
            headers["Accept-Encoding"] = "identity"
            more["timeout"] = urllib3.Timeout(connect=self._connect_s, read=silence_s)
        if self._closed:
            raise TimeoutError("cancelled")
        return self._pool.urlopen(
            method, url, body=body, headers=headers, preload_content=False, redirect=False, **more
        )

    def close(self) -> None:
        """Drop every connection, also those that are waiting for an answer."""
        with self._lock:
            self._closed = True
            live = list(self._live)
        for connection in live:
            _shut(connection)
        self._pool.close()

    def whole(self, response: Any) -> bytes:
        """The body of an answer, within the limits of size and time."""
        deadline = time.monotonic() + self.limit_s
        parts: list[bytes] = []
        size = 0
        while chunk := response.read(_CHUNK):
            size += len(chunk)
            if size > BODY_LIMIT:
                raise too_large(self.server, BODY_LIMIT)
            if time.monotonic() > deadline or self._closed:
                raise TimeoutError("the answer takes too long")
            parts.append(chunk)
        return self._without_echo(b"".join(parts))

    def _without_echo(self, body: bytes) -> bytes:
        """A body that does not repeat our credentials: nothing that is read from it can show them."""
        for echo in self._echoes:
            if echo in body:
                body = body.replace(echo, mask_of(echo.decode(errors="replace")).encode())
        return body

    def _tracked(self, kind: type[HTTPConnection]) -> type[HTTPConnection]:
        """`kind` whose open connections `close` can shut."""
        transport = self

        class Tracked(kind):  # type: ignore[valid-type, misc]
            def connect(self) -> None:
                super().connect()
                self.plug = self.sock
                with transport._lock:
                    transport._live.add(self)

            def close(self) -> None:
                with transport._lock:
                    transport._live.discard(self)
                super().close()

        return Tracked


def _shut(connection: Any) -> None:
    """Wake whoever waits for a connection; an answer that ends with it has taken its socket over."""
    sock: Any = getattr(connection, "plug", None)
    with suppress(OSError, AttributeError):
        sock.shutdown(socket.SHUT_RDWR)


def _headers(credentials: Credentials) -> urllib3.HTTPHeaderDict:
    """The headers of every request."""
    headers = urllib3.HTTPHeaderDict({"Accept": "application/json", "User-Agent": "modelcar-tui"})
    if not is_loopback(urlsplit(credentials.server).hostname or ""):
        headers["Accept-Encoding"] = "gzip"
    if not may_carry_credentials(credentials.server):
        return headers
    for name, value in credentials.impersonate:
        # The library sends a header's text as Latin-1, Go's clients as UTF-8.
        headers.add(name, value.encode().decode("latin-1"))
    if credentials.token:
        headers["Authorization"] = f"Bearer {credentials.token.reveal()}"
    elif credentials.basic:
        headers["Authorization"] = f"Basic {_packed(credentials.basic.reveal())}"
    return headers


def _packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _echoes(credentials: Credentials) -> tuple[bytes, ...]:
    """The credentials as a server would repeat them."""
    told: list[str] = [credentials.token.reveal()] if credentials.token else []
    if credentials.basic:
        told += [_packed(credentials.basic.reveal()), credentials.basic.reveal().partition(":")[2]]
    return tuple(each.encode() for each in told if len(each) >= _SHORTEST_ECHO)


def _tls(credentials: Credentials) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=credentials.ca)
    except (ssl.SSLError, ValueError):
        raise _bad(credentials, "certificate-authority holds no certificate") from None
    # Kubernetes' own authorities often lack what RFC 5280 asks for; Go's verifier does not mind.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if credentials.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if credentials.certificate and credentials.key:
        # OpenSSL reads the pair from files only; an encrypted key must not ask for a pass phrase on the
        # terminal.
        with tempfile.TemporaryDirectory(prefix="modelcar-tui-") as folder:
            pair = Path(folder, "pair.pem")
            write_private(pair, f"{credentials.certificate}\n{credentials.key.reveal()}\n".encode())
            try:
                context.load_cert_chain(pair, password=lambda: b"")
            except (ssl.SSLError, ValueError):
                whose = f" of the {credentials.giver}" if credentials.giver else ""
                what = f"client-certificate and client-key{whose} are no pair, or the key has a pass phrase"
                raise _bad(credentials, what) from None
    return context


def _bad(credentials: Credentials, what: str) -> ClusterError:
    problem = Problem(where=credentials.place, what=what, fix=LOGIN, code="broken-certificate")
    return ClusterError(Rung.NO_KUBECONFIG, problem)
