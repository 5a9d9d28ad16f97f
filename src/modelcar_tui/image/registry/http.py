"""HTTP with every bound that a hostile or broken server makes necessary."""

from __future__ import annotations

import asyncio
import email.utils
import errno
import math
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from urllib.parse import quote, urlencode, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from yarl import URL

from modelcar_tui.core.credentials import without_login
from modelcar_tui.core.lanes import Lanes
from modelcar_tui.core.reference import is_link_local
from modelcar_tui.image.errors import ImageError, Trouble, fault
from modelcar_tui.image.options import ImageOptions
from modelcar_tui.image.registry.mirrors import Endpoint
from modelcar_tui.image.registry.tls import context_for

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5
_TOKEN_LIMIT = 1 << 20
_CONNECTIONS, _FIRST_CONNECTIONS = 64, 16
"""To one origin at the same time, at most and at first; what waits for one does not count against a request's
time limit."""
_TOO_MANY = (429, 503)
_LONGEST_HEADER = 32 * 1024
"""Signed addresses in `Location` are longer than the library's 8 KiB."""
_IN_AN_ADDRESS = "%/:=&?~#+!$,;'@()*[]"
"""What stays as it is in a redirect's target: signed addresses must not be quoted twice."""
AGENT = "modelcar-tui"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A response, its body cut at the limit that was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool = False
    """The server had more than the limit."""
    url: str = ""
    """Where the body came from, after redirects."""


class _Origin(msgspec.Struct, frozen=True, kw_only=True):
    """How one origin is spoken to."""

    lanes: Lanes
    trust: ssl.SSLContext | bool
    proxy: str | None


class Http:
    """Connections by origin and trust; follows redirects without carrying credentials along."""

    def __init__(self, options: ImageOptions) -> None:
        self._options = options
        self._session: aiohttp.ClientSession | None = None
        self._origins: dict[tuple[str, bool], _Origin] = {}
        self._plain: dict[str, str] = {}
        """Scheme by host, for hosts that may be asked without TLS."""

    async def __aenter__(self) -> Http:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def scheme(self, endpoint: Endpoint) -> str:
        """`https`, unless an insecure registry was found to speak only HTTP."""
        return self._plain.get(endpoint.host, "https") if endpoint.insecure else "https"

    def fall_back(self, endpoint: Endpoint, tried: str) -> bool:
        """Whether to try again without TLS: only for registries that are marked insecure, after HTTPS
        failed."""
        if endpoint.insecure and tried == "https":
            self._plain[endpoint.host] = "http"
            return True
        return False

    async def get(
        self,
        url: str,
        endpoint: Endpoint,
        *,
        headers: dict[str, str],
        limit: int,
        timeout_s: float | None = None,
    ) -> Answer:
        """GET with at most five redirects; `Authorization` stays with the origin it was made for.

        Raises:
            ImageError: the server can't be reached, is too slow, or redirects in a bad way.
        """
        sent = dict(headers)
        for _ in range(_MOST_REDIRECTS + 1):
            try:
                answer = await self._send(
                    "GET", url, endpoint, sent, limit, timeout_s or self._options.timeout_s
                )
            except TimeoutError:
                raise endpoint.fault(Trouble.TIMEOUT) from None
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise network_fault(error, endpoint) from None
            target = answer.headers.get("location", "")
            if answer.status not in _REDIRECTS or not target:
                return msgspec.structs.replace(answer, url=url)
            url = self._redirect(url, target, endpoint, sent)
        raise fault(Trouble.REDIRECT, host=endpoint.host, detail=f"more than {_MOST_REDIRECTS} redirects")

    async def token(
        self,
        url: str,
        *,
        query: dict[str, str],
        form: dict[str, str] | None,
        headers: dict[str, str],
        endpoint: Endpoint,
    ) -> tuple[int, bytes]:
        """Ask a token service; it may be another host, so a redirect of it is not followed."""
        host = urlsplit(without_login(url)).netloc
        try:
            url, body, sent = _asked(url, query, form, headers)
            method = "GET" if body is None else "POST"
            limit_s = self._options.timeout_s
            answer = await self._send(method, url, endpoint, sent, _TOKEN_LIMIT, limit_s, body)
        except TimeoutError:
            raise fault(Trouble.TIMEOUT, host=host, detail="token service") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise network_fault(error, Endpoint(host=host, repository="")) from None
        return answer.status, answer.body

    def _redirect(self, url: str, target: str, endpoint: Endpoint, headers: dict[str, str]) -> str:
        try:
            new = urljoin(url, quote(target, safe=_IN_AN_ADDRESS))
            here, there = urlsplit(url), urlsplit(new)
        except ValueError:
            raise fault(Trouble.REDIRECT, host=endpoint.host, detail="a redirect to no address") from None
        if there.scheme not in ("http", "https") or not there.hostname:
            what = "a redirect to what is neither http nor https"
            raise fault(Trouble.REDIRECT, host=endpoint.host, detail=what)
        if here.scheme == "https" and there.scheme == "http":
            raise fault(Trouble.REDIRECT, host=endpoint.host, detail="a redirect from HTTPS to HTTP")
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            headers.pop("Authorization", None)
        return new

    async def _send(
        self,
        method: str,
        url: str,
        endpoint: Endpoint,
        headers: dict[str, str],
        limit: int,
        timeout_s: float,
        body: bytes | None = None,
    ) -> Answer:
        """One request when there is a lane; reads at most `limit` bytes, what is beyond is not drained."""
        if is_link_local(urlsplit(url).netloc):  # as a registry's redirect, or its token service, may say
            raise endpoint.fault(Trouble.PROTOCOL, "it names a link-local address, which is not asked")
        origin = self._origin(url, verify=not endpoint.insecure)
        session = self._connect()
        async with origin.lanes, asyncio.timeout(timeout_s):
            response = await session.request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=body,
                allow_redirects=False,
                ssl=origin.trust,
                proxy=origin.proxy,
            )
            got = bytearray()
            cut = False
            try:
                async for chunk in response.content.iter_any():
                    got += chunk
                    if len(got) > limit:
                        del got[limit:]
                        cut = True
                        break
            finally:
                response.close() if not response.content.at_eof() else response.release()
        origin.lanes.refused() if response.status in _TOO_MANY else origin.lanes.served()
        return Answer(status=response.status, headers=response.headers, body=bytes(got), cut=cut)

    def _connect(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # bounded by each origin's lanes
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(10.0, self._options.timeout_s)),
                headers={"User-Agent": AGENT, "Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                max_line_size=_LONGEST_HEADER,
                max_field_size=_LONGEST_HEADER,
            )
        return self._session

    def _origin(self, url: str, *, verify: bool) -> _Origin:
        """The library keeps connections of different trust apart, as each context is part of its key."""
        parts = urlsplit(url)
        key = (f"{parts.scheme}://{parts.netloc}", verify)
        if key not in self._origins:
            host = parts.netloc.rpartition("@")[2]
            self._origins[key] = _Origin(
                lanes=Lanes(_CONNECTIONS, first=_FIRST_CONNECTIONS),
                trust=context_for(host, verify=verify) if parts.scheme == "https" else True,
                proxy=_proxy(parts.scheme, host),
            )
        return self._origins[key]


