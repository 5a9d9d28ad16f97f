"""A replay in the dashboard: its line, its keys, and what follows a jump back."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from modelcar_tui.core.resources import demo_logs
from modelcar_tui.qa.log.spool import SpoolWriter
from modelcar_tui.supervisor.events import Noticed, Stamped
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.replay import ReplayPort
from modelcar_tui.tui.screens.dashboard import DashboardScreen
from pilot import support as s

SIZES = ((80, 24), (100, 30), (120, 40), (200, 60))


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def journal(folder: Path, count: int = 40) -> list[Stamped]:
    """A finished run, an event a second, with the spool of its QA: a line a second from the one that starts
    it."""
    stamped = s.stamp(s.finished(str(folder / "qa.log"), count))
    begun = next(one.at for one in stamped if type(one.event).__name__ == "QaStarted")
    writer = SpoolWriter(folder / "qa.log")
    for number in range(count):
        writer.append(f"line {number} of QA", at=begun + number / 10)
    writer.close()
    (folder / "journal.jsonl").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in stamped))
    return stamped


async def at_the_end(pilot: Pilot[int], app: DashboardApp, port: ReplayPort) -> None:
    await s.wait_for(
        pilot, lambda: port.told and isinstance(app.screen, DashboardScreen), "all of it is told"
    )
    await s.wait_for(pilot, lambda: s.shows(app, "at its end"), "the line")


@pytest.mark.parametrize("size", SIZES)
async def test_the_line_says_where_it_is_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    stamped = journal(tmp_path)
    clock = Clock()
    port = ReplayPort(tmp_path, clock=clock)
    app = DashboardApp(port)
    length = int(stamped[-1].at - stamped[0].at)
    async with app.run_test(size=size) as pilot:
        await s.wait_for(pilot, lambda: s.shows(app, f"plays  0:00 / 0:{length:02d}  x1"), "the line")
        await pilot.press("p", "right_square_bracket")
        await s.wait_for(pilot, lambda: s.shows(app, f"paused  0:00 / 0:{length:02d}  x2"), "paused")
        await pilot.press("full_stop")
        await s.wait_for(pilot, lambda: s.shows(app, f"0:10 / 0:{length:02d}"), "10 s on")
        await pilot.press("dollar_sign")
        await s.wait_for(pilot, lambda: s.shows(app, "QA FAILED"), "the end")
        await pilot.press("circumflex_accent")
        await s.wait_for(pilot, lambda: not s.shows(app, "QA FAILED"), "the beginning")
        assert app.state.finish is None and app.state.decision is None


async def test_a_jump_back_takes_the_log_and_all_else_with_it(tmp_path: Path) -> None:
    stamped = journal(tmp_path)
    port = ReplayPort(tmp_path, speed=0, clock=Clock())
    app = DashboardApp(port)
    async with app.run_test(size=(120, 40)) as pilot:
        await at_the_end(pilot, app, port)
        await s.wait_for(pilot, lambda: app.index.total == 40, "the whole log")
        await pilot.press("p")
        begun = next(at for at, one in enumerate(stamped) if type(one.event).__name__ == "QaStarted")
        while app.state.seq > stamped[begun].seq:
            await pilot.press("left_parenthesis")
        assert app.state.seq == stamped[begun].seq
        assert s.shows(app, "QA begins")
        await s.wait_for(pilot, lambda: app.index.total == 1, "the log of this moment")
        await pilot.press("left_parenthesis")
        assert app.index.total == 0
        await pilot.press("dollar_sign")
        await s.wait_for(pilot, lambda: app.index.total == 40, "the whole log again")
        assert app.state == port.state


@pytest.mark.parametrize("key", ["d", "g", "l", "o", "enter", "question_mark", "a"])
async def test_no_screen_is_left_on_what_is_not_there(key: str) -> None:
    port = ReplayPort(demo_logs() / "approved.jsonl", speed=0, clock=Clock())
    app = DashboardApp(port)
    async with app.run_test(size=(100, 30)) as pilot:
        await at_the_end(pilot, app, port)
        await pilot.press("p", key)
        await s.wait_for(pilot, lambda: not isinstance(app.screen, DashboardScreen), "the screen")
        app.action_play("beginning")
        await s.wait_for(pilot, lambda: app.state.decision is None, "the beginning")
        await pilot.pause()
        if key in ("d", "enter"):
            assert isinstance(app.screen, DashboardScreen)
        app.action_play("ending")
        await s.wait_for(pilot, lambda: app.state == port.state, "the end again")
    assert not app._exception


async def test_nothing_is_painted_in_a_pause_and_the_line_once_a_second(tmp_path: Path) -> None:
    events = [Stamped(at, 1000.0 + at * 3600, Noticed(text=str(at))) for at in range(3)]
    (tmp_path / "journal.jsonl").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in events))
    clock = Clock()
    port = ReplayPort(tmp_path, clock=clock)
    app = DashboardApp(port)
    shown = 0

    def count() -> None:
        nonlocal shown
        shown += 1

    async with app.run_test(size=(100, 30)) as pilot:
        await s.wait_for(pilot, lambda: s.shows(app, "plays  0:00"), "the line")
        app.show = count  # type: ignore[method-assign]
        assert app._player is not None
        app._player._looked = float("-inf")
        for _ in range(10):
            clock.now += 0.001
            app._take(port.drain())
        assert shown == 1, "ten looks within a second"
        port.playing.pause()
        app._player._looked = float("-inf")
        app._take(port.drain())
        shown = 0
        for _ in range(10):
            clock.now += 100
            app._player._looked = float("-inf")
            app._take(port.drain())
        assert shown == 0


async def test_the_keys_of_a_replay_do_nothing_in_a_run() -> None:
    app = DashboardApp(s.FakeEngine(s.begin()))
    async with app.run_test(size=(100, 30)) as pilot:
        await s.wait_for(pilot, lambda: isinstance(app.screen, DashboardScreen), "the dashboard")
        await pilot.press("p")
        await s.wait_for(pilot, lambda: s.shows(app, "p does nothing here"), "a word")


async def test_an_answer_stays_wherever_one_jumps_to() -> None:
    port = ReplayPort(demo_logs() / "approved.jsonl", speed=0, clock=Clock())
    app = DashboardApp(port)
    async with app.run_test(size=(100, 30)) as pilot:
        await at_the_end(pilot, app, port)
        identifier = port.ask("why GO?")
        await s.wait_for(pilot, lambda: any(one.id == identifier for one in app.state.answers), "an answer")
        app.action_play("beginning")
        app.action_play("ending")
        assert [one.id for one in app.state.answers] == [identifier]
