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
        env = {**os.environ, "LC_ALL": "C.UTF-8"}
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

    def press_until(self, keys: tuple[str, ...], shows: Callable[[str], bool]) -> None:
        """Type `keys`, again where a screen was still deaf to them, until it shows."""
        for _ in range(10):
            self.keys(*keys)
            deadline = time.monotonic() + 2
            while time.monotonic() < deadline:
                if shows(self.screen()):
                    return
                time.sleep(0.05)
        raise AssertionError(f"{keys} did nothing; the screen:\n{self.screen()}")

    def close(self) -> None:
        self._call("kill-server")


@pytest.fixture(params=[(60, 20), (80, 24), (120, 40), (200, 60)], ids=lambda size: "x".join(map(str, size)))
def demo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tmux]:
    columns, rows = request.param
    command = f"MODELCAR_TUI_QA_SPEED=0 {BIN}/modelcar-tui --demo --state-dir {tmp_path}/state"
    window = Tmux(columns, rows, command)
    yield window
    window.close()


def test_review_approve_and_qa_by_keys(demo: Tmux, tmp_path: Path) -> None:
    samples = {path.name: path.read_bytes() for path in SAMPLES.iterdir()}
    demo.wait_for(lambda text: "DEMO" in text and "Configuration" in text)
    demo.wait_for("d: review")
    demo.keys("d")
    assert "DEMO" in demo.wait_for("[ ]")
    demo.keys("Enter")
    assert "[x]" not in demo.screen()
    demo.press_until(("*",), lambda text: "[x]" in text)
    demo.press_until(("W",), lambda text: "type write" in text)
    assert "DEMO" in demo.screen()
    assert not list(tmp_path.rglob("*.generated.yaml")), "W only asks"
    # Deaf at first: keys that come too early are lost, and a wrong letter starts the word again.
    demo.press_until(("w", "r", "i", "t", "e"), lambda text: "type write" not in text)
    shown = demo.wait_for("skip it")
    assert "cluster-admin" in shown
    if "start QA" not in shown:
        assert "read on" in shown, "a short screen can't agree to what it has not shown"
        demo.press_until(("X",), lambda text: "start QA" in text)
    demo.press_until(("X",), lambda text: "skip it" not in text)
    demo.wait_for("QA_OK: 5 passed")
    demo.wait_for("q quits")
    (generated,) = tmp_path.rglob("*.generated.yaml")
    assert "--tensor-parallel-size=2" in generated.read_text()
    base = generated.with_name(generated.name.replace("generated", "base"))
    assert base.read_bytes() == samples[base.name]
    assert {path.name: path.read_bytes() for path in SAMPLES.iterdir()} == samples
    demo.press_until(("q",), lambda text: "status=" in text)  # the summary is deaf at first
    demo.wait_for("status=0")


def test_quit_of_a_waiting_run_names_the_way_back(demo: Tmux) -> None:
    demo.wait_for("d: review")
    demo.keys("q")
    demo.wait_for("stop the run")
    demo.press_until(("S",), lambda text: "status=" in text)
    assert "--resume" in demo.wait_for("status=130")


def test_editor_changes_one_value(tmp_path: Path) -> None:
    command = f"EDITOR='sed -i s/=131072/=65536/' {BIN}/modelcar-tui --demo --state-dir {tmp_path}/state"
    window = Tmux(120, 40, command)
    try:
        window.wait_for("d: review")
        window.keys("d")
        window.wait_for("that change no verdict")
        window.press_until(("j",), lambda text: "Enter unfolds" in text)
        window.press_until(("Enter",), lambda text: "[ ] add --max-model-len=131072" in text)
        window.press_until(("j",), lambda text: "add, improvement" in text)
        window.press_until(("V",), lambda text: "[e] add --max-model-len=65536" in text)
        assert not list(tmp_path.rglob("*.generated.yaml"))
    finally:
        window.close()
