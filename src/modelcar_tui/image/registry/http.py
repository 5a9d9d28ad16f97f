"""HTTP with every bound that a hostile or broken server makes necessary."""

from __future__ import annotations

import asyncio
import email.utils
import errno
import math
import socket
import ssl
import time
from collections.abc import Mapping
from types import TracebackType
from urllib.parse import urlsplit

import httpx
import msgspec

from modelcar_tui.image.errors import ImageError, Trouble, fault
from modelcar_tui.image.options import ImageOptions
from modelcar_tui.image.registry.mirrors import Endpoint
from modelcar_tui.image.registry.tls import context_for

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5
_TOKEN_LIMIT = 1 << 20
_LANES, _LANE_WIDTH = 3, 8
"""Connections to one host. A pool looks at every connection and waiting request for each new one, so that
three small pools with queues of ours cost a third of one large pool's time."""
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


class Http:
    """One connection pool per registry and trust; follows redirects without carrying credentials along."""

    def __init__(self, options: ImageOptions) -> None:
        self._options = options
        self._lanes: dict[tuple[str, bool], list[_Lane]] = {}
        self._plain: dict[str, str] = {}
        """Scheme by host, for hosts that may be asked without TLS."""

    async def __aenter__(self) -> Http:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        lanes, self._lanes = [lane for several in self._lanes.values() for lane in several], {}
        for lane in lanes:
            await lane.client.aclose()

    def scheme(self, endpoint: Endpoint) -> str:
        """`https`, unless an insecure registry was found to speak only HTTP."""
        return self._plain.get(endpoint.host, "https") if endpoint.insecure else "https"

    def fall_back(self, endpoint: Endpoint, tried: str) -> bool:
        """Whether to try again without TLS: only for registries that are marked insecure, after HTTPS failed."""
        if endpoint.insecure and tried == "https":
            self._plain[endpoint.host] = "http"
            return True
        return False

    async def get(
        self, url: str, endpoint: Endpoint, *, headers: dict[str, str], limit: int, timeout_s: float | None = None
    ) -> Answer:
        """GET with at most five redirects; `Authorization` stays with the origin it was made for.

        Raises:
            ImageError: the server can't be reached, is too slow, or redirects in a bad way.
        """
        sent = dict(headers)
        for _ in range(_MOST_REDIRECTS + 1):
            parts = urlsplit(url)
            lane = self._lane(parts.netloc, verify=not endpoint.insecure, scheme=parts.scheme)
            try:
                request = lane.client.build_request("GET", url, headers=sent)
                answer = await lane.send(request, limit, timeout_s or self._options.timeout_s)
            except TimeoutError:
                raise fault(Trouble.TIMEOUT, host=endpoint.host, repository=endpoint.repository) from None
            except (httpx.HTTPError, httpx.InvalidURL) as error:
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
        parts = urlsplit(url)
        host = parts.netloc
        lane = self._lane(host, verify=not endpoint.insecure, scheme=parts.scheme)
        try:
            request = (
                lane.client.build_request("GET", url, params=query, headers=headers)
                if form is None
                else lane.client.build_request("POST", url, data=form, headers=headers)
            )
            answer = await lane.send(request, _TOKEN_LIMIT, self._options.timeout_s)
        except TimeoutError:
            raise fault(Trouble.TIMEOUT, host=host, detail="token service") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise network_fault(error, Endpoint(host=host, repository="")) from None
        return answer.status, answer.body

    def _redirect(self, url: str, target: str, endpoint: Endpoint, headers: dict[str, str]) -> str:
        try:
            new = str(httpx.URL(url).join(target))
        except (httpx.InvalidURL, ValueError):
            raise fault(Trouble.REDIRECT, host=endpoint.host, detail="a redirect to no address") from None
        here, there = urlsplit(url), urlsplit(new)
        if there.scheme not in ("http", "https") or not there.hostname:
            raise fault(Trouble.REDIRECT, host=endpoint.host, detail=f"a redirect to {there.scheme}:")
        if here.scheme == "https" and there.scheme == "http":
            raise fault(Trouble.REDIRECT, host=endpoint.host, detail="a redirect from HTTPS to HTTP")
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            headers.pop("Authorization", None)
        return new

    def _lane(self, host: str, *, verify: bool, scheme: str) -> _Lane:
        """The pool of the host that has the fewest requests; hosts never share one, as their trust differs."""
        key = (f"{scheme}://{host}", verify)
        if key not in self._lanes:
            trust = context_for(host, verify=verify) if scheme == "https" else False
            self._lanes[key] = [_Lane(trust, self._options.timeout_s) for _ in range(_LANES)]
        return min(self._lanes[key], key=lambda lane: lane.busy)


class _Lane:
    """A small connection pool with a queue in front of it."""

    def __init__(self, trust: ssl.SSLContext | bool, timeout_s: float) -> None:
        self.busy = 0
        self._places = asyncio.Semaphore(_LANE_WIDTH)
        self.client = httpx.AsyncClient(
            verify=trust,
            timeout=httpx.Timeout(timeout_s, connect=min(10.0, timeout_s), pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=_LANE_WIDTH),
            headers={"User-Agent": AGENT, "Accept-Encoding": "identity"},
            follow_redirects=False,
        )

    async def send(self, request: httpx.Request, limit: int, timeout_s: float) -> Answer:
        """Send when there is a place; waiting for one does not count against `timeout_s`."""
        self.busy += 1
        try:
            async with self._places, asyncio.timeout(timeout_s):
                return await _send(self.client, request, limit)
        finally:
            self.busy -= 1


async def _send(client: httpx.AsyncClient, request: httpx.Request, limit: int) -> Answer:
    """Read at most `limit` bytes of the raw body; what the server has beyond that is not drained."""
    response = await client.send(request, stream=True)
    body = bytearray()
    cut = False
    try:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > limit:
                del body[limit:]
                cut = True
                break
    finally:
        await response.aclose()
    return Answer(status=response.status_code, headers=response.headers, body=bytes(body), cut=cut)


def network_fault(error: Exception, endpoint: Endpoint) -> ImageError:
    """What an exception of the HTTP library means to the operator."""
    place = {"host": endpoint.host, "repository": endpoint.repository}
    if isinstance(error, httpx.TimeoutException):
        return fault(Trouble.TIMEOUT, **place)
    cause: BaseException | None = error
    seen = 0
    text = str(error)
    while cause is not None and seen < 10:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return fault(Trouble.TLS, **place, detail=cause.verify_message or "")
        if isinstance(cause, ssl.SSLError):
            plain = "WRONG_VERSION_NUMBER" in str(cause) or "RECORD_LAYER" in str(cause).upper()
            return fault(Trouble.PLAIN_HTTP if plain else Trouble.TLS, **place, detail=cause.reason or "")
        if isinstance(cause, socket.gaierror):
            return fault(Trouble.DNS, **place)
        if isinstance(cause, ConnectionRefusedError):
            return fault(Trouble.REFUSED, **place)
        if isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
            return fault(Trouble.NETWORK, **place, detail=cause.strerror or "")
        cause, seen = cause.__cause__ or cause.__context__, seen + 1
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return fault(Trouble.TLS, **place)
    if "All connection attempts failed" in text:
        return fault(Trouble.REFUSED, **place)
    kind = Trouble.PROTOCOL if isinstance(error, httpx.DecodingError | httpx.InvalidURL) else Trouble.NETWORK
    return fault(kind, **place, detail=text or type(error).__name__)


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
