"""Bytes on the wire, over a real pty: start, opening and closing of each screen, silence, a log that grows.

    python benchmarks/wire.py [COLUMNSxROWS ...]

`tests/pty/test_wire.py` holds the budgets; here is where one sees what they are spent on.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "pty"))

from sent import ESC, demo, flooded, log_app, of_one_line, started  # noqa: E402

KEYS = {
    "? why": "?",
    "d review": "d",
    "/ filter": "/",
    "g GPUs": "g",
    "m models": "m",
    "l log": "l",
    "o summary": "o",
    "a ask": "a",
    "z zoom": "z",
    "ctrl+p palette": "\x10",
}


def measure(columns: int, rows: int) -> None:
    """Print what a terminal of that size is sent."""
    print(f"{columns}x{rows}, TERM=xterm-256color")
    with tempfile.TemporaryDirectory() as folder, demo(Path(folder), columns, rows) as wire:
        print(f"  start, until the dashboard stands  {started(wire):7,} B")
        print(f"  5 s of a dashboard that stands     {wire.quiet(5.0):7,} B")
        for name, key in KEYS.items():
            opened = wire.press(key)
            print(f"  {name:16} open {opened:7,} B  close {wire.press(ESC):7,} B")
    with tempfile.TemporaryDirectory() as folder, log_app(Path(folder), columns, rows) as wire:
        log = Path(folder) / "qa.log"
        line = statistics.median(of_one_line(wire, log, at) for at in range(6))
        print(f"  a line more in the log             {line:7,.0f} B")
        for rate in (20, 1_000):
            print(f"  log at {rate:5,} lines/s              {flooded(wire, log, rate, 10.0):7,.0f} B/s")


if __name__ == "__main__":
    for size in sys.argv[1:] or ("120x40", "80x24"):
        measure(*map(int, size.split("x")))
