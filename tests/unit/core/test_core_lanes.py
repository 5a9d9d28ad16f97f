"""Fewer requests at once when the server has too many."""

from __future__ import annotations

import asyncio

import pytest

from modelcar_tui.core.lanes import FEWEST, Lanes


async def work(lanes: Lanes, log: list[int], gate: asyncio.Event) -> None:
    async with lanes:
        log.append(1)
        await gate.wait()
    log.append(-1)


async def test_no_more_than_the_width_at_once_and_everybody_in_the_end() -> None:
    lanes, log, gate = Lanes(3), [], asyncio.Event()
    tasks = [asyncio.create_task(work(lanes, log, gate)) for _ in range(10)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert log == [1, 1, 1]
    gate.set()
    await asyncio.gather(*tasks)
    at_once = [sum(log[: index + 1]) for index in range(len(log))]
    assert (max(at_once), at_once[-1], len(log)) == (3, 0, 20)


async def test_a_refusal_halves_and_good_answers_widen() -> None:
    lanes = Lanes(8)
    for width in (4, FEWEST, FEWEST):
        lanes.refused()
        assert lanes.width == width
    for _ in range(1000):
        lanes.served()
    assert lanes.width == 8


async def test_it_starts_narrow_and_grows_with_every_good_answer_until_one_is_refused() -> None:
    lanes = Lanes(64, first=16)
    for _ in range(20):
        lanes.served()
    assert lanes.width == 36
    lanes.refused()
    for _ in range(18):
        lanes.served()
    assert lanes.width == 19
    for _ in range(10_000):
        lanes.served()
    assert lanes.width == 64


async def test_those_who_wait_go_on_when_it_widens() -> None:
    lanes, log, gate = Lanes(4), [], asyncio.Event()
    lanes.refused()
    tasks = [asyncio.create_task(work(lanes, log, gate)) for _ in range(4)]
    await asyncio.sleep(0.01)
    assert len(log) == 2
    for _ in range(5):
        lanes.served()
    await asyncio.sleep(0.01)
    assert len(log) == 4
    gate.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("when", ["waiting", "called"])
async def test_somebody_who_is_cancelled_takes_no_lane_along(when: str) -> None:
    lanes, log, gate = Lanes(1), [], asyncio.Event()
    first, second, third = (asyncio.create_task(work(lanes, log, gate)) for _ in range(3))
    await asyncio.sleep(0.01)
    if when == "waiting":
        second.cancel()
        await asyncio.sleep(0.01)
        gate.set()
    else:
        gate.set()
        await first
        second.cancel()
    await asyncio.wait_for(asyncio.gather(first, third), 5)
    assert second.cancelled() or when == "called"
