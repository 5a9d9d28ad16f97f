"""How much the program sends: a slow line waits for every byte of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sent import ESC, Wire, demo, flooded, log_app, of_one_line, replay, started

OPENED = {(120, 40): 12_000, (80, 24): 4_800}
CLOSED = {(120, 40): 8_000, (80, 24): 4_000}
STARTED = {(120, 40): 30_000, (80, 24): 12_000}
"""Bytes by size in cells."""
SCREENS = {"why": "?", "review": "d", "filter": "/", "GPUs": "g"}


@pytest.fixture(scope="module", params=OPENED, ids=lambda size: "x".join(map(str, size)))
def still(request: pytest.FixtureRequest) -> Iterator[tuple[tuple[int, int], Wire, int]]:
    columns, rows = request.param
    with tempfile.TemporaryDirectory() as folder, demo(Path(folder), columns, rows) as wire:
        yield request.param, wire, started(wire)


def test_the_first_dashboard_that_stands_is_within_its_bytes(
    still: tuple[tuple[int, int], Wire, int],
) -> None:
    size, _, sent = still
    assert 1_000 < sent <= STARTED[size]


def test_a_screen_that_stands_sends_nothing(still: tuple[tuple[int, int], Wire, int]) -> None:
    assert still[1].quiet(3.0) == 0


@pytest.mark.parametrize("key", SCREENS.values(), ids=SCREENS)
def test_a_screen_opens_and_closes_within_its_bytes(
    still: tuple[tuple[int, int], Wire, int], key: str
) -> None:
    size, wire, _ = still
    opened = wire.press(key)
    closed = wire.press(ESC)
    assert 0 < opened <= OPENED[size]
    assert 0 < closed <= CLOSED[size]


def test_a_replay_in_a_pause_sends_nothing_and_its_line_costs_little(tmp_path: Path) -> None:
    with replay(tmp_path, 80, 24) as wire:
        wire.wait_for(lambda text: "plays" in text and "Configuration" in text, 60)
        wire.keys("p")
        wire.wait_for("paused")
        wire.still()
        assert wire.quiet(3.0) == 0
        assert 0 < wire.press("]") <= 300


def test_a_line_more_in_a_log_costs_little_more_than_the_line(tmp_path: Path) -> None:
    with log_app(tmp_path, 120, 40) as wire:
        of_one_line(wire, tmp_path / "qa.log", 0)
        costs = [of_one_line(wire, tmp_path / "qa.log", at) for at in range(1, 6)]
    assert sorted(costs)[2] <= 300, costs


def test_a_flooded_log_stays_within_ten_kilobytes_a_second(tmp_path: Path) -> None:
    with log_app(tmp_path, 80, 24) as wire:
        rate = flooded(wire, tmp_path / "qa.log", 1_000, 5.0)
    assert 100 < rate <= 10_240
