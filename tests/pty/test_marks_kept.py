"""A dropped line or a killed process costs no decision: what was marked is there after `--resume`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from terminal import Terminal
from test_ends import command

BOX = "[x] remove --distributed-executor-backend=mp"


def test_kill_9_and_resume_keep_the_marks_and_their_undo(tmp_path: Path) -> None:
    with Terminal(command(tmp_path), columns=120, rows=40) as terminal:
        terminal.wait_for("d: review")
        terminal.keys("d")
        terminal.wait_for("0 of 1 accepted")
        while BOX not in terminal.text:  # deaf at first
            terminal.keys("*")
            terminal.quiet(0.3)
        (journal,) = (tmp_path / "state").rglob("journal.jsonl")
        terminal.wait_for(lambda _: "ChangesMarked" in journal.read_text())
        terminal.kill(signal.SIGKILL)
        assert terminal.wait_end(10) == -signal.SIGKILL
    again = [sys.executable, "-m", "modelcar_tui.cli", "--resume", journal.parent.name]
    with Terminal([*again, "--state-dir", str(tmp_path / "state")], columns=120, rows=40) as terminal:
        terminal.wait_for("not written: review")
        terminal.keys("d")
        terminal.wait_for(lambda text: "1 of 1 accepted" in text and BOX in text)
        while BOX in terminal.text:
            terminal.keys("U")
            terminal.quiet(0.3)
        terminal.wait_for("0 of 1 accepted, 1 undecided")
