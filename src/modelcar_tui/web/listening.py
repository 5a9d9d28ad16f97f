"""The one address that is listened at: this machine's own."""

from __future__ import annotations

import errno
import socket

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.web.crowd import UNTAKEN_S

ADDRESS = "127.0.0.1"
PORT = 8765
"""Taken where nobody names another, and where it is free."""


def listen(port: int | None) -> socket.socket:
    """A socket that listens on loopback.

    Args:
        port: 0 for any that is free; None for `PORT`, or any where that is taken.

    Raises:
        UserError: the port can't be had.
    """
    for number in (PORT, 0) if port is None else (port,):
        try:
            return _bound(number)
        except OSError as error:
            if port is None and number:
                continue
            taken = error.errno == errno.EADDRINUSE
            what = "another program listens there" if taken else f"can't be listened at: {error.strerror}"
            fix = "give another --web-port, or 0 for one that is free"
            raise UserError(Problem(where=f"{ADDRESS}:{number}", what=what, fix=fix)) from error
    raise AssertionError("0 is always tried last")


def _bound(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Sockets that are accepted have it, too.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNTAKEN_S * 1000))
        made.bind((ADDRESS, port))
        made.listen(64)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made
