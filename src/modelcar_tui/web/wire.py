"""What goes over a run's socket, in the words of the terminal's own script (textual-serve's `textual.js`).

To us come text frames, each a JSON array: `["stdin", TEXT]`, `["ping", TEXT]`, `["focus"]`, `["blur"]`,
`["resize", {"width": COLUMNS, "height": ROWS}]`. From us go the terminal's bytes as binary frames, and
`["pong", TEXT]`.
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
_HEARTBEAT_S = 15.0
_PING = 32
_CODES = {OVER: WSCloseCode.OK, ANOTHER: WSCloseCode.POLICY_VIOLATION}


async def talk(request: web.Request, terminal: Terminal) -> web.WebSocketResponse:
    """Show a terminal until the browser leaves, another window takes it, or it ends."""
    socket = web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=_MOST_FRAME)
    await socket.prepare(request)
    window = terminal.show(_number(request, "width", 80), _number(request, "height", 24))
    sender = asyncio.create_task(_send(socket, window))
    try:
        async for message in socket:
            if window.closed or message.type != WSMsgType.TEXT:
                break
            await _hear(socket, terminal, message.data)
    finally:
        terminal.leave(window)
        sender.cancel()
    return socket


async def _send(socket: web.WebSocketResponse, window: Window) -> None:
    with suppress(ConnectionError):
        while data := await window.take():
            await socket.send_bytes(data)
        code = _CODES.get(window.closed, WSCloseCode.GOING_AWAY)
        await socket.close(code=code, message=window.closed.encode())


async def _hear(socket: web.WebSocketResponse, terminal: Terminal, text: str) -> None:
    """One frame; one of another form is dropped."""
    try:
        frame = msgspec.json.decode(text, type=list[object])
    except msgspec.DecodeError:
        return
    match frame:
        case ["stdin", str(keys)]:
            await terminal.write(keys.encode(errors="replace"))
        case ["resize", {"width": int(columns), "height": int(rows)}]:
            terminal.resize(columns, rows)
        case ["ping", str(word)]:
            with suppress(ConnectionError):
                await socket.send_json(["pong", word[:_PING]])


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else default
