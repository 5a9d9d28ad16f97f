"""The API server as this product needs it: typed objects and lists page by page for an inventory, any
objects as JSON, writes, and logs that are followed; all bounded."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec

from modelcar_tui.core.contain import keep
from modelcar_tui.core.crash import kind as kind_of
from modelcar_tui.core.lanes import Lanes
from modelcar_tui.core.text import clean
from modelcar_tui.kube.bounds import WAITS_S, Extent
from modelcar_tui.kube.decoding import Object, decode, decode_any, decode_list, refused
from modelcar_tui.kube.errors import ClusterError, broke, unreachable
from modelcar_tui.kube.login import Login
from modelcar_tui.kube.transport import Answer, Stream, Transport

T = TypeVar("T", bound=msgspec.Struct)
R = TypeVar("R")
A = TypeVar("A", Answer, Stream)
PAGE = 500
TRIES = 4
THROTTLED_TRIES = 10
"""How often a server that has too many requests is asked again; client-go's number."""
LONGEST_PAUSE = 20.0
LOG_SILENCE_S = 300.0
"""A followed log may say nothing for so long before it is broken off."""
_WRITE_S = 10.0


class Page(msgspec.Struct, Generic[T], frozen=True):
    """The items of one page; `restart` means that everything before is to be forgotten."""

    items: list[T]
    last: bool = False
    restart: bool = False
    resource_version: str = ""


