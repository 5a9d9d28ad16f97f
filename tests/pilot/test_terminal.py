"""The dashboard in a real terminal: silence, signals, a terminal that goes away, a crash."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

APP = Path(__file__).with_name("terminal_app.py")


class Terminal:
    """The master's side of a pty with the app at the other."""

    def __init__(self, mode: str, log: Path, size: tuple[int, int], *, ignore_hup: bool = False) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

        environment = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        self.process = subprocess.Popen(
            [sys.executable, str(APP), mode, str(log), *(["nohup"] if ignore_hup else [])],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
            cwd=log.parent,
        )
        os.close(slave)
        self.seen = b""

    def read(self, seconds: float) -> bytes:
        """What comes within that time."""
        got = b""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                try:
                    chunk = os.read(self.master, 65536)
                except OSError:
                    break
                if not chunk:
                    break
                got += chunk
        self.seen += got
        return got

    def until(self, done: Callable[[], object], what: str, timeout: float = 30) -> None:
        """Read until the predicate holds."""
        end = time.monotonic() + timeout
        while not done():
            assert time.monotonic() < end, f"waited in vain: {what}\n{self.seen[-2000:]!r}"
            self.read(0.05)

    def quiet(self) -> None:
        """Read until nothing more comes."""
        while self.read(0.6):
            pass

    def hang_up(self) -> None:
        """The terminal goes away."""
        os.close(self.master)
        self.master = -1


@contextmanager
def terminal(
    mode: str, folder: Path, size: tuple[int, int] = (80, 24), *, ignore_hup: bool = False
) -> Iterator[Terminal]:
    there = Terminal(mode, folder / "qa.log", size, ignore_hup=ignore_hup)
    try:
        there.until(lambda: b"NO-GO" in there.seen, "the first verdict")
        yield there
    finally:
        with suppress(ProcessLookupError):
            there.process.kill()
        there.process.wait()
        if there.master >= 0:
            os.close(there.master)


def test_an_idle_screen_sends_nothing_and_a_key_little(tmp_path: Path) -> None:
    with terminal("idle", tmp_path) as there:
        there.quiet()
        assert there.read(2.0) == b""
        os.write(there.master, b"1")
        there.quiet()
        os.write(there.master, b"2")
        there.until(lambda: b"qa-operator" in there.seen, "the second pane")
        there.quiet()
        before = len(there.seen)
        os.write(there.master, b"j")
        there.quiet()
        assert len(there.seen) - before <= 2048


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_leaves_the_terminal_as_it_was(number: signal.Signals, status: int, tmp_path: Path) -> None:
    with terminal("idle", tmp_path) as there:
        there.process.send_signal(number)
        there.until(lambda: there.process.poll() is not None, "the end")
        there.read(0.2)
        assert there.process.returncode == status
        for sequence in (b"\x1b[?1049l", b"\x1b[?25h"):
            assert sequence in there.seen
        assert b"Traceback" not in there.seen


@pytest.mark.parametrize("ignore_hup", [False, True], ids=["hangup", "hangup ignored as with nohup"])
def test_a_terminal_that_goes_away_ends_the_app(ignore_hup: bool, tmp_path: Path) -> None:
    with terminal("idle", tmp_path, ignore_hup=ignore_hup) as there:
        there.quiet()
        there.hang_up()
        assert there.process.wait(timeout=15) == 129


def test_no_log_line_writes_to_the_terminal_past_the_screen(tmp_path: Path) -> None:
    with terminal("evil", tmp_path) as there:
        there.until(lambda: b"evil" in there.seen, "the log")
        os.write(there.master, b"l")
        there.quiet()
        assert b"\x1b]52" not in there.seen
        assert "\x9b".encode() not in there.seen
        assert there.seen.count(b"\x1b[2J") <= 1


def test_a_flooded_log_stays_within_ten_kilobytes_a_second(tmp_path: Path) -> None:
    with terminal("flood", tmp_path) as there:
        there.until(lambda: b"follow" in there.seen, "the log")
        there.read(1.0)
        begin = time.monotonic()
        got = there.read(4.0)
        rate = len(got) / (time.monotonic() - begin)
        assert 100 < rate <= 10_240, f"{rate:.0f} B/s"


def test_a_fault_of_ours_shows_no_values_and_keeps_a_private_report(tmp_path: Path) -> None:
    with terminal("crash", tmp_path) as there:
        there.quiet()
        os.write(there.master, b"g")
        there.until(lambda: there.process.poll() is not None, "the end")
        there.read(0.2)
        assert there.process.returncode == 7
        assert b"a fault of ours (RuntimeError)" in there.seen
        assert b"hunter2" not in there.seen
        path = Path(re.findall(rb"details in (\S+)", there.seen)[-1].decode())
        try:
            text = path.read_text()
            assert "RuntimeError" in text
            assert "in crash" in text
            assert "hunter2-secret" not in text.replace('password = "hunter2-secret"', "")
            assert path.stat().st_mode & 0o777 == 0o600
        finally:
            path.unlink()
