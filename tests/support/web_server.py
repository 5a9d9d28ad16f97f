"""A server of the page: a process of its own, or one in the test's loop with runs of a few lines."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar, FormData

from modelcar_tui.web import Offer, Page

SAMPLE = Path(__file__).parents[2] / "config-yaml" / "sample_modelcar_config.base.yaml"
ECHO = """
import json, os, signal, sys
given = json.load(os.fdopen(int(sys.argv[1])))
told = f"words {json.dumps(sys.argv[2:])}\\nhanded {sorted(given)}\\n".encode()
signal.signal(signal.SIGWINCH, lambda *_: os.write(1, told))  # painted again for each window, as by us
os.write(1, told)
for line in sys.stdin:
    print("heard", line.strip(), flush=True)
    if line.strip() == "bye":
        sys.exit(5)
"""
"""A run that tells its words, the names of its secrets, and each line that it is typed."""


class Served:
    """A running `modelcar-tui --web`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def address(self) -> str:
        """The next address that it prints."""
        assert self.process.stderr is not None
        while line := (await self.process.stderr.readline()).decode():
            self.lines.append(line)
            if found := re.match(r"http://127\.0\.0\.1:\d+/\S+/\?token=\S+", line):
                return found[0]
        raise AssertionError(f"no address: {self.lines}")


@asynccontextmanager
async def served(*options: str, **environ: str) -> AsyncIterator[Served]:
    """A server at a free port, for the time of the block."""
    words = (sys.executable, "-m", "modelcar_tui.cli", "--web", "--web-port=0", *options)
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environ},
    )
    try:
        yield Served(process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 30)


class Visitor:
    """A browser without a screen: it has the cookie and sends what a browser sends."""

    def __init__(self, page: Page, client: ClientSession) -> None:
        self.page = page
        self.client = client
        self.origin = f"http://127.0.0.1:{page.port}"
        self.home = ""
        """Below which its pages are: origin and path."""
        self.form_key = ""

    async def enter(self) -> None:
        """Open an address, and read the form's own key."""
        address = self.page.new_address()
        self.home = address.partition("/?")[0]
        async with self.client.get(address) as answer:
            text = await answer.text()
            assert answer.status == 200, text
        self.form_key = re.findall(r'name="form_key" value="([^"]+)"', text)[0]

    async def text(self, path: str) -> str:
        """A page, whatever its status."""
        async with self.client.get(f"{self.home}{path}") as answer:
            return await answer.text()

    async def post(self, path: str, *, origin: str | None = "", **fields: object) -> tuple[int, str]:
        """Send a form; its status, and its text or the place to which it leads."""
        form = FormData(default_to_multipart=True)
        for name, value in {"form_key": self.form_key, **fields}.items():
            if isinstance(value, bytes):
                form.add_field(name, value, filename="one.base.yaml")
            else:
                form.add_field(name, str(value))
        headers = {} if origin is None else {"Origin": origin or self.origin}
        url = f"{self.home}{path}"
        async with self.client.post(url, data=form, headers=headers, allow_redirects=False) as answer:
            place = answer.headers.get("Location", "").removeprefix(self.home.removeprefix(self.origin))
            return answer.status, place or await answer.text()

    async def begin(self, **fields: object) -> str:
        """Begin a run; its address."""
        status, place = await self.post("/runs", **{"manifest": b"model-car: []", **fields})
        assert status == 303, place
        return place

    async def watch(self, place: str) -> ClientWebSocketResponse:
        """A window on a run."""
        return await self.client.ws_connect(
            f"{self.home}{place}/socket?width=100&height=30", headers={"Origin": self.origin}
        )


@asynccontextmanager
async def visited(tmp_path: Path, script: str = ECHO, **options: object) -> AsyncIterator[Visitor]:
    """A server in this loop whose runs are `script`, and a visitor with a session."""
    (tmp_path / "runs").mkdir(exist_ok=True)
    offer = Offer(program=(sys.executable, "-c", script), folder=tmp_path / "web", runs=tmp_path / "runs")
    told: list[str] = []
    page = Page(msgspec.structs.replace(offer, **options), told.append)
    async with page.open(0), ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        visitor = Visitor(page, client)
        await visitor.enter()
        yield visitor
    assert told == []


async def said(socket: ClientWebSocketResponse, words: str) -> str:
    """What a window is sent, as soon as `words` (an expression) stand in it."""
    heard = b""
    async with asyncio.timeout(20):
        while not re.search(words, heard.decode(errors="replace")):
            message = await socket.receive()
            assert isinstance(message.data, bytes), (message, heard)
            heard += message.data
    return heard.decode(errors="replace")