def _asked(
    url: str, query: dict[str, str], form: dict[str, str] | None, headers: dict[str, str]
) -> tuple[str, bytes | None, dict[str, str]]:
    """Address, body and headers of a question to a token service.

    Raises:
        ValueError: the address, which the registry gave, holds bytes that are no text.
    """
    if form is not None:
        return url, urlencode(form).encode(), headers | {"Content-Type": "application/x-www-form-urlencoded"}
    parts = urlsplit(quote(url, safe=_IN_AN_ADDRESS))
    return (
        parts._replace(query="&".join(filter(None, (parts.query, urlencode(query))))).geturl(),
        None,
        headers,
    )


def _proxy(scheme: str, host: str) -> str | None:
    """The proxy that the environment names; the library's own way reads ~/.netrc too, which skopeo does
    not."""
    if proxy_bypass(host):
        return None
    proxies = getproxies()
    told = proxies.get(scheme) or proxies.get("all")
    return told if not told or "://" in told else f"http://{told}"  # as curl, podman and Go take it


def network_fault(error: Exception, endpoint: Endpoint) -> ImageError:
    """What an exception of the HTTP library means to the operator."""
    for cause in _causes(error):
        if told := _trouble(cause):
            return endpoint.fault(*told)
    # Texts of the library name addresses, which may be signed, and proxies with their logins, and quote
    # headers.
    bad_address = isinstance(error, ValueError)
    return endpoint.fault(Trouble.PROTOCOL if bad_address else Trouble.NETWORK, _kind(error))


def _causes(error: Exception) -> Iterator[BaseException]:
    """What it came of, at most ten; the library's own pose as SSL and OS errors, without their fields."""
    cause: BaseException | None = error
    while isinstance(cause, aiohttp.ClientError) and cause.__cause__ is not None:
        cause = cause.__cause__
    for _ in range(10):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__


def _trouble(cause: BaseException) -> tuple[Trouble, str] | None:
    match cause:
        case ssl.SSLCertVerificationError():
            return Trouble.TLS, getattr(cause, "verify_message", "")
        case ssl.SSLError():
            plain = "WRONG_VERSION_NUMBER" in str(cause) or "RECORD_LAYER" in str(cause).upper()
            return Trouble.PLAIN_HTTP if plain else Trouble.TLS, getattr(cause, "reason", "")
        case socket.gaierror():
            return Trouble.DNS, ""
        case ConnectionRefusedError():
            return Trouble.REFUSED, ""
        case OSError(errno=None) if "Connect call failed" in str(cause):
            return Trouble.REFUSED, ""  # several addresses, each for a reason of its own
        case OSError(errno=errno.ENETUNREACH | errno.EHOSTUNREACH as number):
            return Trouble.NETWORK, os.strerror(number)
    return None


def _kind(error: Exception) -> str:
    """What kind of error it is, in our own words."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy does not let us through: HTTP {error.status}"
    if isinstance(error, aiohttp.ClientResponseError):
        return "its answer is not HTTP that we can read"
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else type(error).__name__


def retry_after(value: str | None, *, default: float, longest: float) -> float:
    """Seconds to wait as a server asks (a number or a date), at most `longest`."""
    if not value:
        return min(default, longest)
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (TypeError, ValueError, OverflowError):
            seconds = default
    return min(max(seconds, 0.0), longest) if math.isfinite(seconds) else min(default, longest)
