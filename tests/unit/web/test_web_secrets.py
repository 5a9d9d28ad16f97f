"""The whole program: where a visitor's secrets are, and where they are not; and how it ends."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

from aiohttp import ClientSession, CookieJar

from support.web_server import SAMPLE, Served, Visitor, said, served

KEY = "canary-key-3f9a77c1e2"
PASSWORD = "canary-pass-b1d04e"
PULL_SECRET = base64.b64encode(f"robot:{PASSWORD}".encode()).decode()
OWN = "canary-own-77aa10"
CANARIES = (KEY, PASSWORD, PULL_SECRET, OWN)


async def enter(server: Served, client: ClientSession) -> Visitor:
    """A visitor of a server in a process of its own."""
    address = await server.address()
    port = int(re.findall(r":(\d+)/", address)[0])
    visitor = Visitor(SimpleNamespace(port=port, new_address=lambda: address), client)  # type: ignore[arg-type]
    await visitor.enter()
    return visitor


def descendants(pid: int) -> list[int]:
    """The processes below one."""
    children = [
        int(child)
        for thread in Path(f"/proc/{pid}/task").glob("*/children")
        for child in thread.read_text().split()
    ]
    return [*children, *(below for child in children for below in descendants(child))]


def is_there(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


async def gone(*pids: int) -> None:
    async with asyncio.timeout(20):
        while any(map(is_there, pids)):
            await asyncio.sleep(0.05)


async def test_secrets_reach_the_run_and_no_argv_environment_file_or_log(tmp_path: Path) -> None:
    state = tmp_path / "state"
    options = ("--demo", "--no-llm", "--state-dir", str(state))
    async with (
        served(*options, GOOGLE_API_KEY=OWN, MODELCAR_TUI_QA_SPEED="0") as server,
        ClientSession(cookie_jar=CookieJar(unsafe=True)) as client,
    ):
        visitor = await enter(server, client)
        place = await visitor.begin(
            manifest=SAMPLE.read_bytes(), api_key=KEY, pull_secret_file=PULL_SECRET.encode(), qa="yes"
        )
        socket = await visitor.watch(place)
        shown = await said(socket, "NO-GO")
        processes = descendants(server.process.pid)
        assert processes
        for pid in processes:
            environ = Path(f"/proc/{pid}/environ").read_bytes()
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            assert b"modelcar_tui.commands.web_run" in words
            assert b"TERM=xterm-256color" in environ
            assert [canary for canary in CANARIES if canary.encode() in environ + words] == []
        pages = await visitor.text("/") + await visitor.text(f"{place}/files")
        url = f"{visitor.home}{place}/files/report.md"
        async with client.get(url) as answer:
            assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''one.report.md"
            assert answer.headers["Content-Type"] == "application/octet-stream"
            report = await answer.text()
            assert "NO-GO" in report
        server.process.send_signal(signal.SIGTERM)
        assert await server.process.wait() == 143
        assert server.process.stderr is not None
        said_at_the_end = "".join([*server.lines, (await server.process.stderr.read()).decode()])
        await gone(*processes)
        assert "ending 1 run; to go on with one: modelcar-tui --resume RUN" in said_at_the_end
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "journal.jsonl" for path in files)
    assert any(path.name == "one.base.yaml" for path in files)
    kept = b"".join(path.read_bytes() for path in files)
    for text in (kept, shown.encode(), pages.encode(), report.encode(), said_at_the_end.encode()):
        assert [canary for canary in CANARIES if canary.encode() in text] == []
    token = re.findall(r"token=(\S+)", server.lines[0])[0]
    assert token.encode() not in kept


async def test_a_server_that_is_killed_takes_its_runs_along_and_they_can_go_on(tmp_path: Path) -> None:
    options = ("--demo", "--no-llm", "--no-qa", "--state-dir", str(tmp_path))
    async with served(*options) as server, ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        visitor = await enter(server, client)
        socket = await visitor.watch(await visitor.begin(manifest=SAMPLE.read_bytes()))
        await said(socket, "accept the 2 required")
        processes = descendants(server.process.pid)
        assert processes
        server.process.kill()
        await server.process.wait()
        await gone(*processes)
    (run,) = (tmp_path / "runs").iterdir()

    async with served(*options) as server, ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        visitor = await enter(server, client)
        for name in ("../runs", "nonesuch", "", "/etc", "--help"):
            assert (await visitor.post("/resume", run=name))[0] in (400, 404)
        status, place = await visitor.post("/resume", run=run.name[:20])
        assert (status, place) == (303, "/runs/1")
        await said(await visitor.watch(place), "accept the 2 required")
        status, line = await visitor.post("/resume", run="last")
        assert (status, "this run is open" in line) == (409, True)
        assert "goes on" in await visitor.text("/")

        os.kill(server.process.pid, signal.SIGUSR1)
        second = await server.address()
        async with client.get(second) as answer:
            assert answer.status == 200, "another visitor"
