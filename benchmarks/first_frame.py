"""First frame of the dashboard against a bare Textual app, over a real pty, interleaved in one run.

    python benchmarks/first_frame.py [ROUNDS]

Two measures, each from the start of the process to the first frame with a specialist's title: seconds by
the clock, and seconds of CPU (user and system), which hardly depend on what else the machine does. Prints
medians with their quartiles, and the ratios of the medians. Ends with 1 where the dashboard takes more than
1.15 times the CPU of the bare app.
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
MARK = b"Configuration"
COLUMNS, ROWS = 120, 40
LIMIT = 1.15
LONGEST_S = 60.0


class Cost(NamedTuple):
    """Seconds to the first frame."""

    clock: float
    cpu: float


def first_frame(argv: Sequence[str]) -> Cost:
    """What it costs until the first frame is read; no emulator stands between, which would take as long.

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
        while MARK not in sent:
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


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    compileall.compile_dir(
        ROOT / "src", quiet=2
    )  # as an installed package is; Textual's own bytecode is there too
    costs: dict[str, list[Cost]] = {"bare Textual app": [], "modelcar-tui": []}
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        sample = ROOT / "config-yaml" / "sample_modelcar_config.base.yaml"
        ours = [str(Path(sys.executable).parent / "modelcar-tui"), str(sample), "--gpu", "L40S:4"]
        commands = {
            "bare Textual app": [sys.executable, str(bare)],
            "modelcar-tui": [*ours, "--state-dir", folder],
        }
        for _ in range(rounds):
            for name, argv in commands.items():
                costs[name].append(first_frame(argv))
    for name, each in costs.items():
        print(f"{name:18} CPU {told([cost.cpu for cost in each])}  clock {told([c.clock for c in each])}")
    middle = {
        name: Cost(statistics.median(c.clock for c in each), statistics.median(c.cpu for c in each))
        for name, each in costs.items()
    }
    bare_cost, our_cost = middle["bare Textual app"], middle["modelcar-tui"]
    ratio = our_cost.cpu / bare_cost.cpu
    print(f"ratio of medians   CPU {ratio:.2f} (limit {LIMIT})  clock {our_cost.clock / bare_cost.clock:.2f}")
    print(f"load               {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
