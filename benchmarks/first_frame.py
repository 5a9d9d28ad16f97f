"""First frame of the dashboard against a bare Textual app, over a real pty, interleaved in one run.

    python benchmarks/first_frame.py [ROUNDS]

Of the bare app its first frame; of ours the first rows (manifest, answer, specialists: painted while Textual
is being loaded) and Textual's own first frame, in colours and with its keys. Two measures of each, from the
start of the process: seconds by the clock, and seconds of CPU (user and system), which hardly depend on what
else the machine does. Prints medians with their quartiles, and the ratios of the medians. Ends with 1 where
the first rows take more than 1.05 times, or the whole frame more than 1.15 times the CPU of the bare app.
"""

from __future__ import annotations

import compileall
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BARE = """
from textual.app import App
from textual.widgets import DataTable, Footer, Static
class Bare(App):
    def compose(self):
        yield Static("Configuration")
        yield DataTable()
        yield Footer()
Bare().run()
"""
MARKS = {"bare Textual app": b"Configuration", "first rows": b"Configuration", "whole frame": b"quit"}
"""What the last byte of interest comes with."""
COLUMNS, ROWS = 120, 40
LIMITS = {"first rows": 1.05, "whole frame": 1.15}
LONGEST_S = 60.0


class Cost(NamedTuple):
    """Seconds to the first frame."""

    clock: float
    cpu: float


def first_frame(argv: Sequence[str], mark: bytes) -> Cost:
    """What it costs until `mark` is read; no emulator stands between, which would take as long.

    Raises:
        TimeoutError: no frame came within a minute.
    """
    began = time.monotonic()
    pid, handle = pty.fork()
    if pid == 0:
        try:
            os.execve(argv[0], list(argv), {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"})
        finally:
            os._exit(127)
    fcntl.ioctl(handle, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    sent = b""
    try:
        while mark not in sent:
            if not select.select([handle], [], [], LONGEST_S)[0]:
                raise TimeoutError(f"no first frame of {argv[0]}; sent so far: {sent!r}")
            sent += os.read(handle, 65536)
        clock = time.monotonic() - began
    finally:
        os.kill(pid, signal.SIGKILL)
        used = os.wait4(pid, 0)[2]
        os.close(handle)
    return Cost(clock, used.ru_utime + used.ru_stime)


def told(values: Sequence[float]) -> str:
    """`0.171 s (0.166 to 0.178)`: the median and the quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.3f} s ({low:.3f} to {high:.3f})"


def middle(costs: Sequence[Cost]) -> Cost:
    """The medians."""
    return Cost(statistics.median(one.clock for one in costs), statistics.median(one.cpu for one in costs))


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    compileall.compile_dir(
        ROOT / "src", quiet=2
    )  # as an installed package is; Textual's own bytecode is there too
    costs: dict[str, list[Cost]] = {name: [] for name in MARKS}
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        sample = ROOT / "config-yaml" / "sample_modelcar_config.base.yaml"
        ours = [str(Path(sys.executable).parent / "modelcar-tui"), str(sample), "--gpu", "L40S:4"]
        for _ in range(rounds):
            for name, mark in MARKS.items():
                argv = [*ours, "--state-dir", folder] if name in LIMITS else [sys.executable, str(bare)]
                costs[name].append(first_frame(argv, mark))
    for name, each in costs.items():
        print(f"{name:18} CPU {told([cost.cpu for cost in each])}  clock {told([c.clock for c in each])}")
    bare_cost = middle(costs["bare Textual app"])
    good = True
    for name, limit in LIMITS.items():
        ours_cost = middle(costs[name])
        cpu, clock = ours_cost.cpu / bare_cost.cpu, ours_cost.clock / bare_cost.clock
        print(f"{name:18} CPU {cpu:.2f} of bare Textual (limit {limit})  clock {clock:.2f}")
        good &= cpu <= limit
    print(f"load               {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
