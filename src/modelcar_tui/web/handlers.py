"""The addresses of the page, and what each answers. Who asks was checked before (`checks`)."""

from __future__ import annotations

import asyncio
import hmac
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from modelcar_tui.core.pull_secret import VARIABLE
from modelcar_tui.core.secrets import Secret
from modelcar_tui.web import pages
from modelcar_tui.web.checks import NO_SESSION, NONCE, SESSION, RefusedError
from modelcar_tui.web.files import content, static_file
from modelcar_tui.web.offer import Offer
from modelcar_tui.web.order import Order, read_order
from modelcar_tui.web.results import result, results, run_folder
from modelcar_tui.web.sessions import MOST_SESSIONS, FullError, Run, Session, Sessions
from modelcar_tui.web.starting import drop_manifest, earlier_run, kept_manifest, started, words_of
from modelcar_tui.web.wire import talk

_FULL = f"{MOST_SESSIONS} visitors are here, which is the limit; end the server and start it again"
_NO_RUN = "there is no such run in this session"


class Handlers:
    """One server's answers."""

    def __init__(self, offer: Offer, sessions: Sessions, cookie: str, home: str) -> None:
        self._offer = offer
        self._sessions = sessions
        self._cookie = cookie
        self._home = home
        self._starting = asyncio.Lock()

    def routes(self) -> list[web.AbstractRouteDef]:
        """All that there is."""
        home = self._home
        run = f"{home}/runs/{{number:[0-9]{{1,9}}}}"
        return [
            web.get(f"{home}/", self.first),
            web.get("/static/{name}", self.static),
            web.post(f"{home}/runs", self.start),
            web.post(f"{home}/resume", self.resume),
            web.get(run, self.run),
            web.get(f"{run}/socket", self.socket),
            web.get(f"{run}/files", self.files),
            web.get(f"{run}/files/{{what}}", self.file),
        ]

    async def first(self, request: web.Request) -> web.StreamResponse:
        """The form; or, with a token, a session."""
        if "token" in request.query and request.method == "GET":  # HEAD spends none
            try:
                session = self._sessions.spend(request.query["token"], request.get(SESSION))
            except FullError:
                raise RefusedError(503, _FULL) from None
            if session is None:
                line = "this address was opened before, or is none: press Enter in the terminal for a new one"
                raise RefusedError(403, line)
            answer = _see(f"{self._home}/")
            answer.set_cookie(
                self._cookie, session.key, httponly=True, samesite="Strict", path=f"{self._home}/"
            )
            return answer
        return _html(pages.first_page(_session(request), self._offer, self._home))

    async def static(self, request: web.Request) -> web.StreamResponse:
        """A file of the fixed table."""
        found = static_file(request.match_info["name"])
        if found is None:
            raise RefusedError(404, "there is no such file")
        data, mark = await asyncio.to_thread(content, found[0])
        # Half a megabyte is long over a slow line: kept by the browser, and asked for again by its mark.
        headers = {"ETag": mark, "Cache-Control": "private, no-cache"}
        if mark in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        answer = web.Response(body=data, headers={"Content-Type": found[1], **headers})
        answer.enable_compression()
        return answer

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Begin a run of what the form holds."""
        session, order = await self._ordered(request)
        async with self._starting:
            self._check_room()
            manifest = await asyncio.to_thread(kept_manifest, order, self._offer)
            words = words_of(order, manifest, self._offer)
            try:
                terminal = await started(words, self._offer, self._secrets(order))
            except RefusedError:
                await asyncio.to_thread(drop_manifest, manifest)
                raise
            demo = order.demo or self._offer.demo
            run = self._sessions.add(session, manifest, terminal, demo=demo, title=manifest.name)
        return _see(f"{self._home}/runs/{run.number}")

    async def resume(self, request: web.Request) -> web.StreamResponse:
        """Go on with a run that was cut off, in a terminal of its own."""
        session, order = await self._ordered(request)
        async with self._starting:
            self._check_room()
            folder, settings = await asyncio.to_thread(earlier_run, order.run, self._offer)
            if await asyncio.to_thread(self._is_open, folder):
                raise RefusedError(409, "this run is open; there is nothing to go on with")
            words = (*self._offer.to_resume, "--resume", str(folder))
            terminal = await started(words, self._offer, self._secrets(order))
            manifest = Path(settings.manifest)
            title = f"{manifest.name}, run {folder.name} goes on"
            run = self._sessions.add(session, manifest, terminal, demo=settings.demo, title=title)
            run.folder = folder
        return _see(f"{self._home}/runs/{run.number}")

    async def run(self, request: web.Request) -> web.StreamResponse:
        """The terminal of a run, or what became of it."""
        run = _run(request)
        if run.terminal.status is None:
            return _html(pages.run_page(run, request.headers["Host"], request[NONCE], self._home))
        return await self.files(request)

    async def files(self, request: web.Request) -> web.StreamResponse:
        """What a run has made so far."""
        run = _run(request)
        made = await asyncio.to_thread(results, run, self._offer.runs)
        folder = await asyncio.to_thread(run_folder, run, self._offer.runs)
        name = folder.name if folder else ""
        return _html(pages.files_page(run, _session(request), made, name, self._home))

    async def file(self, request: web.Request) -> web.StreamResponse:
        """What a run has made, to be kept and never shown as a page of ours."""
        found = await asyncio.to_thread(result, _run(request), self._offer.runs, request.match_info["what"])
        if found is None:
            raise RefusedError(404, "this run has made no such file")
        name, data = found
        kept = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        return web.Response(
            body=data, headers={"Content-Type": "application/octet-stream", "Content-Disposition": kept}
        )

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """The terminal's bytes and keys."""
        return await talk(request, _run(request).terminal)

    async def _ordered(self, request: web.Request) -> tuple[Session, Order]:
        session = _session(request)
        order = await read_order(request, self._offer)
        _check_form_key(order, session)
        return session, order

    def _check_room(self) -> None:
        if sum(run.terminal.status is None for run in self._sessions.runs) >= self._offer.most_runs:
            raise RefusedError(
                429, f"{self._offer.most_runs} runs are open, which is the limit; end one first (q)"
            )

    def _is_open(self, folder: Path) -> bool:
        opened = [run for run in self._sessions.runs if run.terminal.status is None]
        return any(run_folder(run, self._offer.runs) == folder for run in opened)

    def _secrets(self, order: Order) -> dict[str, Secret]:
        return {self._offer.key_variable: order.api_key, VARIABLE: order.pull_secret}


def _session(request: web.Request) -> Session:
    session: Session | None = request.get(SESSION)
    if session is None:
        raise RefusedError(403, NO_SESSION)
    return session


def _run(request: web.Request) -> Run:
    run = _session(request).runs.get(int(request.match_info["number"]))
    if run is None:
        raise RefusedError(404, _NO_RUN)
    return run


def _check_form_key(order: Order, session: Session) -> None:
    if not hmac.compare_digest(order.form_key.encode(), session.form_key.encode()):
        raise RefusedError(
            403, "this form is not of your session; go back, load the page again and send it anew"
        )


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html", charset="utf-8")


def _see(place: str) -> web.Response:
    return web.Response(status=303, headers={"Location": place})
