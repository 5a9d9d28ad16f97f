"""Which lines are messages of the protocol; what is none is answered, or its sender would wait for ever."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import mcp_types as types
from pydantic import ValidationError

from modelcar_tui.mcp.lines import MOST_LINE, TOO_LONG, Lines

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""May be half a character: what cuts a text by UTF-16 units leaves one, and no UTF-8 can write it."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_REFUSALS = 32
"""That wait for a client to read them; of more it is told nothing."""
Refuse = Callable[[types.JSONRPCError], Awaitable[object]]


async def messages(lines: Lines, refuse: Refuse) -> AsyncIterator[str]:
    """The lines that are messages.

    Args:
        lines: What the client writes.
        refuse: Sends the answer to a line that is none. It is not waited for.
    """
    refusals: set[asyncio.Task[object]] = set()
    async for line in lines:
        text = mended(line)
        if (fault := fault_of(text)) is None:
            yield text
        elif text.strip() and len(refusals) < _MOST_REFUSALS:
            task = asyncio.ensure_future(refuse(fault))
            refusals.add(task)
            task.add_done_callback(refusals.discard)


def mended(text: str) -> str:
    """The line without a byte order mark, and with U+FFFD for each half of a character."""
    text = text.removeprefix("\ufeff")
    if not _HALF.search(text):
        return text
    try:
        told = json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
    return _SURROGATE.sub("\ufffd", told)


def fault_of(text: str) -> types.JSONRPCError | None:
    """The answer to a line that is no message; None where it is one."""
    try:
        told = types.jsonrpc_message_adapter.validate_json(text, by_name=False)
    except ValidationError:
        return _told(text)
    # A question whose id is none would be taken for a notification, which nobody answers.
    asked = isinstance(told, types.JSONRPCNotification) and '"id"' in text and "id" in json.loads(text)
    return _told(text) if asked else None


def _told(text: str) -> types.JSONRPCError:
    if text == TOO_LONG:
        return _error(types.INVALID_REQUEST, f"a message has at most {MOST_LINE // 1024**2} MiB")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return _error(types.PARSE_ERROR, "a line is no JSON, or nested too deeply")
    if isinstance(told, list):
        return _error(types.INVALID_REQUEST, "batches are not taken: one message a line")
    asked = told.get("id") if isinstance(told, dict) and "method" in told else None
    known = isinstance(asked, (str, int)) and not isinstance(asked, bool)
    return _error(types.INVALID_REQUEST, "a line is no message of JSON-RPC 2.0", asked if known else None)


def _error(code: int, what: str, asked: Any = None) -> types.JSONRPCError:
    return types.JSONRPCError(jsonrpc="2.0", id=asked, error=types.ErrorData(code=code, message=what))
