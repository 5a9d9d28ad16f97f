"""The watchdog without a terminal: what it ends with, and what it leaves alone."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from modelcar_tui.commands.guard import Told, guarded
from modelcar_tui.core.ends import ENDS, Ended, Ends
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.loops import run_once


@pytest.mark.parametrize("status", [ExitStatus.GO, ExitStatus.NO_GO, ExitStatus.TERMINATED])
def test_the_end_by_force_has_the_status_that_was_earned(status: ExitStatus) -> None:
    left: list[int] = []
    ends = Ends(left.append)
    ends._status = status
    ends._end()
    assert left == [status]


def test_what_is_not_over_in_time_ends_with_its_line(capfd: pytest.CaptureFixture[str]) -> None:
    left: list[int] = []
    ends = Ends(left.append)
    with ends.at_latest(ExitStatus.TIMED_OUT, -1.0, "it was stopped after its limit"):
        ends._act()
    assert left == [ExitStatus.TIMED_OUT]
    assert capfd.readouterr().err == "it was stopped after its limit\n"
    ends._act()
    assert left == [ExitStatus.TIMED_OUT], "after the block nothing is due any more"


def test_a_loop_ends_though_a_thread_of_it_does_not() -> None:
    wait = threading.Event()

    async def answer() -> int:
        asyncio.get_running_loop().run_in_executor(None, wait.wait, 20.0)
        await asyncio.sleep(0.01)
        return 3

    began = time.monotonic()
    try:
        assert run_once(answer()) == 3
        assert time.monotonic() - began < 5.0
    finally:
        wait.set()


def test_an_exit_within_a_command_is_no_end_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    def leaves() -> int:
        raise SystemExit(0)

    def told() -> int:
        raise Told(2)

    assert guarded(leaves) == ExitStatus.INTERNAL
    assert "a fault of ours (SystemExit in test_core_ends.py" in capsys.readouterr().err
    assert guarded(told) == 2


def test_an_interrupt_is_the_operator_s_where_a_signal_came() -> None:
    assert ENDS.is_operators(KeyboardInterrupt()), "this process has no watchdog"
    ends = Ends()
    ends._pipe = (-1, -1)
    assert not ends.is_operators(KeyboardInterrupt())
    assert ends.is_operators(Ended(ExitStatus.INTERRUPTED))
