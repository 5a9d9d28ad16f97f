"""The list of runs over a real terminal: what it sends, and the run that follows in the same process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sent import Wire

CLI = (sys.executable, "-m", "modelcar_tui.cli")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One demo that has ended."""
    folder = tmp_path_factory.mktemp("runs") / "state"
    line = [*CLI, "--demo", "--headless", "--no-qa", "--no-llm", "--state-dir", str(folder)]
    done = subprocess.run(line, capture_output=True, stdin=subprocess.DEVNULL, timeout=100, check=False)
    assert done.returncode in (0, 1, 8)
    return folder


def listed(state: Path) -> Wire:
    return Wire([*CLI, "--runs", "--state-dir", str(state)])


def test_the_list_costs_little_and_an_idle_one_nothing(state: Path) -> None:
    with listed(state) as wire:
        wire.wait_for(lambda text: "1 run" in text and "demos" in text, 60)
        wire.still()
        assert 500 < len(wire.sent) <= 8_000
        assert wire.quiet(3.0) == 0
        wire.keys("q")
        assert wire.wait_end() == 0


def test_the_chosen_run_follows_in_the_same_process_with_its_own_status(state: Path) -> None:
    (run,) = (state / "runs").iterdir()
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with listed(state) as wire:
        wire.wait_for(lambda text: "1 run" in text and "show it again" in text, 60)
        wire.still()
        wire.keys("\r")
        wire.wait_for("REPLAY", 60)
        wire.wait_for("exit status 1", 60)
        wire.still()
        wire.keys("q")
        assert wire.wait_end() == 1
        assert "earlier runs" not in wire.text
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["TERM", "HUP"])
def test_a_signal_ends_the_list_with_its_status(state: Path, number: signal.Signals) -> None:
    with listed(state) as wire:
        wire.wait_for("1 run", 60)
        wire.kill(number)
        assert wire.wait_end() == 128 + number


def test_without_a_terminal_it_prints_what_agent_runs_does(state: Path) -> None:
    told = [
        subprocess.run(
            [*line, "--state-dir", str(state)],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=100,
            check=False,
            env={**os.environ, "TZ": "UTC"},
        )
        for line in ([*CLI, "--runs"], [sys.executable, "-m", "modelcar_tui.agent", "runs"])
    ]
    assert told[0].stdout == told[1].stdout and b"demos:" in told[0].stdout
    assert told[0].returncode == told[1].returncode == 0
