"""The end that was asked for always comes: in time, with its status, the terminal restored."""

from __future__ import annotations

import signal
import sys
import termios
import time
from pathlib import Path

import pytest
from terminal import Terminal
from test_ends import command, restored

STUCK = Path(__file__).with_name("stuck_app.py")
ON, OFF = b"\x1b[?%dh", b"\x1b[?%dl"


def whole(terminal: Terminal, before: list[object]) -> list[str]:
    """What of the terminal is not as it was."""
    sent = bytes(terminal.sent)
    modes = {"screen": 1049, "mouse": 1000, "focus": 1004, "paste": 2004}
    left = [name for name, code in modes.items() if sent.rfind(ON % code) > sent.rfind(OFF % code)]
    left += ["cursor"] if sent.rfind(OFF % 25) > sent.rfind(ON % 25) else []
    left += ["kitty keys"] if sent.rfind(b"\x1b[>") > sent.rfind(b"\x1b[<u") else []
    return left + ["attributes"] * (terminal.attributes() != before)


@pytest.mark.parametrize(
    ("numbers", "status"),
    [
        ((signal.SIGTERM,), 143),
        ((signal.SIGHUP,), 129),
        ((signal.SIGQUIT,), 131),
        ((signal.SIGINT, signal.SIGINT), 130),
        ((signal.SIGTERM, signal.SIGINT), 143),
    ],
    ids=lambda value: "-".join(one.name for one in value) if isinstance(value, tuple) else None,
)
def test_signals_at_the_first_bytes_leave_the_terminal_as_it_was(
    tmp_path: Path, numbers: tuple[signal.Signals, ...], status: int
) -> None:
    with Terminal(command(tmp_path), columns=120, rows=40) as terminal:
        before = terminal.attributes()
        terminal.wait_for(lambda _: b"\x1b[?1049h" in terminal.sent)
        for number in numbers:
            terminal.kill(number)
            time.sleep(0.1)
        assert terminal.wait_end(10) == status
        assert whole(terminal, before) == []


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_terminal_that_nobody_reads_holds_no_end_up_and_is_given_back(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    with Terminal(command(tmp_path), columns=120, rows=40) as terminal:
        before = terminal.attributes()
        terminal.wait_for("d: review")
        terminal.flood("?\x1bg\x1b", 200)
        terminal.kill(number)
        assert terminal.wait_unread(10) == status
        assert whole(terminal, before) == []


def test_keys_on_a_stalled_line_still_quit(tmp_path: Path) -> None:
    with Terminal(command(tmp_path), columns=120, rows=40) as terminal:
        terminal.wait_for("d: review")
        terminal.keys("q")
        terminal.wait_for("stop the run")
        terminal.keys("S")
        assert terminal.wait_unread(10) == 130


@pytest.mark.parametrize(
    ("how", "number", "status", "limit"),
    [("mutex", signal.SIGTERM, 143, 10), ("lock", signal.SIGHUP, 129, 3)],
    ids=["inside C", "a lock, with a limit of one second"],
)
def test_a_main_thread_that_is_stuck_is_ended_within_ten_seconds(
    how: str, number: signal.Signals, status: int, limit: float
) -> None:
    shorter = ["1"] if limit < 10 else []
    with Terminal([sys.executable, str(STUCK), how, *shorter], columns=120, rows=40) as terminal:
        before = terminal.attributes()
        terminal.wait_for("NO-GO")
        terminal.keys("g")
        time.sleep(0.5)
        terminal.kill(number)
        asked = time.monotonic()
        assert terminal.wait_end(15) == status
        assert time.monotonic() - asked < limit
        assert whole(terminal, before) == []


def test_a_second_ctrl_c_ends_a_stuck_main_thread_sooner() -> None:
    with Terminal([sys.executable, str(STUCK), "lock"], columns=120, rows=40) as terminal:
        terminal.wait_for("NO-GO")
        terminal.keys("g")
        time.sleep(0.5)
        terminal.kill(signal.SIGINT)
        time.sleep(0.2)
        terminal.kill(signal.SIGINT)
        assert terminal.wait_end(5) == 130
        assert restored(terminal)


def test_threads_and_an_engine_that_never_come_back_are_not_waited_for() -> None:
    with Terminal([sys.executable, str(STUCK), "threads"], columns=120, rows=40) as terminal:
        before = terminal.attributes()
        terminal.wait_for("NO-GO")
        terminal.keys("g", "q")
        terminal.wait_for("stop the run")
        terminal.keys("S")
        asked = time.monotonic()
        assert terminal.wait_end(10) == 130
        assert time.monotonic() - asked < 4
        assert whole(terminal, before) == []


def test_the_stop_of_qa_is_waited_for_until_a_second_ctrl_c() -> None:
    with Terminal([sys.executable, str(STUCK), "qa"], columns=120, rows=40) as terminal:
        terminal.wait_for("qa-operator")
        terminal.keys("q")
        terminal.wait_for("the QA container is stopped")
        terminal.keys("S")
        terminal.wait_for("stopping what the run has started")
        terminal.quiet(1.0)
        assert terminal.status is None
        terminal.kill(signal.SIGINT)
        terminal.quiet(0.5)
        terminal.kill(signal.SIGINT)
        assert terminal.wait_end(5) == 130
        assert "resume the run to find what is left" in terminal.text


def test_a_shutdown_leaves_qa_running_and_does_not_wait_for_it() -> None:
    with Terminal([sys.executable, str(STUCK), "qa"], columns=120, rows=40) as terminal:
        terminal.wait_for("qa-operator")
        terminal.kill(signal.SIGTERM)
        asked = time.monotonic()
        assert terminal.wait_end(10) == 143
        assert time.monotonic() - asked < 4
        assert b"stopping what" not in terminal.sent


def test_what_the_terminal_was_set_to_before_is_what_it_is_set_to_after(tmp_path: Path) -> None:
    with Terminal(command(tmp_path), columns=120, rows=40) as terminal:
        before = terminal.attributes()
        terminal.wait_for("d: review")
        assert terminal.attributes() != before
        terminal.keys("q", "S")
        assert terminal.wait_end(10) == 130
        assert terminal.attributes() == before
        assert before[3] & termios.ECHO
