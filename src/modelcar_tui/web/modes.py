"""The modes that a program has set on its terminal, so that another window can be put into them."""

from __future__ import annotations

import re

_SWITCH = re.compile(rb"\x1b\[\?([0-9;]{1,40})([hl])")
_KEPT = {7, 25, 1000, 1002, 1003, 1004, 1006, 1015, 1049, 2004}
"""Wrapping, cursor, mouse, focus, the other screen, bracketed paste."""
_LONGEST = 48


class Modes:
    """Private modes (DECSET) as a program's output switches them."""

    def __init__(self) -> None:
        self._on: dict[int, bool] = {}
        self._tail = b""

    def hear(self, data: bytes) -> None:
        """Take note of the program's next bytes; a sequence may be cut between two calls."""
        data = self._tail + data
        for numbers, switch in _SWITCH.findall(data):
            for number in numbers.split(b";"):
                if number and int(number) in _KEPT:
                    self._on[int(number)] = switch == b"h"
        self._tail = data[-_LONGEST:]

    def again(self) -> bytes:
        """What puts a fresh terminal into the same modes, with an empty screen."""
        order = sorted(self._on, key=lambda number: number != 1049)
        return b"".join(b"\x1b[?%d%s" % (number, b"h" if self._on[number] else b"l") for number in order)
