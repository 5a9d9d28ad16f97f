"""Sockets that whoever is on this machine may open, and that ask for nothing."""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path

import pytest

from modelcar_tui.commands.web import _Faults
from modelcar_tui.web import crowd
from modelcar_tui.web.listening import listen
from support.web_server import said, visited


async def test_idle_sockets_are_closed_for_further_ones_and_the_page_and_its_windows_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "MOST", 8)
    async with visited(tmp_path) as visitor:
        window = await visitor.watch(await visitor.begin())
        await said(window, "handed")
        idle = [await asyncio.open_connection("127.0.0.1", visitor.page.port) for _ in range(60)]
        assert "Runs of this session" in await visitor.text("/")
        async with asyncio.timeout(20):
            ended = await asyncio.gather(*(_ended(reader) for reader, _ in idle[:44]))
        assert all(ended)
        await window.send_json(["stdin", "still\r"])
        await said(window, "heard still")
        for _, writer in idle:
            writer.close()


async def test_a_socket_that_tells_no_whole_head_is_closed_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelcar_tui.web.server.IDLE_S", 0.2)
    async with visited(tmp_path) as visitor:
        for head in (b"", b"GET / HTTP/1.1\r\nHost: local"):
            reader, writer = await asyncio.open_connection("127.0.0.1", visitor.page.port)
            writer.write(head)
            assert await asyncio.wait_for(_ended(reader), 20)
            writer.close()


def test_who_takes_nothing_of_what_was_sent_is_dropped_by_the_kernel() -> None:
    with listen(0) as here, socket.create_connection(here.getsockname()):
        here.setblocking(True)
        accepted, _ = here.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 90_000


async def test_no_descriptor_left_is_said_in_one_line_a_minute(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    faults = _Faults()
    for _ in range(100):
        context = {"message": "accept", "exception": OSError(24, "Too many open files")}
        faults(asyncio.get_running_loop(), context)
    assert (
        capsys.readouterr().err
        == "--web: Too many open files; the page may stand still; see docs/browser.md\n"
    )
    assert caplog.record_tuples == []
    assert logging.lastResort is not None, "what it is kept from"


async def _ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() in (b"",) or reader.at_eof()
    except ConnectionError:
        return True
