"""A run's terminal: its size, its keys, its windows, its end; bounded whoever does not read."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import signal
from pathlib import Path

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from modelcar_tui.web.modes import Modes
from modelcar_tui.web.offer import IDLE_S
from modelcar_tui.web.terminal import ANOTHER, Terminal
from modelcar_tui.web.window import MOST_WAITING, Window
from modelcar_tui.web.wire import MOST_UNTAKEN
from support.web_server import Visitor, said, visited

SIZES = """
import fcntl, os, signal, sys, termios, tty
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
tty.setraw(0)
def tell(*_):
    size = os.get_terminal_size(0)
    os.write(1, b"\\x1b[?1049h\\x1b[?2004hsize %dx%d;" % size)
signal.signal(signal.SIGWINCH, tell)
tell()
while True:
    key = os.read(0, 100)
    if not key:
        break
    os.write(1, b"key %r;" % key)
"""
"""Tells its size whenever that changes, and each key."""
FLOOD = """
import os, sys
while True:
    os.write(1, b"x" * 4096)
"""
FORKED = """
import os, signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_IGN)
child = os.fork()
if not child:
    time.sleep(60)
    os._exit(0)
sys.stdin.readline()
print("child %d;" % child, flush=True)
sys.stdin.readline()
os._exit(0)
"""
"""Says its child when it is asked, ends, and leaves a child that holds the terminal."""
DEAF = """
import signal, sys, time
for number in (signal.SIGHUP, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
while True:  # what is said while nobody watches is dropped
    print("deaf", flush=True)
    time.sleep(0.05)
"""


def terminal_of(visitor: Visitor) -> Terminal:
    """Of the newest run."""
    return visitor.page._sessions.runs[-1].terminal


async def until(what: object) -> None:
    """Wait until a call gives something."""
    async with asyncio.timeout(20):
        while not what():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_the_window_gives_size_and_keys_and_gets_what_is_said(tmp_path: Path) -> None:
    async with visited(tmp_path, SIZES) as visitor:
        socket = await visitor.watch(await visitor.begin())
        await said(socket, "size 100x30;")
        await socket.send_json(["resize", {"width": 90, "height": 20}])
        await said(socket, "size 90x20;")
        await socket.send_json(["stdin", "aé\x1b[A"])
        assert r"key b'a\xc3\xa9\x1b[A';" in await said(socket, "key")
        await socket.send_json(["ping", "12"])
        assert (await socket.receive()).data == '["pong", "12"]'


async def test_a_window_that_comes_again_has_the_modes_and_all_is_painted_anew(tmp_path: Path) -> None:
    async with visited(tmp_path, SIZES) as visitor:
        place = await visitor.begin()
        first = await visitor.watch(place)
        await said(first, "size 100x30;")
        await first.close()
        await until(lambda: not terminal_of(visitor).watched)
        again = await visitor.watch(place)
        shown = await said(again, "size 100x30;")
        assert shown.startswith("\x1bc\x1b[?1049h\x1b[?2004h")
        assert "size 100x29;" in shown, "the same size again would paint nothing"


async def test_the_last_window_has_the_run(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        place = await visitor.begin()
        first = await visitor.watch(place)
        await said(first, "handed")
        second = await visitor.watch(place)
        while (message := await first.receive()).type == WSMsgType.BINARY:
            pass
        assert (message.type, message.extra) == (WSMsgType.CLOSE, ANOTHER)
        await second.send_json(["stdin", "hello\r"])
        await said(second, "heard hello")


async def test_frames_of_another_form_are_dropped(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        socket = await visitor.watch(await visitor.begin())
        for frame in (
            "",
            "{}",
            "[",
            '["stdin"]',
            '["stdin", 1]',
            '["resize", {}]',
            "[[[[]]]]",
            '["quit"]',
            "1",
        ):
            await socket.send_str(frame)
        await socket.send_str("[" * 60_000)
        await socket.send_str('["stdin", "\\ud800"]')
        for width in (-1, 0, 10**9):
            await socket.send_json(["resize", {"width": width, "height": width}])
        await socket.send_json(["stdin", "still\r"])
        await said(socket, "heard still")
        assert terminal_of(visitor).size == (500, 300)


async def test_a_frame_that_is_too_long_ends_the_window_alone(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        place = await visitor.begin()
        socket = await visitor.watch(place)
        await socket.send_json(["stdin", "x" * 100_000])
        while (message := await socket.receive()).type == WSMsgType.BINARY:
            pass
        assert message.data == 1009
        again = await visitor.watch(place)
        await again.send_json(["stdin", "there\r"])
        await said(again, "heard there")


async def test_a_window_that_takes_nothing_stops_the_reading_not_the_memory(tmp_path: Path) -> None:
    async with visited(tmp_path, FLOOD) as visitor:
        await visitor.begin()
        terminal = terminal_of(visitor)
        window = terminal.show(80, 24)
        await until(lambda: window.full)
        held = len(window._waiting)
        assert MOST_WAITING <= held < 2 * MOST_WAITING
        assert not terminal._reading
        data = await window.take(1 << 20)
        assert len(data) == held
        assert terminal._reading, "and goes on when there is room"
        terminal.leave(window)


async def test_no_more_is_on_the_way_than_the_browser_has_told_of(tmp_path: Path) -> None:
    async with visited(tmp_path, FLOOD) as visitor:
        socket = await visitor.watch(await visitor.begin())
        for _ in range(3):
            taken = 0
            while taken < MOST_UNTAKEN:
                taken += len((await socket.receive()).data)
            assert taken == MOST_UNTAKEN
            with pytest.raises(TimeoutError):
                await socket.receive(timeout=0.1)
            await socket.send_json(["took", taken])


async def test_what_nobody_watches_goes_on_and_is_dropped(tmp_path: Path) -> None:
    async with visited(tmp_path, FLOOD) as visitor:
        await visitor.begin()
        terminal = terminal_of(visitor)
        for _ in range(2):
            terminal._said.clear()
            await terminal._said.wait()
        assert terminal._reading


async def test_keys_for_a_program_that_reads_none_wait_for_a_while_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelcar_tui.web.terminal._PATIENCE_S", 0.2)
    monkeypatch.setattr("modelcar_tui.web.terminal._ENDS", ((signal.SIGKILL, 5.0),))
    async with visited(tmp_path, DEAF) as visitor:
        socket = await visitor.watch(await visitor.begin())
        await said(socket, "deaf")
        await asyncio.wait_for(terminal_of(visitor).write(b"x" * 200_000), 10)


async def test_keys_that_wait_are_dropped_at_the_programs_end_and_hold_up_no_other_terminal(
    tmp_path: Path,
) -> None:
    async with visited(tmp_path, DEAF) as visitor:
        await visitor.begin()
        terminal = terminal_of(visitor)
        keys = [asyncio.create_task(terminal.write(bytes(200_000))) for _ in range(2)]
        await until(lambda: terminal._blocked is not None)
        terminal.process.kill()
        async with asyncio.timeout(5):
            await asyncio.gather(*keys)
        await until(lambda: terminal.status == 137)
        place = await visitor.begin()
        await said(await visitor.watch(place), "deaf")
        other = asyncio.create_task(terminal_of(visitor).write(bytes(200_000)))
        await until(lambda: terminal_of(visitor)._blocked is not None)
        other.cancel()
        terminal_of(visitor).process.kill()


async def test_a_child_that_keeps_the_terminal_of_an_ended_run_is_heard_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelcar_tui.web.terminal._TAIL_S", 0.1)
    async with visited(tmp_path, FORKED) as visitor:
        place = await visitor.begin()
        window = await visitor.watch(place)
        await window.send_json(["stdin", "who\r"])
        found = re.findall("child ([0-9]+)", await said(window, "child [0-9]+;"))
        try:
            await window.send_json(["stdin", "go on\r"])
            async with asyncio.timeout(20):
                async for _ in window:
                    pass
            assert window.close_code == 1000
            assert not terminal_of(visitor)._reading
            assert "exit status 0" in await visitor.text(place)
        finally:
            os.kill(int(found[0]), signal.SIGKILL)


async def test_no_terminal_left_is_said_with_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> tuple[int, int]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with visited(tmp_path) as visitor:
        monkeypatch.setattr(os, "openpty", none)
        status, text = await visitor.post("/runs", manifest=b"a: 1")
        assert (status, "can&#39;t be started: No space left on device" in text) == (503, True)


async def test_the_end_of_a_run_closes_its_window_after_its_last_words(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        place = await visitor.begin()
        socket = await visitor.watch(place)
        await socket.send_json(["stdin", "bye\r"])
        assert "heard bye" in await last_words(socket)
        assert socket.close_code == 1000
        page = await visitor.text(place)
        assert "the changes were rejected" in page
        assert "exit status 5" in page
        assert "the changes were rejected" in await visitor.text("/")


async def test_the_end_of_the_server_hangs_up_then_kills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = ((signal.SIGHUP, 0.1), (signal.SIGTERM, 0.1), (signal.SIGKILL, 5.0))
    monkeypatch.setattr("modelcar_tui.web.terminal._ENDS", ends)
    async with visited(tmp_path, DEAF) as visitor:
        socket = await visitor.watch(await visitor.begin())
        await said(socket, "deaf")
        terminal = terminal_of(visitor)
    assert terminal.status == 128 + signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(terminal.process.pid, 0)
    assert (await socket.receive()).type in (WSMsgType.CLOSE, WSMsgType.CLOSED)


async def test_a_session_that_idles_is_ended_with_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelcar_tui.web.server._LOOK_S", 0.02)
    async with visited(tmp_path) as visitor:
        place = await visitor.begin()
        terminal = terminal_of(visitor)
        socket = await visitor.watch(place)
        await said(socket, "handed")
        sessions = visitor.page._sessions
        (session,) = sessions._sessions
        session.seen -= IDLE_S + 1
        assert sessions.take_idle() == [], "a window is open"
        await socket.close()
        await until(lambda: terminal.status is not None)
        assert "no session here" in await visitor.text("/")


def test_modes_are_heard_where_a_read_cuts_them() -> None:
    modes = Modes()
    for part in (b"\x1b[?25l\x1b[?10", b"49hx\x1b[?1000;1006h", b"\x1b[?1000", b"l\x1b[?9999h"):
        modes.hear(part)
    assert modes.again() == b"\x1b[?1049h\x1b[?25l\x1b[?1000l\x1b[?1006h"


async def test_a_closed_window_gives_what_waits_and_then_its_end() -> None:
    window = Window(lambda: None)
    window.put(b"a")
    window.put(b"b")
    window.close("over")
    window.put(b"late")
    assert [await window.take(9), await window.take(9), window.closed] == [b"ab", b"", "over"]


async def last_words(socket: ClientWebSocketResponse) -> str:
    """All until the window is closed."""
    heard = b""
    async with asyncio.timeout(20):
        async for message in socket:
            heard += message.data
    return re.sub(r"\r", "", heard.decode())
