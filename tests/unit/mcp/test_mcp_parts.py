"""Lanes, lines and texts of answers."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.mcp.cleaning import safe
from modelcar_tui.mcp.lanes import Lanes, in_thread
from modelcar_tui.mcp.lines import Lines


async def test_so_many_work_and_more_than_may_wait_are_refused() -> None:
    lanes, go, working = Lanes(2, 1), threading.Event(), threading.Semaphore(0)

    def work() -> int:
        working.release()
        go.wait(20)
        return 7

    tasks = [asyncio.create_task(lanes.run(work)) for _ in range(3)]
    for _ in range(2):
        await asyncio.to_thread(working.acquire)
    with pytest.raises(UserError, match="may be at work or wait: 3"):
        await lanes.run(work)
    assert not working.acquire(blocking=False)
    go.set()
    assert await asyncio.gather(*tasks) == [7, 7, 7]


async def test_a_cancelled_call_keeps_its_lane_until_its_work_ends() -> None:
    lanes, go, begun = Lanes(1, 0), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait(20)

    task = asyncio.create_task(lanes.run(work))
    await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(UserError, match="at work"):
        await lanes.run(work)
    go.set()
    async with asyncio.timeout(20):
        while lanes._held:
            await asyncio.sleep(0)
    await lanes.run(work)


async def test_what_a_thread_raises_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)
    with pytest.raises(RuntimeError, match="SystemExit"):
        await in_thread(lambda: sys.exit(3))
    with pytest.raises(RuntimeError, match="StopIteration"):
        await in_thread(lambda: next(iter(())))


async def test_lines_are_whole_and_none_is_longer_than_the_limit() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"one\n" + b"x" * 50 + b"\ntwo\n" + b"y" * 200 + b"\nthree")
    os.close(writing)
    told = [line async for line in Lines(reading, most=100)]
    os.close(reading)
    assert told[:3] == ["one\n", "x" * 50 + "\n", "two\n"]
    assert "y" not in told[3]
    assert told[4:] == ["three"]


def test_texts_of_an_answer_are_clean_on_whatever_level() -> None:
    token = "hf_" + "Canary" * 6
    told = safe({"a": [f"x \x1b[31m{token}"], "b\u202e": 1, "c": None})
    assert token not in str(told)
    assert "\x1b" not in str(told)
    assert "\u202e" not in str(told)
    assert told["c"] is None
