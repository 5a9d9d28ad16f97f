"""A manifest on standard input: the keys come from the terminal itself."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from terminal import Terminal

MANIFEST = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://127.0.0.1:9/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments: {gpu_count: 1, args: [--max-model-len=2048]}
"""


def test_the_dashboard_hears_keys_after_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(MANIFEST)
    program = shlex.quote(str(Path(sys.executable).parent / "modelcar-tui"))
    run = f"{program} - --gpu L40S:4 --no-qa --state-dir {tmp_path}/state"
    line = f"cat {path} | {run}; echo ended with $?"
    with Terminal(["sh", "-c", line], columns=100, rows=30) as terminal:
        terminal.wait_for("stdin.yaml")
        terminal.wait_for("Summary")
        terminal.quiet(0.6)  # a key that comes with the summary is not meant for it
        terminal.keys("q")
        terminal.wait_for("ended with")
        assert "see it again: modelcar-tui --replay" in terminal.text
