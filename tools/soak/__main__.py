"""Eight hours of a run in fast motion: does it keep what it takes?

    python tools/soak [--slice] [--trace] [--refreshes N] [--lines N]

The dashboard, on a terminal that reads, over a real engine: the cluster (a stub whose free GPUs change; every
tenth time with 500 nodes more) is read again by its key, changes are marked and undone, screens opened and
closed, questions asked, the terminal resized; then approved by keys, and QA takes two million lines while all
of that goes on. The same once more without a screen. Ends with 1 where memory grew by more than a tenth after
the first tenth, descriptors or threads grew, a file is above its cap, a key costs more than 0.1 s of CPU, or
an idle screen does anything.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tools"), str(ROOT / "tests" / "pty")]


def main() -> int:
    """Both runs; 1 where one does not hold."""
    from soak.soaking import Amount, dashboard, headless
    from soak.stage import Stage

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slice", action="store_true", help="half a minute of it, as CI does")
    parser.add_argument("--trace", action="store_true", help="name the lines of code whose memory grew; slow")
    parser.add_argument("--refreshes", type=int, help="how often the cluster is read again (1,000)")
    parser.add_argument("--lines", type=int, help="lines of QA's log (2,000,000)")
    args = parser.parse_args()
    amount = Amount(
        refreshes=args.refreshes or (40 if args.slice else 1_000),
        lines=args.lines or (30_000 if args.slice else 2_000_000),
    )
    if args.trace:
        os.environ["MODELCAR_TUI_SOAK_TRACE"] = "1"
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        stage = Stage(Path(folder), amount.lines)
        try:
            wrong = dashboard(stage, amount) + headless(stage, amount)
        finally:
            stage.close()
    for line in wrong:
        print(f"NOT HELD: {line}")
    took, load = time.monotonic() - began, os.getloadavg()[0]
    print(f"{len(wrong)} not held; {took:.0f} s, load average {load:.1f} on {os.cpu_count()} CPUs")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
