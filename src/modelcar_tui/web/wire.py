"""What goes over a run's socket, in the words of the terminal's own script (textual-serve's `textual.js`).

To us come text frames, each a JSON array: `["stdin", TEXT]`, `["ping", TEXT]`, `["focus"]`, `["blur"]`,
`["resize", {"width": COLUMNS, "height": ROWS}]`; and of our own (`run.js`) `["took", BYTES]` for each binary
frame. From us go the terminal's bytes as binary frames, and `["pong", TEXT]`.

Not more than `MOST_UNTAKEN` bytes are on the way: a tunnel over a slow line has buffers of megabytes, which
would make the screen minutes old. So the program's terminal takes as slowly as the line does, and it paints
less.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from modelcar_tui.web.terminal import ANOTHER, OVER, Terminal
from modelcar_tui.web.window import Window

_MOST_FRAME = 64 * 1024
"""Bytes of a frame from the browser; a longer one ends the socket."""
_HEARTBEAT_S = 30.0
MOST_UNTAKEN = 16 * 1024
"""Bytes that were sent and that the browser has not yet told of."""
_PING = 32
_CODES = {OVER: WSCloseCode.OK, ANOTHER: WSCloseCode.POLICY_VIOLATION}


async def talk(request: web.Request, terminal: Terminal) -> web.WebSocketResponse:
    """Show a terminal until the browser leaves, another window takes it, or it ends."""
    socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=_MOST_FRAME)
    await socket.prepare(request)
    window = terminal.show(_number(request, "width", 80), _number(request, "height", 24))
    line = _Line()
    sender = asyncio.create_task(_send(socket, window, line))
    try:
        async for message in socket:
            if window.closed or message.type != WSMsgType.TEXT:
                break
            await _hear(socket, terminal, line, message.data)
    finally:
        terminal.leave(window)
        sender.cancel()
    return socket


class _Line:
    """How much is on the way to the browser."""

    def __init__(self) -> None:
        self._untaken = 0
        self._room = asyncio.Event()
        self._room.set()

    def sent(self, amount: int) -> None:
        """So many bytes more are on the way."""
        self._untaken += amount
        if self._untaken >= MOST_UNTAKEN:
            self._room.clear()

    def took(self, amount: int) -> None:
        """The browser has them."""
        self._untaken = max(0, self._untaken - max(0, amount))
        if self._untaken < MOST_UNTAKEN:
            self._room.set()

    async def room(self) -> int:
        """Wait until some may be sent; how many."""
        await self._room.wait()
        return MOST_UNTAKEN - self._untaken


async def _send(socket: web.WebSocketResponse, window: Window, line: _Line) -> None:
    with suppress(ConnectionError):
        while data := await window.take(await line.room()):
            line.sent(len(data))
            await socket.send_bytes(data)
        code = _CODES.get(window.closed, WSCloseCode.GOING_AWAY)
        await socket.close(code=code, message=window.closed.encode())


async def _hear(socket: web.WebSocketResponse, terminal: Terminal, line: _Line, text: str) -> None:
    """One frame; one of another form is dropped."""
    try:
        frame = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return
    match frame:
        case ["stdin", str(keys)]:
            await terminal.write(keys.encode(errors="replace"))
        case ["resize", {"width": int(columns), "height": int(rows)}]:
            terminal.resize(columns, rows)
        case ["took", int(amount)]:
            line.took(amount)
        case ["ping", str(word)]:
            with suppress(ConnectionError):
                await socket.send_json(["pong", word[:_PING]])


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else default
