"""Rows of the log: the state of a line comes first, and `e` goes to the root cause before all else."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from modelcar_tui.qa.types import QaOutcome
from modelcar_tui.supervisor import events as e
from modelcar_tui.tui.lines import is_error, is_follower, keep_state, line_spans, shorten
from modelcar_tui.tui.logerrors import ErrorWalk
from modelcar_tui.tui.logindex import LogIndex
from modelcar_tui.tui.logs import FileLog, LogLine
from modelcar_tui.tui.patterns import parse_filter
from modelcar_tui.tui.screens.log import LogScreen
from modelcar_tui.tui.widgets.log import LogView
from pilot import support as s

POD = "2026-08-21T09:36:41.8Z [{level}] Pod {isvc}-predictor-7c9d8f6b5-x2m4q is Pending: {why} [utilities]"


@pytest.mark.parametrize(
    ("line", "short"),
    [
        (POD.format(level="info     ", isvc="granite", why="pulling"), "granite…: is Pending: pulling"),
        (
            POD.format(level="warning  ", isvc="llama-3-3-70b-instru", why="0/5 nodes are available"),
            "warning: llama-3-3-70b-instru…: is Pending: 0/5 nodes are available",
        ),
        (
            "2026-08-21T09:30:00.8Z [info     ] Waiting for 120 seconds, retry every 5 seconds. (Function: "
            "utilities.infra.wait_for_ready  Kwargs: {'a': <b>}) [timeout_sampler] name=timeout_sampler",
            "Waiting for 120 seconds, retry every 5 seconds. (wait_for_ready)",
        ),
        ("tests/a/b/test_c.py::TestX::test_oci_model[granite-standard] PASSED", "…[granite-standard] PASSED"),
        (
            "TEST: TestX.test_oci_model[granite-standard] STATUS: ERROR",
            "TEST: …[granite-standard] STATUS: ERROR",
        ),
        ("--------- test_oci_model[granite-standard] ---------", "…[granite-standard]"),
        ("E               FailedPodsError: not running", "E  FailedPodsError: not running"),
        ("FAILED2026-08-21T09:44:38.1Z [info     ] Delete x", "FAILED; Delete x"),
        ("--------", "--------"),
    ],
)
def test_rows_show_the_state_and_not_what_every_line_begins_with(line: str, short: str) -> None:
    spans = line_spans(LogLine(line), times=False, found=None, ellipsis="…")
    assert "".join(text for text, _ in spans) == short


def test_outcome_word_at_the_end_of_a_long_line_is_kept_on_a_narrow_screen() -> None:
    line = LogLine("TEST: T.test_x[llama-3.1-8b-instruct-quantized.w4a16-standard] STATUS: PASSED")
    spans = line_spans(line, times=True, found=None, ellipsis="…")
    text = "".join(text for text, _ in keep_state(spans, 58, "…"))
    assert text == "--:--:-- TEST: …[llama-3.1-8b-instruct-qu…] STATUS: PASSED"
    assert len(text) == 58
    assert ("PASSED", "ok") in keep_state(spans, 58, "…")
    assert keep_state(spans, 200, "…") == spans
    assert keep_state([("x" * 99, "text")], 58, "…") == [("x" * 99, "text")]


def test_match_in_what_would_be_left_out_keeps_the_line_whole() -> None:
    line = LogLine(POD.format(level="info     ", isvc="granite", why="pulling"))
    spans = line_spans(line, times=False, found=parse_filter("x2m4q"), ellipsis="…")
    assert ("x2m4q", "match") in spans
    spans = line_spans(line, times=False, found=parse_filter("pulling"), ellipsis="…")
    assert "".join(text for text, _ in spans) == "granite…: is Pending: pulling"


@pytest.mark.parametrize(
    "part", ["a-", "a.", "a/", "test_", "[a ", "Pod a-predictor-", "E  ", "(Function: a."]
)
def test_hostile_line_is_shortened_at_once(part: str) -> None:
    line = part * (65_536 // len(part))
    began = time.process_time()
    shorten(f"{line}-predictor test_ .py [", "…")
    assert time.process_time() - began < 0.5


ROOT = "(EngineCore) torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 448.00 MiB"
CRASH = (
    "collected 1 item",
    "[error    ] the model is not ready [utilities]",
    "Traceback (most recent call last):",
    ROOT,
    "RuntimeError: Engine core initialization failed. See root cause above.",
    "TEST: TestX.test_oci[granite-standard] [setup] STATUS: ERROR",
    "tests/x/test_y.py::TestX::test_oci[granite-standard] ERROR",
)
IN_ORDER = [3, 1, 5, 2, 4, 6]
"""The root, the errors, what repeats them."""


def work_off(index: LogIndex) -> None:
    """What the ticks would do."""
    while index.busy:
        index.refresh()


async def test_e_lands_on_the_root_cause_and_goes_on_to_the_errors(tmp_path: Path) -> None:
    path = tmp_path / "qa.log"
    path.write_text("".join(f"{line}\n" for line in CRASH), encoding="utf-8")
    outcome = QaOutcome(code="QA_ERROR:CUDA_OOM", message="no", cause=ROOT, log_line=4)
    events = [*s.in_qa(str(path), len(CRASH)), e.QaFinished(outcome=outcome)]
    async with s.dashboard(s.FakeEngine(events), (80, 24)) as (app, pilot):
        await pilot.press("l")
        await s.wait_for(pilot, lambda: isinstance(app.screen, LogScreen), "the log is open")
        view = app.screen.query_one(LogView)
        await s.wait_for(pilot, lambda: view.index.total == len(CRASH) and view.inner[1] > 0, "all lines")
        assert not s.shows(app, ".00 MiB")
        seen = []
        for _ in [*IN_ORDER, "round"]:
            await pilot.press("e")
            work_off(view.index)
            seen.append(view.mark)
            if len(seen) == 1:
                await s.wait_for(pilot, lambda: s.shows(app, "the root cause, line 4"), "it is said")
                assert s.shows(app, ".00 MiB"), "the line that was jumped to is shown whole"
        assert seen == [*IN_ORDER, IN_ORDER[0]]
        back = []
        for _ in IN_ORDER:
            await pilot.press("E")
            work_off(view.index)
            back.append(view.mark)
        assert back == [*reversed(IN_ORDER[1:]), IN_ORDER[0]]


def test_without_a_known_cause_followers_come_after_the_errors(tmp_path: Path) -> None:
    path = tmp_path / "plain.log"
    path.write_text("".join(f"{line}\n" for line in CRASH), encoding="utf-8")
    index = LogIndex()
    index.source = FileLog(path)
    index.refresh()
    mark: list[int | None] = [None]
    for _ in range(7):
        ErrorWalk(index, None).go(1, mark[-1], 0, mark.append)
        work_off(index)
    assert mark[1:] == [1, 3, 5, 2, 4, 6, 1]
    index.set_filter(parse_filter("!torch"))
    work_off(index)
    ErrorWalk(index, 3).go(1, None, 0, mark.append)
    work_off(index)
    assert mark[-1] == 1, "a root that the filter hides is no place to go to"


async def test_the_root_cause_at_the_end_leaves_no_blank_rows_and_breaks_no_word(tmp_path: Path) -> None:
    path = tmp_path / "qa.log"
    cause = f"cause: {ROOT}. GPU 0 has a total capacity of 79.10 GiB of which 218.88 MiB is free"
    path.write_text("".join(f"line {n}\n" for n in range(90)) + f"{cause}\nlast\n", encoding="utf-8")
    outcome = QaOutcome(code="QA_ERROR:CUDA_OOM", message="no", cause=ROOT, log_line=91)
    events = [*s.in_qa(str(path), 92), e.QaFinished(outcome=outcome)]
    async with s.dashboard(s.FakeEngine(events), (80, 24)) as (app, pilot):
        await pilot.press("l")
        await s.wait_for(pilot, lambda: isinstance(app.screen, LogScreen), "the log is open")
        view = app.screen.query_one(LogView)
        await s.wait_for(pilot, lambda: view.index.total == 92 and view.inner[1] > 0, "all lines")
        view.home()
        await pilot.press("e")
        work_off(view.index)
        await s.wait_for(pilot, lambda: s.shows(app, "is free"), "the cause is shown whole")
        rows = [line[1:-1].strip() for line in view.plain()[1:-1]]
        assert all(rows) and rows[-1] == "last"
        marked = rows[next(at for at, line in enumerate(rows) if line.startswith("cause: ")) : -1]
        assert " ".join(marked) == cause


def test_pointers_and_repetitions_are_no_errors_of_their_own() -> None:
    assert not is_follower(ROOT)
    assert not is_follower("E   utilities.exceptions.FailedPodsError: The following pods are not running")
    for line in (
        "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}",
        "Traceback (most recent call last):",
        "_ ERROR at setup of TestX.test_oci[granite-standard] _",
        "utilities/infra.py:805: FailedPodsError",
        "ERROR tests/a/test_b.py::TestX::test_oci[granite-standard] - x.FailedPodsError: not running",
    ):
        assert is_error(line)
        assert is_follower(line)
