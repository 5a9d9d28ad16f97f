"""The demo driven by keys through a real tmux, as an operator would: run, review, approve, QA."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
SAMPLES = Path(__file__).resolve().parents[2] / "config-yaml"

pytestmark = [pytest.mark.real, pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")]


class Tmux:
    """One window of a tmux server of our own."""

    def __init__(self, columns: int, rows: int, command: str) -> None:
        self._name = f"mct-{uuid.uuid4().hex[:8]}"
        # The shell shows the status once the dashboard is gone.
        shell = f"{command}; echo status=$?; exec cat"
        self._call("-f", "/dev/null", "-u", "new-session", "-d", "-x", str(columns), "-y", str(rows), shell)

    def _call(self, *words: str) -> str:
        env = {**os.environ, "LANG": "C.UTF-8"}
        command = ["tmux", "-L", self._name, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout

    def screen(self) -> str:
        return self._call("capture-pane", "-p")

    def keys(self, *keys: str) -> None:
        for key in keys:
            self._call("send-keys", key)

    def wait_for(self, what: str | Callable[[str], bool], seconds: float = 60) -> str:
        shows = what if callable(what) else lambda text: what in text
        deadline = time.monotonic() + seconds
        while not shows(text := self.screen()):
            assert time.monotonic() < deadline, f"never saw {what!r}; the screen:\n{text}"
            time.sleep(0.05)
        return text

    def close(self) -> None:
        self._call("kill-server")


@pytest.fixture(params=[(80, 24), (120, 40)], ids=["80x24", "120x40"])
def demo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tmux]:
    columns, rows = request.param
    command = f"MODELCAR_TUI_QA_SPEED=0 {BIN}/modelcar-tui --demo --state-dir {tmp_path}/state"
    window = Tmux(columns, rows, command)
    yield window
    window.close()


def test_review_approve_and_qa_by_keys(demo: Tmux, tmp_path: Path) -> None:
    samples = {path.name: path.read_bytes() for path in SAMPLES.iterdir()}
    assert "DEMO" in demo.wait_for("Configuration")
    demo.wait_for("review")
    demo.keys("d")
    screen = demo.wait_for("[ ]")
    assert "DEMO" in screen
    assert not list(tmp_path.rglob("*.generated.yaml"))
    time.sleep(0.6)  # the screen is deaf for half a second, so that a stray key approves nothing
    demo.keys("Enter")
    demo.keys("a")
    demo.wait_for("[x]")
    demo.keys("W")
    demo.wait_for("sample_modelcar_config.generated.yaml")
    assert not list(tmp_path.rglob("*.generated.yaml")), "the first W only asks"


def test_quit_restores_the_terminal(demo: Tmux) -> None:
    demo.wait_for("review")
    demo.keys("q")
    demo.wait_for(lambda text: "status=" in text or "detach" in text.lower() or "quit" in text.lower())
