"""Bytes that the program sends over a pty: at the start, for each screen, while a log grows."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, cast

from terminal import Terminal

HERE = Path(__file__).resolve().parent
ESC = "\x1b"
STILL_S = 0.8
"""Seconds without a byte after which the screen stands."""


class Silent:
    """Instead of the emulator: one in Python would take the CPU that the program needs."""

    def feed(self, data: bytes) -> None:
        """Nothing."""


class Wire(Terminal):
    """Counts bytes."""

    def until(self, word: bytes, start: int = 0, limit_s: float = 60.0) -> None:
        """Read until `word` is among the bytes from `start`."""
        deadline = time.monotonic() + limit_s
        while word not in self.sent[start:]:
            if time.monotonic() > deadline or not self._read(0.5):
                raise AssertionError(f"never saw {word!r}: {bytes(self.sent[-500:])!r}")

    def still(self) -> int:
        """Bytes until the screen stands."""
        start = len(self.sent)
        while self.quiet(STILL_S):
            pass
        return len(self.sent) - start

    def press(self, key: str) -> int:
        """Bytes that a key causes, from itself until the screen stands."""
        start = len(self.sent)
        self.keys(key)
        deadline = time.monotonic() + 10
        while len(self.sent) == start and time.monotonic() < deadline:
            self.quiet(0.05)
        self.still()
        return len(self.sent) - start


def demo(folder: Path, columns: int, rows: int) -> Wire:
    """The demo on a terminal of that size, as an operator starts it."""
    argv = [sys.executable, "-m", "modelcar_tui.cli", "--demo", "--state-dir", str(folder / "state")]
    return Wire(argv, columns=columns, rows=rows)


def replay(folder: Path, columns: int, rows: int) -> Wire:
    """A recording on a terminal of that size."""
    argv = [sys.executable, "-m", "modelcar_tui.cli", "--replay", "demo:approved"]
    return Wire([*argv, "--state-dir", str(folder / "state")], columns=columns, rows=rows)


def started(wire: Wire) -> int:
    """Bytes from the start until the dashboard waits for the operator."""
    wire.wait_for(lambda text: "review" in text and "NO-GO" in text, 60)
    wire.still()
    return len(wire.sent)


def log_app(folder: Path, columns: int, rows: int) -> Wire:
    """The log screen over a log that whoever measures appends to: `qa.log` in the folder."""
    argv = [sys.executable, str(HERE / "painted_app.py"), "qa", str(folder / "qa.log"), str(folder / "whole")]
    wire = Wire(argv, columns=columns, rows=rows)
    wire.wait_for(lambda text: "NO-GO" in text)
    wire.press("l")
    return wire


def of_one_line(wire: Wire, log: Path, at: int) -> int:
    """Bytes for a line of 100 signs that a followed log grows by."""
    start = len(wire.sent)
    word = f"line-{at:06d}"
    with log.open("a", encoding="utf-8") as file:
        file.write(
            f"[QA] 2026-11-23 22:41:55 INFO {word} ".ljust(100, "abcdefghijklmnopqrstuvwxyz"[at % 26]) + "\n"
        )
    wire.wait_for(word)
    wire.still()
    return len(wire.sent) - start


def flooded(wire: Wire, log: Path, per_second: int, seconds: float) -> float:
    """Bytes a second while the log grows by so many lines a second."""
    cast("Any", wire)._stream = Silent()
    began, start, count = time.monotonic(), len(wire.sent), 0
    with log.open("a", encoding="utf-8") as file:
        while (now := time.monotonic() - began) < seconds:
            due = int(now * per_second)
            file.writelines(
                f"[QA] line {at} of a flood, as long as lines of a log are, {at * 7919 % 10007}\n"
                for at in range(count, due)
            )
            file.flush()
            count = due
            wire.quiet(0.1)
    return (len(wire.sent) - start) / (time.monotonic() - began)
