"""The clock of a replay: pause, speed, seek; the state of any moment is that of the events up to there."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.core.resources import demo_logs
from modelcar_tui.supervisor import fold, retold
from modelcar_tui.supervisor.events import Noticed, Stamped, Status, StepChanged
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.playing import playing_row
from modelcar_tui.tui.logs import LogLine
from modelcar_tui.tui.played_log import LogUntil
from modelcar_tui.tui.playing import KEEP_EVERY, LONGEST_GAP_S, MATTERS, SPEEDS, Playing
from modelcar_tui.tui.replay import ReplayPort
from modelcar_tui.tui.rows import spans_width

RECORDED = retold(demo_logs() / "qa-failed.jsonl")
RECORDED_AT_HOME = ReplayPort(demo_logs() / "qa-failed.jsonl")._events
LONG = [
    Stamped(at, 1000.0 + at // 3, StepChanged(specialist="qa", step=str(at % 7), status=Status.RUNNING))
    for at in range(3 * KEEP_EVERY + 5)
]


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


STEPS = st.one_of(
    st.tuples(st.just("wait"), st.floats(0, 30)),
    st.tuples(st.just("jump"), st.sampled_from((-3600.0, -10.0, 10.0, 3600.0))),
    st.tuples(st.just("event"), st.sampled_from((-1.0, 1.0))),
    st.tuples(st.just("speed"), st.sampled_from((-1.0, 1.0))),
    st.tuples(st.sampled_from(("pause", "beginning", "end")), st.just(0.0)),
)


def do(playing: Playing, clock: Clock, what: str, by: float) -> None:
    match what:
        case "wait":
            clock.now += by
        case "jump":
            playing.jump(by)
        case "event":
            playing.to_event(int(by))
        case "speed":
            playing.change_speed(int(by))
        case "pause":
            playing.pause()
        case "beginning":
            playing.to_beginning()
        case "end":
            playing.to_end()


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(STEPS, max_size=12), long=st.booleans())
def test_any_way_to_a_moment_gives_the_state_of_the_events_up_to_it(
    steps: list[tuple[str, float]], long: bool
) -> None:
    events, clock = LONG if long else RECORDED, Clock()
    playing = Playing(events, clock=clock)
    for what, by in steps:
        do(playing, clock, what, by)
        shown = playing.given
        assert playing.state() == fold(events[:shown])
        assert all(one.at <= playing.position for one in events[:shown])
        assert all(one.at >= playing.position - 1e-5 for one in events[shown:])


@settings(max_examples=15, deadline=None)
@given(steps=st.lists(STEPS, max_size=8))
def test_the_port_tells_after_a_jump_what_leads_to_the_same_state(steps: list[tuple[str, float]]) -> None:
    clock = Clock()
    port = ReplayPort(demo_logs() / "qa-failed.jsonl", clock=clock)
    port.start(lambda: None)
    state = fold(port.drain())
    for what, by in steps:
        do(port.playing, clock, what, by)
        if what in ("jump", "event", "beginning", "end"):
            state = port.jumped()
        state = fold(port.drain(), state)
        assert state == fold(RECORDED_AT_HOME[: port.playing.given])
    port.playing.to_end()
    state = port.jumped()
    assert not port.drain() and port.told
    assert state == port.state == fold(RECORDED_AT_HOME)


def test_a_pause_stands_still_and_goes_on_from_there() -> None:
    clock = Clock()
    playing = Playing(LONG, clock=clock)
    clock.now += 5.5
    playing.pause()
    at, shown = playing.position, playing.given
    assert at == pytest.approx(1005.5)
    clock.now += 1000
    assert (playing.position, playing.given) == (at, shown)
    playing.pause()
    clock.now += 1
    assert playing.position == pytest.approx(1006.5)


def test_speeds_go_up_and_down_by_their_steps_and_stay_between_the_ends() -> None:
    clock = Clock()
    playing = Playing(LONG, 3.0, clock=clock)
    playing.change_speed(1)
    assert playing.speed == 4.0
    for _ in SPEEDS:
        playing.change_speed(1)
    assert playing.speed == 64.0
    clock.now += 1
    assert playing.position == pytest.approx(1064.0)
    for _ in SPEEDS:
        playing.change_speed(-1)
    assert playing.speed == 0.25


def test_what_has_passed_at_one_speed_has_passed() -> None:
    clock = Clock()
    playing = Playing(LONG, 2.0, clock=clock)
    clock.now += 10
    playing.change_speed(-1)
    clock.now += 10
    assert playing.position == pytest.approx(1030.0)


def test_no_silence_is_longer_than_its_limit_at_any_speed() -> None:
    lunch = [LONG[0], msgspec.structs.replace(LONG[1], at=1000.0 + 3600)]
    for speed in (0.25, 1.0, 64.0):
        clock = Clock()
        playing = Playing(lunch, speed, clock=clock)
        clock.now += LONGEST_GAP_S / 2
        assert not playing.ended and playing.position == pytest.approx(2800.0)
        clock.now += LONGEST_GAP_S / 2
        assert playing.ended


def test_speed_0_begins_at_the_end_and_plays_on_from_a_jump() -> None:
    clock = Clock()
    playing = Playing(LONG, 0, clock=clock)
    assert playing.ended
    playing.jump(-10)
    assert not playing.ended
    clock.now += 10.01
    assert playing.ended


def test_the_keys_visit_each_event_that_matters_forth_and_back() -> None:
    playing = Playing(RECORDED, clock=Clock())
    playing.pause()
    playing.to_beginning()
    begun = playing.given
    wanted = [at + 1 for at, one in enumerate(RECORDED) if isinstance(one.event, MATTERS) and at >= begun]
    assert len(wanted) > 6
    forth = []
    while playing.to_event(1) is not None:
        forth.append(playing.given)
    assert forth == wanted
    back = []
    while playing.to_event(-1) is not None:
        back.append(playing.given)
    assert [one for one in back if one > begun] == wanted[-2::-1]


def test_back_goes_first_to_what_is_shown_for_a_while_then_to_the_one_before() -> None:
    clock = Clock()
    events = [Stamped(at, 1000.0 + at * 100, Noticed(text=str(at))) for at in range(4)]
    playing = Playing(events, 30.0, clock=clock)
    playing.to_event(1)
    playing.to_event(1)
    assert playing.given == 3
    clock.now += 2.5
    playing.to_event(-1)
    assert (playing.given, playing.position) == (3, 1200.0)
    clock.now += 0.5
    playing.to_event(-1)
    assert playing.given == 2


def test_a_long_journal_is_sought_at_once() -> None:
    many = [msgspec.structs.replace(LONG[at % len(LONG)], at=1000.0 + at / 10) for at in range(100_000)]
    playing = Playing(many, clock=Clock())
    took = []
    for place in (99_999, 17, 50_001, 3, 77_777):
        begun = time.process_time()
        state = playing.state_at(place)
        took.append(time.process_time() - begun)
        assert state.now == many[place - 1].at
    assert max(took) < 0.2


class Lines:
    """A log with a line a second; the first has no time."""

    def refresh(self) -> int:
        return 10

    def lines(self, start: int, count: int) -> list[LogLine]:
        return [LogLine(str(n), 1000.0 + n if n else 0.0) for n in range(start, min(10, start + count))]


def test_a_log_ends_at_the_moment_that_is_shown() -> None:
    until = [1004.5]
    log = LogUntil(Lines(), lambda: until[0])
    assert log.lines(0, 9) == []
    assert log.refresh() == 5
    assert [line.text for line in log.lines(3, 9)] == ["3", "4"]
    until[0] = 1.0
    assert log.refresh() == 1
    until[0] = float("inf")
    assert log.refresh() == 10 and log.lines(12, 3) == []


@pytest.mark.parametrize("cells", [40, 60, 80, 120, 200])
def test_the_line_fills_its_row_and_tells_the_most_important(cells: int) -> None:
    playing = Playing(LONG, clock=Clock())
    playing.pause()
    playing.jump(65)
    for growing in (False, True):
        played = msgspec.structs.replace(playing.played, growing=growing)
        row = playing_row(Face(), played, cells)
        text = "".join(text for text, _ in row.spans)
        assert "paused" in text and "1:05 / 4:17" in text
        assert spans_width(row.spans) == cells or (growing and cells == 40)
        assert ("so far" in text) == growing
    assert ("what matters" in text) == (cells >= 120)


def test_a_run_that_is_open_elsewhere_is_said_to_grow(tmp_path: Path) -> None:
    import fcntl

    lines = (demo_logs() / "no-go.jsonl").read_bytes()
    (tmp_path / "journal.jsonl").write_bytes(lines)
    assert not ReplayPort(tmp_path).played.growing
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert ReplayPort(tmp_path).played.growing
