"""The client's messages: lines of standard input, none longer than a limit, and no wait for the next one."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from modelcar_tui.mcp.lanes import in_thread

MOST_LINE = 4 * 1024 * 1024
"""Bytes of one message."""
_PIECE = 65536
TOO_LONG = '{"jsonrpc":"2.0","too":"long"}\n'
"""Stands for a message that is not read: no message of the protocol."""


class Lines:
    """Lines of a descriptor, as `mcp.server.stdio` iterates over them."""

    def __init__(
        self, handle: int, most: int = MOST_LINE, *, at_end: Callable[[], object] = lambda: None
    ) -> None:
        """
        Args:
            handle: Of a pipe, a file or a socket.
            most: Bytes of a line; of a longer one nothing is kept.
            at_end: Called when there is no more.
        """
        self._handle = handle
        self._most = most
        self._at_end = at_end
        self._rest = bytearray()
        self._ended = False

    def __aiter__(self) -> Lines:
        return self

    async def __anext__(self) -> str:
        line = await in_thread(self._line)
        if not line:
            self._at_end()
            raise StopAsyncIteration
        return line

    def _line(self) -> str:
        """The next line with its end; empty at the end."""
        dropped, searched = False, 0
        while (end := self._rest.find(b"\n", searched)) < 0:
            if len(self._rest) > self._most:
                self._rest.clear()
                dropped = True
            searched = len(self._rest)
            piece = b"" if self._ended else self._piece()
            if not piece:
                self._ended = True
                last = bytes(self._rest)
                self._rest.clear()
                return last.decode(errors="replace") if last.strip() and not dropped else ""
            self._rest += piece
        line = bytes(self._rest[: end + 1])
        del self._rest[: end + 1]
        return TOO_LONG if dropped or len(line) > self._most else line.decode(errors="replace")

    def _piece(self) -> bytes:
        """What has come; nothing at the end, be it that of a terminal that went away."""
        with suppress(OSError):
            return os.read(self._handle, _PIECE)
        return b""


def take_input(at_end: Callable[[], object]) -> Lines:
    """Standard input as `Lines`; whatever else reads it in this process, or a child of it, finds nothing."""
    private = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return Lines(private, at_end=at_end)
