"""The log on the screen, over a real pty: bytes on the wire, key to screen, memory, while the suite floods.

    python benchmarks/qa_screen.py [SECONDS]

One process, as in a run: the dashboard on its loop, and in a thread of its own the engine's log path (decode,
clean, redact, parse, spool). 80x24; 1,000 lines a second for the bytes (limit 10 KB/s), 10,000 for the keys
(`f` in the log screen, until the word that it changes is on the wire; p99 limit 100 ms) and the memory.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "pty"), str(ROOT / "tests")]

KEYS = 200
LIMIT_S = 0.1
LIMIT_BYTES = 10_240


def flood(log: Path, per_second: int) -> None:
    """Lines through the real pipeline, until the process ends."""
    from modelcar_tui.core.resources import demo_logs
    from modelcar_tui.core.secrets import Redactor
    from modelcar_tui.qa.log.lines import K8sFile
    from modelcar_tui.qa.log.pipeline import Pipeline

    stamp = b"2026-11-23T22:41:55.812861762+00:00 stdout F "
    raw = (demo_logs() / "success.log").read_bytes().splitlines()
    pipeline, decoder = Pipeline(log, Redactor(), lambda _: None), K8sFile()
    count, began = 0, time.monotonic()
    while True:
        due = int((time.monotonic() - began) * per_second)
        while count < due:
            data = b"".join(
                stamp + b"%d " % at + raw[at % len(raw)] + b"\n" for at in range(count, min(count + 100, due))
            )
            for line in decoder.feed(data):
                pipeline.take(line)
                count += 1
        pipeline.flush(force=False)
        time.sleep(0.02)


def app(log: str, per_second: str) -> None:
    """The dashboard over a run in QA; this program with arguments."""
    from modelcar_tui.commands.dashboard import SWITCH_S
    from modelcar_tui.tui.run import run_dashboard

    sys.setswitchinterval(SWITCH_S)
    s: Any = importlib.import_module("pilot.support")
    path = Path(log)
    threading.Thread(target=flood, args=(path, int(per_second)), daemon=True).start()
    while not path.exists():
        time.sleep(0.05)
    run_dashboard(s.FakeEngine(s.in_qa(log, 1)), mouse=False)


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


def main(seconds: float) -> int:
    from terminal import Terminal

    class Deaf:
        """Instead of the emulator."""

        def feed(self, data: bytes) -> None:
            """Nothing."""

    class Wire(Terminal):
        """Keeps the bytes and emulates nothing: an emulator in Python would take the CPU that is measured."""

        def until(self, word: bytes, start: int, limit_s: float = 30.0) -> float:
            """Seconds until `word` is among the bytes from `start`."""
            began = time.monotonic()
            while word not in self.sent[start:]:
                if time.monotonic() - began > limit_s or not self._read(0.5):
                    raise AssertionError(f"never saw {word!r}: {bytes(self.sent[-500:])!r}")
            return time.monotonic() - began

    def start(folder: str, per_second: int) -> Wire:
        wire = Wire([sys.executable, __file__, "--app", f"{folder}/{per_second}.log", str(per_second)])
        cast("Any", wire)._stream = Deaf()
        wire.until(b"follow", 0)
        wire.keys("l")
        wire.until(b"QA log", 0)
        wire.quiet(2.0)
        return wire

    met = True
    with tempfile.TemporaryDirectory() as folder:
        wire = start(folder, 1_000)
        with wire:
            began = time.monotonic()
            rate = wire.quiet(seconds) / (time.monotonic() - began)
        met &= rate <= LIMIT_BYTES
        print(f"1,000 lines/s, 80x24: {rate:,.0f} B/s on the wire (limit {LIMIT_BYTES:,})")
        wire = start(folder, 10_000)
        with wire:
            times, first = [], memory_mib(wire.pid)
            for at in range(KEYS):
                place = len(wire.sent)
                wire.keys("f")
                times.append(wire.until(b"follow" if at % 2 else b"reading", place))
                wire.quiet(0.05 + at % 7 * 0.03)
            times.sort()
            index = Path(folder) / "10000.log.idx"
            while index.stat().st_size < 16 * 1_000_000 and seconds >= 60:
                wire.quiet(1.0)
            lines, last = index.stat().st_size // 16, memory_mib(wire.pid)
        p99 = times[int(len(times) * 0.99) - 1]
        met &= p99 < LIMIT_S
        middle = times[len(times) // 2]
        print(
            f"10,000 lines/s: key to screen median {middle * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, "
            f"max {times[-1] * 1000:.0f} ms of {KEYS} (limit {LIMIT_S * 1000:.0f})"
        )
        print(f"memory of the process: {first:.0f} MiB, after {lines:,} lines {last:.0f} MiB")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    return 0 if met else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--app"]:
        app(*sys.argv[2:4])
    else:
        sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0))
