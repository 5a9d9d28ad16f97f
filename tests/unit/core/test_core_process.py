"""A child process is given so much time and may print so much, whatever it is."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from pathlib import Path

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


async def test_one_that_ends_does_not_wait_for_a_child_that_holds_its_pipes(tmp_path: Path) -> None:
    began = time.monotonic()
    script = f"sleep 60 & echo $! > {tmp_path}/child; echo said"
    done = await run_bounded(["sh", "-c", script], timeout_s=20, limit=100, linger_s=0.3)
    assert (done.status, done.stdout, done.timed_out) == (0, b"said\n", False)
    assert time.monotonic() - began < 10
    assert gone(int((tmp_path / "child").read_text()))


async def test_a_child_that_outlives_one_that_ended_is_killed_at_the_limit(tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/child"
    done = await run_bounded(["sh", "-c", script], timeout_s=0.5, limit=100)
    assert done.timed_out
    assert gone(int((tmp_path / "child").read_text()))


async def test_one_that_its_child_left_the_group_of_is_killed_with_it(tmp_path: Path) -> None:
    script = f"setsid sh -c 'echo $$ > {tmp_path}/child; sleep 61' & sleep 60"
    done = await run_bounded(["sh", "-c", script], timeout_s=1.5, limit=100)
    assert done.timed_out
    assert gone(int((tmp_path / "child").read_text()))


@pytest.mark.parametrize(
    ("script", "limit_s"),
    [("sleep 60", 0.3), ("sleep 60 & exit", 20), ("yes", 20), ("sleep 60 & sleep 60", 0.3)],
)
async def test_no_end_writes_anything_on_stderr(script: str, limit_s: float) -> None:
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(str(context)))
    await run_bounded(["sh", "-c", script], timeout_s=limit_s, limit=100, linger_s=0.1)
    await asyncio.sleep(0.1)
    gc.collect()
    assert told == []


def gone(pid: int) -> bool:
    """Whether a process is no more, or only waits for its parent to notice."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False
