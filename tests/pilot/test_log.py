"""The log: follow, place, filter, jumps, and a hundred thousand lines."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from modelcar_tui.core.errors import UserError
from modelcar_tui.qa.log.spool import SpoolWriter
from modelcar_tui.qa.types import QaOutcome
from modelcar_tui.supervisor import events as e
from modelcar_tui.tui.lines import is_error, line_spans, shorten
from modelcar_tui.tui.logindex import LogIndex
from modelcar_tui.tui.logs import FileLog, LogLine, SpoolLog, open_log
from modelcar_tui.tui.patterns import parse_filter
from modelcar_tui.tui.screens.log import LogScreen
from modelcar_tui.tui.widgets.log import LogView
from pilot import support as s


async def log_screen(app: object, pilot: Pilot[int], lines: int) -> LogView:
    await pilot.press("l")
    await s.wait_for(pilot, lambda: isinstance(app.screen, LogScreen), "the log is open")  # type: ignore[attr-defined]
    view = app.screen.query_one(LogView)  # type: ignore[attr-defined]
    await s.wait_for(pilot, lambda: view.index.total == lines and view.inner[1] > 0, "all lines are known")
    return view


def work_off(index: LogIndex) -> None:
    """What the ticks would do: a busy machine leaves them more of it."""
    while index.busy:
        index.refresh()


def grow(path: str, count: int) -> None:
    with Path(path).open("a", encoding="utf-8") as file:
        file.writelines(f"[QA] fresh line {at}\n" for at in range(count))


async def test_following_shows_the_end_and_reading_keeps_its_place(tmp_path: Path) -> None:
    path = s.spool(tmp_path, 500)
    async with s.dashboard(s.FakeEngine(s.in_qa(path, 500)), (100, 30)) as (app, pilot):
        view = await log_screen(app, pilot, 500)
        assert view.follow
        assert s.shows(app, "attempt 497")
        await pilot.press("pageup", "k", "k")
        assert not view.follow
        before = view.plain()[1:-1]
        grow(path, 70)
        await s.wait_for(pilot, lambda: s.shows(app, "70 new lines"), "new lines are counted")
        assert view.plain()[1:-1] == before, "the reader keeps the place"
        await pilot.press("f")
        await s.wait_for(pilot, lambda: s.shows(app, "fresh line 69"), "following again")
        grow(path, 5)
        await s.wait_for(pilot, lambda: view.index.total == 575, "more lines")
        assert view.follow
        await s.wait_for(
            pilot, lambda: s.shows(app, "+5 new"), "what came since the last key, while following"
        )
        await pilot.press("f", "f")
        await s.wait_for(pilot, lambda: not s.shows(app, " new "), "it was looked at")


async def test_scrolling_down_to_the_end_follows_again(tmp_path: Path) -> None:
    path = s.spool(tmp_path, 100)
    async with s.dashboard(s.FakeEngine(s.in_qa(path, 100)), (100, 30)) as (app, pilot):
        view = await log_screen(app, pilot, 100)
        await pilot.press("home")
        assert view.top == 0
        assert s.shows(app, "test session starts")
        for _ in range(10):
            await pilot.press("pagedown")
        assert view.follow


async def test_filter_while_typing_inverse_and_clearing(tmp_path: Path) -> None:
    path = s.spool(tmp_path, 700)
    async with s.dashboard(s.FakeEngine(s.in_qa(path, 700)), (100, 30)) as (app, pilot):
        view = await log_screen(app, pilot, 700)
        errors = sum(" ERROR " in line for line in s.qa_lines(700))
        await pilot.press("slash", *"ERROR")
        await s.wait_for(pilot, lambda: view.index.shown == errors, "filtered while typing")
        await pilot.press("enter")
        assert all("ERROR" in row for row in view.plain()[1:-1] if row.strip("│ "))
        await pilot.press("slash", *(["backspace"] * 5), *"!error", "enter")
        await s.wait_for(pilot, lambda: view.index.shown == 700 - errors, "the inverse")
        await pilot.press("slash", "escape")
        await s.wait_for(pilot, lambda: view.index.shown == 700, "Esc clears the filter")
        grow(path, 3)
        await pilot.press("slash", *"fresh", "enter")
        await s.wait_for(pilot, lambda: view.index.shown == 3, "new lines pass through the filter")


async def test_a_bad_expression_is_said_and_changes_nothing(tmp_path: Path) -> None:
    path = s.spool(tmp_path, 50)
    async with s.dashboard(s.FakeEngine(s.in_qa(path, 50)), (100, 30)) as (app, pilot):
        view = await log_screen(app, pilot, 50)
        await pilot.press("slash", "(", "enter")
        await s.wait_for(pilot, lambda: s.shows(app, "no regular expression"), "the fault")
        assert view.index.shown == 50


async def test_e_goes_from_error_to_error_and_round(tmp_path: Path) -> None:
    path = s.spool(tmp_path, 60)
    numbers = [at for at, line in enumerate(s.qa_lines(60)) if is_error(line)]
    async with s.dashboard(s.FakeEngine(s.in_qa(path, 60)), (100, 20)) as (app, pilot):
        view = await log_screen(app, pilot, 60)
        await pilot.press("home")
        seen = []
        for _ in numbers:
            await pilot.press("e")
            work_off(view.index)
            seen.append(view.mark)
        assert seen == numbers
        await pilot.press("e")
        work_off(view.index)
        assert view.mark == numbers[0], "round the end"
        await pilot.press("E")
        work_off(view.index)
        assert view.mark == numbers[-1]


async def test_wrap_times_and_sideways(tmp_path: Path) -> None:
    path = s.spool(tmp_path, 40)
    async with s.dashboard(s.FakeEngine(s.in_qa(path, 40)), (60, 20)) as (app, pilot):
        view = await log_screen(app, pilot, 40)
        assert s.shows(app, "…[")
        assert s.shows(app, "attempt 37"), "the end of a line is seen"
        assert not s.shows(app, "test_modelcar.py")
        await pilot.press("w")
        await s.wait_for(pilot, lambda: s.shows(app, "attempt 37"), "the whole last line is there")
        assert s.shows(app, "tests/model_serving/model_runtime/modelcar/test_modelcar")
        await pilot.press("left")
        await s.wait_for(pilot, lambda: s.shows(app, "lines are wrapped"), "why nothing moves")
        await pilot.press("w", "T")
        await s.wait_for(pilot, lambda: s.shows(app, "08:00:37"), "times")
        await pilot.press("right")
        assert view.left == 8
        await pilot.press("left", "left")
        assert view.left == 0


async def test_save_writes_what_is_shown_for_the_owner_only(tmp_path: Path) -> None:
    path = s.spool(tmp_path, 50)
    async with s.dashboard(s.FakeEngine(s.in_qa(path, 50, folder=str(tmp_path))), (100, 30)) as (app, pilot):
        await log_screen(app, pilot, 50)
        await pilot.press("s")
        await s.wait_for(pilot, lambda: s.shows(app, "qa-saved.log: 50 lines saved, in /"), "saved")
        saved = tmp_path / "qa-saved.log"
        assert saved.read_text() == Path(path).read_text()
        assert saved.stat().st_mode & 0o777 == 0o600
        await pilot.press("slash", *"ERROR", "enter", "s")
        await s.wait_for(pilot, (tmp_path / "qa-filtered.log").exists, "the filtered lines are saved")
        assert all("ERROR" in line for line in (tmp_path / "qa-filtered.log").read_text().splitlines())


async def test_copy_goes_to_a_file_and_says_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    path = s.spool(tmp_path, 50)
    async with s.dashboard(s.FakeEngine(s.in_qa(path, 50, folder=str(tmp_path))), (160, 30)) as (app, pilot):
        await log_screen(app, pilot, 50)
        await pilot.press("y")
        await s.wait_for(
            pilot, lambda: s.shows(app, "sent to the terminal's clipboard (OSC 52)"), "the route is said"
        )
        assert "attempt 47" in (tmp_path / "copied.txt").read_text()


async def test_a_hundred_thousand_lines_stay_quick(tmp_path: Path) -> None:
    path = s.spool(tmp_path, 100_000)
    async with s.dashboard(s.FakeEngine(s.in_qa(path, 100_000)), (120, 40)) as (app, pilot):
        view = await log_screen(app, pilot, 100_000)
        read: list[int] = []
        lines = view.index.source.lines

        def counted(start: int, count: int) -> list[LogLine]:
            read.append(count)
            return lines(start, count)

        view.index.source.lines = counted  # type: ignore[method-assign]
        for key in ("home", "pagedown", "end", "pageup"):
            read.clear()
            await pilot.press(key)
            assert sum(read) <= 500, f"{key} reads the lines on the screen, whatever the log's length"
        for key in ("e", "E"):
            read.clear()
            await pilot.press(key)
            assert sum(read) <= 10_000, f"{key} reads on to the next error only"
        await pilot.press("end", "slash", *"attempt 99991", "enter")
        await s.wait_for(
            pilot, lambda: view.index.shown == 1 and not view.index.busy, "the filter finds one line"
        )


async def test_a_skipped_qa_says_why_there_is_no_log() -> None:
    skipped = QaOutcome(code="QA_SKIPPED:NO_GO", message="the verdict is NO-GO")
    async with s.dashboard(s.FakeEngine([*s.decided(), e.QaFinished(outcome=skipped)])) as (app, pilot):
        await pilot.press("l")
        await s.wait_for(
            pilot, lambda: s.shows(app, "QA was not run: the verdict is NO-GO"), "the log's screen"
        )


def test_the_spool_of_the_runner_is_read_with_its_times(tmp_path: Path) -> None:
    path = tmp_path / "qa.log"
    assert open_log(str(path)) is None
    writer = SpoolWriter(path)
    for at in range(1000):
        writer.append(f"line {at}", at=1_760_000_000.0 + at)
    writer.flush()
    source = open_log(str(path))
    assert isinstance(source, SpoolLog)
    index = LogIndex()
    index.source = source
    index.refresh()
    assert index.total == 1000
    assert index.read(998, 5) == [
        (998, LogLine("line 998", 1_760_000_998.0)),
        (999, LogLine("line 999", 1_760_000_999.0)),
    ]
    index.set_filter(parse_filter("line 99\\d$"))
    work_off(index)
    assert [number for number, _ in index.read(0, 99)] == list(range(990, 1000))
    assert index.position_of(995) == 5
    found: list[int | None] = []
    index.find(0, 1, parse_filter("997"), found.append)
    work_off(index)
    assert found == [997]
    writer.close()


def test_a_plain_file_that_grows_shows_whole_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "plain.log"
    path.write_bytes(b"one\ntwo\nthr")
    log = FileLog(path)
    assert log.refresh() == 2
    with path.open("ab") as file:
        file.write(b"ee\n\xff\xfe\n")
    assert log.refresh() == 4
    assert [line.text for line in log.lines(0, 9)] == ["one", "two", "three", "\ufffd\ufffd"]
    assert log.lines(4, 1) == []
    assert log.lines(-5, 1) == [LogLine("one")]


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ("E   AssertionError: x", True),
        ("FAILED test_a", True),
        ("0 failed, 3 passed", False),
        ("0 errors", False),
        ("torch.OutOfMemoryError: CUDA", True),
        ("all fine", False),
        ("errors are possible", False),
        ("2026-08-21T09:44:38.157346Z [error    ] Pod x is in CrashLoopBackOff [utilities.infra]", True),
        ("FAILED2026-08-21T09:44:38.157346Z [info     ] Delete InferenceService x", False),
    ],
)
def test_errors_are_told_from_talk_about_errors(line: str, bad: bool) -> None:
    assert is_error(line) is bad


def test_matches_are_marked_and_nothing_is_lost() -> None:
    found = parse_filter("o")
    spans = line_spans(LogLine("foo boo"), times=False, found=found)
    assert "".join(text for text, _ in spans) == "foo boo"
    assert [text for text, role in spans if role == "match"] == ["o", "o", "o", "o"]
    empty = parse_filter("x*")
    assert "".join(text for text, _ in line_spans(LogLine("axa"), times=False, found=empty)) == "axa"
    assert parse_filter("!") is None
    with pytest.raises(UserError):
        parse_filter("[")


SLOW = "(a|aa)+$"
BAIT = "a" * 40 + "b"


def test_expression_that_explodes_is_given_up_and_says_so() -> None:
    wanted = parse_filter(SLOW)
    assert wanted is not None
    assert wanted.matches("aaa")
    begin = time.process_time()
    assert not wanted.matches(BAIT)
    assert wanted.gave_up
    assert not wanted.matches("aaa"), "no line costs that much a second time"
    assert line_spans(LogLine(BAIT), times=False, found=wanted) == [(BAIT, "text")]
    # Left to itself it would take hours.
    assert time.process_time() - begin < 20
    inverse = parse_filter("!" + SLOW)
    assert inverse is not None
    assert not inverse.matches(BAIT)


def test_expression_that_would_unfold_to_gigabytes_is_refused() -> None:
    with pytest.raises(UserError, match="repeats too often"):
        parse_filter("((((a{99}){99}){99}){99}){99}")
    assert parse_filter(r"\d{4}-\d{2}") is not None


async def test_slow_expression_leaves_the_screen_alive(tmp_path: Path) -> None:
    path = s.spool(tmp_path, 50)
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(f"{BAIT}\n" * 2_000)
    async with s.dashboard(s.FakeEngine(s.in_qa(path, 50)), (100, 30)) as (app, pilot):
        await log_screen(app, pilot, 2_050)
        await pilot.press("slash", *SLOW, "enter")
        await s.wait_for(pilot, lambda: s.shows(app, "takes too long"), "it is said")
        await pilot.press("slash", "escape", "home")
        await s.wait_for(pilot, lambda: s.shows(app, "test session starts"), "the log is there again")


async def test_search_that_finds_nothing_goes_on_beside_the_keys(tmp_path: Path) -> None:
    path = s.spool(tmp_path, 60_000)
    async with s.dashboard(s.FakeEngine(s.in_qa(path, 60_000)), (100, 30)) as (app, pilot):
        view = await log_screen(app, pilot, 60_000)
        told: list[int | None] = []
        view.index.find(0, 1, parse_filter("no line holds th.s"), told.append)
        assert told == [], "a slice at a time"
        assert view.index.busy
        await s.wait_for(pilot, lambda: told == [None], "the end of the search")
        assert not view.index.busy


def test_outcome_word_that_is_glued_to_a_time_is_set_apart() -> None:
    glued = "FAILED2026-08-21T09:44:38.157346Z [info     ] Delete InferenceService x"
    spans = line_spans(LogLine(glued), times=True, found=None)
    assert [text for text, _ in spans] == ["09:44:38 ", "FAILED [info     ] Delete InferenceService x"]
    assert spans[1][1] == "text", "the line is no fault, whatever pytest printed before it"


def test_folders_of_tests_are_cut_and_other_paths_are_not() -> None:
    assert shorten("tests/a/b/test_c.py:12: in call", "…") == "…/test_c.py:12: in call"
    assert shorten("GET https://host/a/b/c", "…") == "GET https://host/a/b/c"


async def test_keys_that_can_do_nothing_say_why(tmp_path: Path) -> None:
    path = s.spool(tmp_path, 20)
    async with s.dashboard(s.FakeEngine(s.in_qa(path, 20)), (80, 24)) as (app, pilot):
        view = await log_screen(app, pilot, 20)
        await pilot.press("n")
        await s.wait_for(pilot, lambda: s.shows(app, "nothing to look for: / says what"), "n")
        await pilot.press("left")
        await s.wait_for(pilot, lambda: s.shows(app, "from their beginning"), "left")
        await pilot.press("slash", *"zzz", "enter", "s")
        await s.wait_for(pilot, lambda: s.shows(app, "no line passes the filter"), "s")
        await pilot.press("e")
        await s.wait_for(pilot, lambda: s.shows(app, "no error line in the log passes the filter"), "e")
        await pilot.press("y")
        await s.wait_for(pilot, lambda: s.shows(app, "nothing to copy"), "y")
        await pilot.press("t")
        assert not view.times


async def test_log_that_has_not_begun_says_so_at_each_key() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (80, 24)) as (app, pilot):
        await pilot.press("l")
        await s.wait_for(pilot, lambda: isinstance(app.screen, LogScreen), "the log is open")
        for key in ("e", "n", "s"):
            await pilot.press(key)
            await s.wait_for(pilot, lambda: s.shows(app, "the log has no lines yet"), key)
            await pilot.press("T")