class Client:
    """Talks to one API server; use it with `async with`, which stops whatever is still under way."""

    def __init__(self, transport: Transport, *, threads: int = 8, login: Login | None = None) -> None:
        """
        Args:
            transport: to the server.
            threads: how many questions may be under way.
            login: who is asked for other credentials when those of `transport` end.
        """
        self.transport = transport
        self._login = login
        self.ahead_s: float | None = None
        """How far this machine's clock is ahead of the server's, by its last answer; None until one tells."""
        self.forbidden: dict[tuple[str, str], None] = {}
        """Method and path of the requests that were refused for want of a right (403), each once, without its
        query; a run asks a few dozen paths."""
        self._lanes = Lanes(threads)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="cluster")

    @property
    def server(self) -> str:
        """The server's address."""
        return self.transport.server

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop; does not wait."""
        self.transport.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def hurried(self, limit_s: float) -> Iterator[None]:
        """For small questions: none of them takes longer, however slowly its answer comes."""
        usual = self.transport.limit_s
        self.transport.limit_s = min(usual, limit_s)
        try:
            yield
        finally:
            self.transport.limit_s = usual

    async def get(self, path: str, kind: type[T], query: Mapping[str, str] | None = None) -> T:
        """One object.

        Raises:
            ClusterError: there is none, or it could not be read.
        """
        answer = await self._good("GET", path, query)
        return await self._safely(lambda: decode(kind, answer.body, self.server))

    async def text(self, path: str) -> str:
        """A body as text, at most 10,000 characters."""
        answer = await self._good("GET", path)
        return clean(answer.body[:10_000].decode(errors="replace"))

    async def post(self, path: str, body: Mapping[str, Any], kind: type[T]) -> T:
        """A review: posted, answered, stored nowhere."""
        answer = await self._good("POST", path, body=msgspec.json.encode(body))
        return await self._safely(lambda: decode(kind, answer.body, self.server))

    async def pages(
        self, path: str, kind: type[T], query: Mapping[str, str] | None = None, *, limit: int = PAGE
    ) -> AsyncIterator[Page[T]]:
        """A list page by page.

        A list that grows too old in the middle (410) goes on with the server's fresh token, or starts over:
        then a page says `restart`.

        Raises:
            ClusterError: after the pages that could be read; also where the list does not end, see `bounds`.
        """
        token, restart = "", False
        extent = Extent(self.server)
        while True:
            asked = {**(query or {}), "limit": str(limit), **({"continue": token} if token else {})}
            try:
                answer = await self._good("GET", path, asked)
            except ClusterError as error:
                if not extent.goes_on(error):
                    raise
                token, restart = error.token, restart or not error.token
                continue
            page = await self._safely(partial(decode_list, kind, answer.body, self.server))
            token = page.metadata.continue_ or ""
            items, version = page.items or [], page.metadata.resource_version or ""
            last = not token and not page.unfit
            yield Page(items=items, last=last, restart=restart, resource_version=version)
            restart = False
            if page.unfit:
                raise extent.unfit()
            if (endless := extent.end(token, len(items), len(answer.body))) is not None:
                raise endless
            if not token:
                return

    async def whole_list(self, path: str, kind: type[T], query: Mapping[str, str] | None = None) -> list[T]:
        """All items of `pages`.

        Raises:
            ClusterError: not all could be read.
        """
        found: list[T] = []
        async for page in self.pages(path, kind, query):
            if page.restart:
                found.clear()
            found.extend(page.items)
        return found

    async def short_list(self, path: str, kind: type[T], query: Mapping[str, str] | None = None) -> list[T]:
        """A list in one answer out of the server's cache (`resourceVersion=0`); for short lists."""
        answer = await self._good("GET", path, {**(query or {}), "resourceVersion": "0"})
        page = await self._safely(lambda: decode_list(kind, answer.body, self.server))
        return page.items or []

    async def read(self, path: str, **query: str) -> Object:
        """Any object or list.

        Raises:
            ClusterError: there is none, or it could not be read.
        """
        return await self._object(await self._good("GET", path, query))

    async def find(self, path: str) -> Object | None:
        """Any object; None where it is not there."""
        try:
            return await self.read(path)
        except ClusterError as error:
            if error.missing:
                return None
            raise

    async def create(self, path: str, value: Mapping[str, Any]) -> Object:
        """Make an object below a path, or take the one of that name which is there already."""
        try:
            return await self._object(await self._write("POST", path, value))
        except ClusterError as error:
            if error.status != 409:
                raise
            found = await self.find(f"{path}/{value['metadata']['name']}")
            if found is None:
                # A conflict with something else, such as a quota that many count against at once.
                raise
            return found

    async def patch(self, path: str, change: Mapping[str, Any]) -> Object:
        """Change an object by a merge patch."""
        return await self._object(await self._write("PATCH", path, change))

    async def rehearse(self, method: str, path: str, value: Mapping[str, Any], **query: str) -> Object:
        """What a write would make: it is only tried (`dryRun=All`), and nothing is stored."""
        tried = {**query, "dryRun": "All"}
        return await self._object(await self._good(method, path, tried, msgspec.json.encode(value)))

    async def delete(self, path: str, *, uid: str = "") -> None:
        """Delete an object, and in the background what it owns.

        Args:
            uid: Only the object with this uid is meant, not one that was made anew under its name.

        Raises:
            ClusterError: with status 404 it is gone, with 409 it is another one.
        """
        only = {"preconditions": {"uid": uid}} if uid else {}
        await self._write("DELETE", path, {"propagationPolicy": "Background", **only})

    async def log(self, path: str, **query: str) -> AsyncGenerator[bytes, None]:
        """A pod's log as it comes, until the server ends it. Close it (`aclosing`) when it is left early.

        Raises:
            ClusterError: there is none, or the connection broke.
        """
        stream = await self._renewing(partial(self._open, path, query))
        try:
            if stream.status >= 300:
                raise refused(stream.status, await self._in_thread(stream.rest), self.server)
            while chunk := await self._in_thread(stream.read):
                yield chunk
        finally:
            stream.shut()

    async def _open(self, path: str, query: Mapping[str, str]) -> Stream:
        opening = self._threads.submit(self.transport.stream, path, query, LOG_SILENCE_S)
        try:
            return await asyncio.wrap_future(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_unwanted)
            raise

    async def _write(self, method: str, path: str, body: Mapping[str, Any]) -> Answer:
        """A change. One that is under way when we are cancelled is waited for: who cleans up must find it."""
        work = asyncio.ensure_future(self._good(method, path, body=msgspec.json.encode(body)))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            with suppress(ClusterError, TimeoutError):
                await asyncio.wait_for(work, _WRITE_S)
            raise

    async def _object(self, answer: Answer) -> Object:
        return await self._safely(lambda: decode_any(answer.body, self.server))

    async def _good(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """An answer with a good status; waits as long as the server wishes, asks again where an answer
        broke."""
        attempt = throttled = 0
        waited = 0.0
        while True:
            attempt += 1
            pause = 0.1 * 4**attempt * random.uniform(0.5, 1.0)  # noqa: S311
            try:
                async with self._lanes:
                    answer = await self._renewing(partial(self._ask, method, path, query, body))
            except ClusterError as error:
                if attempt >= 2 or error.problem.code not in ("cut", "broken"):
                    raise
                await asyncio.sleep(pause / 4)
                continue
            self.ahead_s = _ahead(answer, self.ahead_s)
            if answer.status < 300:
                self._lanes.served()
                return answer
            refusal = refused(answer.status, answer.body, self.server)
            if refusal.forbidden:
                self.forbidden[method, path] = None
            waits = answer.headers.get("Retry-After", "")
            if answer.status == 429 and throttled < THROTTLED_TRIES:
                self._lanes.refused()
                throttled, attempt = throttled + 1, attempt - 1
                # All that were refused together would come back together.
                pause = _asked_pause(waits, 1.0) * random.uniform(1.0, 1.5)  # noqa: S311
            elif attempt < TRIES and (answer.status in (503, 504) or (answer.status >= 500 and attempt == 1)):
                pause = _asked_pause(waits, pause)
            else:
                raise refusal
            if (waited := waited + pause) > WAITS_S:
                raise refusal
            await asyncio.sleep(pause)

    async def _renewing(self, ask: Callable[[], Awaitable[A]]) -> A:
        """What is asked, with other credentials where ours have ended or are refused."""
        login = self._login
        if login is None:
            return await ask()
        used = login.credentials
        if login.ended and await login.renew(used):
            used = login.credentials
            await self._safely(lambda: self.transport.adopt(used))
        answer = await ask()
        if answer.status != 401 or not await login.renew(used):
            return answer
        if isinstance(answer, Stream):
            answer.shut()
        await self._safely(lambda: self.transport.adopt(login.credentials))
        return await ask()

    async def _ask(
        self, method: str, path: str, query: Mapping[str, str] | None, body: bytes | None
    ) -> Answer:
        """One request; an answer that comes in drops is given up, and `close` wakes the thread that waits."""
        transport = self.transport
        try:
            async with asyncio.timeout(transport.limit_s):
                return await self._safely(lambda: transport.request(method, path, query, body))
        except TimeoutError as error:
            raise unreachable(error, self.server, transport.via) from None

    async def _safely(self, work: Callable[[], R]) -> R:
        """`_in_thread`, where what nobody foresaw costs this one question."""
        try:
            return await self._in_thread(work)
        except (ClusterError, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 - one question of many
            keep(error)
            raise broke(self.server, self.transport.via, kind_of(error)) from None

    async def _in_thread(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _ahead(answer: Answer, known: float | None) -> float | None:
    try:
        return time.time() - parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return known


def _asked_pause(waits: str, default: float) -> float:
    """Seconds that `Retry-After` asks for, as far as we are willing to wait."""
    return min(float(waits), LONGEST_PAUSE) if waits.isdecimal() and len(waits) < 10 else default


def _unwanted(opening: Future[Stream]) -> None:
    """A log that was opened when nobody wanted it any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().shut()
