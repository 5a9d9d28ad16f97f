"""A child process is given so much time and may print so much, whatever it is."""

from __future__ import annotations

import sys
import time

import pytest

from modelcar_tui.core.process import run_bounded

SPEAKS = "import sys; sys.stdout.write('x' * 10); sys.stderr.write('y' * 5); sys.exit(3)"
FLOODS = "import os\nwhile True: os.write({}, b'x' * 65536)"


async def test_what_it_says_and_how_it_ended_come_back() -> None:
    done = await run_bounded([sys.executable, "-c", SPEAKS], timeout_s=20, limit=100)
    assert (done.status, done.stdout, done.stderr) == (3, b"x" * 10, b"y" * 5)
    assert not (done.timed_out or done.overflowed)


@pytest.mark.parametrize("stream", [1, 2])
async def test_one_that_never_stops_printing_is_killed(stream: int) -> None:
    done = await run_bounded([sys.executable, "-c", FLOODS.format(stream)], timeout_s=20, limit=1 << 20)
    assert done.overflowed and done.status == -9 and len(done.stdout) + len(done.stderr) <= 2 << 20


async def test_one_that_hangs_is_killed_with_the_children_that_hold_its_pipes() -> None:
    began = time.monotonic()
    done = await run_bounded(["sh", "-c", "sleep 60 & sleep 60"], timeout_s=0.5, limit=100)
    assert done.timed_out and time.monotonic() - began < 10
