"""Seconds that lists of earlier runs take, by how many there are, and pruning beside a run.

    python benchmarks/many_runs.py [--runs 5000] [--journal JOURNAL]

The runs are copies of a recorded one, in a folder of its own that goes at the end. Prints `agent runs` (the
newest 50) and `agent runs --all` as processes, the lazy list of the API, `last`, and a look at what pruning
would remove.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from modelcar_tui.api import earlier_runs
from modelcar_tui.core import resources
from modelcar_tui.supervisor import Settings, find_run, limits_of, prune, would_remove

DAY_S = 86_400


def main() -> None:
    """Make the runs, and time each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--journal", type=Path, default=resources.demo_logs() / "qa-failed.jsonl")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        data = args.journal.read_bytes()
        print(f"{args.runs:,} runs, {len(data) / 1024:.0f} KiB of journal each")
        make(state / "runs", args.runs, data)
        settings = Settings(manifest="", state_dir=str(state))
        command = [sys.executable, "-m", "modelcar_tui.agent", "runs", "--state-dir", str(state)]
        timed("agent runs", lambda: quiet(command))
        timed("agent runs --all", lambda: quiet([*command, "--all"]))
        timed("the newest 50 of the API", lambda: list(itertools.islice(earlier_runs(state_dir=state), 50)))
        timed("all of the API", lambda: list(earlier_runs(state_dir=state)))
        timed("last", lambda: find_run("last", settings))
        timed("what pruning would remove", lambda: prune(state / "runs", limits_of(), remove=would_remove))


def make(runs: Path, count: int, journal: bytes) -> None:
    """So many folders, one an hour."""
    now = time.time()
    for number in range(count):
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now - number * 3600))
        run = runs / f"{stamp}-{number:06x}"
        (run / "info").mkdir(parents=True)
        (run / "journal.jsonl").write_bytes(journal)
        (run / "settings.json").write_text('{"manifest": "m.yaml"}')
        (run / "lock").touch()


def quiet(command: list[str]) -> None:
    """Run a command to its end."""
    subprocess.run(command, check=True, capture_output=True)


def timed(what: str, work: Callable[[], object]) -> None:
    """Print what it took."""
    began = time.perf_counter()
    work()
    print(f"{time.perf_counter() - began:7.2f} s  {what}")


if __name__ == "__main__":
    main()
