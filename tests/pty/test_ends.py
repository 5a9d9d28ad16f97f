"""However a dashboard ends, the terminal is given back and the status is the documented one."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from terminal import Terminal

BIN = Path(sys.executable).parent
ONE = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://127.0.0.1:9/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args: [--max-model-len=2048, --distributed-executor-backend=mp]
"""


def command(tmp_path: Path, text: str = ONE) -> list[str]:
    path = tmp_path / "m.base.yaml"
    path.write_text(text)
    return [str(BIN / "modelcar-tui"), str(path), "--gpu", "L40S:4", "--state-dir", str(tmp_path / "state")]


def restored(terminal: Terminal) -> bool:
    return terminal.sent.rfind(b"\x1b[?1049l") > terminal.sent.rfind(b"\x1b[?1049h") >= 0


def test_bad_manifest_leaves_its_line_on_the_plain_terminal(tmp_path: Path) -> None:
    with Terminal(command(tmp_path, "model-car: 5\n"), columns=100) as terminal:
        assert terminal.wait_end() == 2
    assert restored(terminal)
    assert "m.base.yaml:1:12: " in terminal.text
    assert "Traceback" not in terminal.text


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_give_the_terminal_back_and_keep_the_run(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    with Terminal(command(tmp_path), columns=120, rows=40) as terminal:
        terminal.wait_for("d: review")
        terminal.kill(number)
        assert terminal.wait_end() == status
        assert restored(terminal)
    (run,) = (tmp_path / "state" / "runs").iterdir()
    again = [str(BIN / "modelcar-tui"), "--resume", run.name, "--state-dir", str(tmp_path / "state")]
    with Terminal(again, columns=120, rows=40) as terminal:
        terminal.wait_for("d: review")


def said_before(terminal: Terminal, line: bytes) -> bool:
    """Whether a line stands on the plain terminal, before the screen took it."""
    return line in terminal.sent.partition(b"\x1b[?1049h")[0]


def test_what_the_dashboard_cannot_hear_or_does_not_know_is_said_before_the_screen(tmp_path: Path) -> None:
    with Terminal([*command(tmp_path), "--gpu", "Zorp-9000:2"], columns=120, rows=40) as terminal:
        terminal.wait_for("d: review")
        terminal.kill(signal.SIGTERM)
        assert terminal.wait_end() == 143
    assert said_before(
        terminal, b"note: --gpu Zorp-9000: Zorp-9000 is not in our table of cards: its memory is unknown"
    )
    state = ["--state-dir", str(tmp_path / "state")]
    again = [str(BIN / "modelcar-tui"), "--resume", "last", "--ascii", "--patch", "--no-llm", *state]
    with Terminal(again, columns=120, rows=40) as terminal:
        terminal.wait_for("d: review")
    assert said_before(terminal, b"note: --patch is not heard: a resumed run goes on with its own options")


def test_terminal_that_cannot_be_painted_gets_plain_lines(tmp_path: Path) -> None:
    with Terminal(command(tmp_path), env={"TERM": "dumb"}) as terminal:
        assert terminal.wait_end() == 0
    assert b"\x1b[?1049h" not in terminal.sent
    assert b"going on without a screen" in terminal.sent


def test_idle_screen_sends_nothing(tmp_path: Path) -> None:
    with Terminal(command(tmp_path), columns=80, rows=24) as terminal:
        terminal.wait_for("d: review")
        terminal.quiet(3.0)
        assert terminal.quiet(2.0) == 0


AHEAD = """
import sys, time
class Held:
    def find_spec(self, name, path=None, target=None):
        if name == "textual":
            {what}
sys.meta_path.insert(0, Held())
from modelcar_tui.cli import main
sys.exit(main())
"""
"""Textual's import as it may go."""


def before_textual(tmp_path: Path, what: str) -> list[str]:
    return [sys.executable, "-c", AHEAD.format(what=what), *command(tmp_path)[1:]]


def test_a_terminal_painted_before_textual_is_given_back_where_textual_does_not_come(tmp_path: Path) -> None:
    with Terminal(before_textual(tmp_path, 'raise ImportError("no such thing")'), columns=100) as terminal:
        assert terminal.wait_end() == 7
    assert b"m.base.yaml\r" in terminal.sent and restored(terminal)
    assert b"a fault of ours (ImportError" in terminal.sent.rpartition(b"\x1b[?1049l")[2]


def test_a_signal_before_textual_has_the_terminal_gives_it_back(tmp_path: Path) -> None:
    with Terminal(before_textual(tmp_path, "time.sleep(30)")) as terminal:
        terminal.wait_for("4 QA")
        terminal.kill(signal.SIGTERM)
        assert terminal.wait_end() == 143
    assert restored(terminal)
    assert terminal.sent.rpartition(b"\x1b[?1049l")[2] == b"\x1b[?25h\x1b[?1004l\x1b[0m"
