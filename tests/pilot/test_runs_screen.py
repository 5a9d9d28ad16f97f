"""The list of earlier runs: it arrives by itself, each key does what the row says, nothing goes unasked."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from modelcar_tui.api import EarlierRun
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.tui.listing import RunListApp
from modelcar_tui.tui.themes import PALETTES
from modelcar_tui.tui.widgets.runs import START_ONE, RunTable
from pilot import support as s
from pilot.test_snapshots import colours, held

NOW = s.T0 + 86_400 * 30


def earlier(at: int, **more: object) -> EarlierRun:
    """A run that ended with GO, `at` hours before now."""
    began = NOW - 3600 * at
    identifier = time.strftime("%Y%m%d-%H%M%S", time.gmtime(began)) + f"-{at:06x}"
    fields: dict[str, object] = {
        "id": identifier,
        "kind": "run",
        "began": began,
        "size": 75_000 + at,
        "end": "GO (status 0)",
        "verdict": "GO",
        "exit_status": 0,
        "manifest": f"/srv/models/team-{at % 3}/granite-{at}.base.yaml",
        "folder": f"/srv/state/runs/{identifier}",
    }
    return EarlierRun(**(fields | more))  # type: ignore[arg-type]


def some_of_each() -> list[EarlierRun]:
    """Newest first; hostile names among them."""
    open_end = {"verdict": None, "exit_status": None, "resumable": True}
    return [
        earlier(1, kind="start", end="UNKNOWN (status 2)", verdict="UNKNOWN", exit_status=2),
        earlier(2, end="NO-GO (status 1)", verdict="NO-GO", exit_status=1),
        earlier(3, end="waits for approval", **open_end),
        earlier(4, kind="demo", end="QA FAILED (status 4)", verdict="QA FAILED", exit_status=4),
        earlier(5, manifest="/srv/\x1b[2J\u202eevil\x07.yaml", size=3 * 2**30),
        earlier(6, end="NO-GO (status 130)", verdict="NO-GO", exit_status=130, resumable=True),
        earlier(
            7, kind="broken", began=None, end="its journal can't be read", verdict=None, exit_status=None
        ),
        earlier(9000, end="UNKNOWN (status 8)", verdict="UNKNOWN", exit_status=8),
    ]


class Shelf:
    """Runs out of a list; `hold` keeps all but the first back until it is set."""

    place = "~/.local/state/modelcar-tui/runs"
    state_dir = ""

    def __init__(self, runs: list[EarlierRun], *, why: str = "") -> None:
        self._runs = runs
        self._why = why
        self.hold = threading.Event()
        self.hold.set()
        self.removed: list[str] = []
        self.told: list[str] = []

    def runs(self) -> Iterator[EarlierRun]:
        for at, run in enumerate(self._runs):
            if at:
                self.hold.wait(30)
            yield run

    def words(self, run: EarlierRun) -> str:
        self.told.append(run.id)
        return "GO on L40S only (status 0)" if run.verdict == "GO" else ""

    def manifest(self, run: EarlierRun) -> str:
        from modelcar_tui.core.text import reveal

        return reveal(run.manifest)

    def named(self, run: EarlierRun) -> str:
        return run.id

    def remove(self, run: EarlierRun) -> str:
        if not self._why:
            self.removed.append(run.id)
        return self._why


@asynccontextmanager
async def listed(
    shelf: Shelf, size: tuple[int, int] = (120, 40), *, wait: bool = True, **options: object
) -> AsyncIterator[tuple[RunListApp, Pilot[int], RunTable]]:
    """The list, with all runs and the words of those that are seen."""
    app = RunListApp(shelf, clock=lambda: NOW, **options)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        await s.wait_for(pilot, lambda: bool(app.screen.query(RunTable)), "the list")
        table = app.screen.query_one(RunTable)
        if wait:
            reading = app.screen._reading  # type: ignore[attr-defined]
            await s.wait_for(pilot, lambda: not table.reading and not reading.busy, "all runs are read")
            await s.wait_for(pilot, lambda: app.screen.query_one("Prompt").ready, "the line to type in")  # type: ignore[attr-defined]
        yield app, pilot, table


def text(app: RunListApp) -> str:
    return "\n".join(s.screen_text(app))


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("time.time", lambda: NOW)  # a key looks at the clock
    for name in ("NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("size", s.SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_list_looks_as_recorded(size: tuple[int, int]) -> None:
    async with listed(Shelf(some_of_each()), size) as (app, _, _table):
        rows = s.screen_text(app)
    assert len(rows) == size[1] and all(row.isprintable() for row in rows)
    held(f"runs-{size[0]}x{size[1]}", rows)


@pytest.mark.parametrize("variant", ["ansi", "mono", "ascii"])
async def test_its_colours_and_signs_are_as_recorded(variant: str) -> None:
    options: dict[str, object] = {"ascii": True} if variant == "ascii" else {"theme": variant}
    async with listed(Shelf(some_of_each()), (80, 24), **options) as (app, _, _table):
        rows = s.screen_text(app) if variant == "ascii" else colours(app)  # type: ignore[arg-type]
    assert variant != "ascii" or all(row.isascii() for row in rows)
    held(f"runs-80x24-{variant}", rows)


async def test_the_first_run_is_shown_while_the_others_are_read_and_the_cursor_keeps_its_run() -> None:
    shelf = Shelf([earlier(at) for at in range(2, 5)] + [earlier(9, resumable=True, end="not finished")])
    shelf.hold.clear()
    async with listed(shelf, wait=False) as (app, pilot, table):
        await s.wait_for(pilot, lambda: "granite-2" in text(app), "the first run")
        assert "1 run, reading" in text(app)
        await pilot.press("up", "down")
        assert table.run is not None and table.run.id == earlier(2).id
        shelf.hold.set()
        await s.wait_for(pilot, lambda: "4 runs" in text(app), "all of them")
        rows = [run.id for run in table.shown if isinstance(run, EarlierRun)]
        assert rows[0] == earlier(9).id, "what can go on stands first"
        assert table.run.id == earlier(2).id


async def test_five_thousand_runs_answer_every_key_at_once() -> None:
    shelf = Shelf([earlier(at) for at in range(5_000)])
    async with listed(shelf) as (app, pilot, table):
        assert "5,000 runs" in text(app)
        began = time.monotonic()
        await pilot.press("end", "pageup", "home", "b", "b", "end")
        assert table.run is not None and table.run.id == earlier(4_999).id
        assert time.monotonic() - began < 5, "seconds on a busy machine"
        assert len(shelf.told) < 200, "words are read only for runs that are seen"


@pytest.mark.parametrize(
    ("hours", "key", "choice"),
    [
        (3, "enter", "resume"),
        (3, "u", "resume"),
        (3, "P", "replay"),
        (6, "enter", "resume"),
        (2, "enter", "replay"),
        (2, "P", "replay"),
        (4, "enter", "replay"),
    ],
)
async def test_a_key_chooses_what_the_row_says(hours: int, key: str, choice: str) -> None:
    async with listed(Shelf(some_of_each())) as (app, pilot, table):
        await to(pilot, table, hours)
        await pilot.press(key)
        await s.wait_for(pilot, lambda: bool(app.choice), "the choice")
    assert (app.choice, app.folder.rpartition("-")[2]) == (choice, f"{hours:06x}")
    assert app.return_value == ExitStatus.GO


async def to(pilot: Pilot[int], table: RunTable, hours: int) -> None:
    """Put the cursor on that run, in whatever group it is."""
    await pilot.press(*(["b"] if table.grouped else []), "home")
    for _ in table.shown:
        if table.run is not None and table.run.id.endswith(f"{hours:06x}"):
            return
        await pilot.press("j")
    raise AssertionError(hours)


async def test_what_has_ended_or_is_broken_is_not_gone_on_with_and_says_so() -> None:
    async with listed(Shelf(some_of_each())) as (app, pilot, table):
        await to(pilot, table, 2)
        await pilot.press("u")
        assert "this run can't be gone on with; P shows it again" in text(app)
        await to(pilot, table, 7)
        for key in ("enter", "u", "P"):
            await pilot.press(key)
            assert "its journal can't be read; nothing to show" in text(app)
        await pilot.press("y")
        assert "no run is under the cursor" in text(app)
        assert not app.choice


@pytest.mark.parametrize("key", ["q", "escape", "ctrl+c"])
async def test_the_list_is_left_with_status_0_and_nothing_chosen(key: str) -> None:
    async with listed(Shelf(some_of_each())) as (app, pilot, _table):
        await pilot.press(key)
        await s.wait_for(pilot, lambda: app.return_value is not None, "the end")
    assert app.return_value == ExitStatus.GO and not app.choice


async def test_groups_fold_and_the_filter_narrows() -> None:
    async with listed(Shelf(some_of_each())) as (app, pilot, table):
        assert "can go on  2" in text(app) and "granite-1.base" not in text(app), "slips begin folded"
        await pilot.press("end", "enter")
        assert "granite-7" in text(app)
        await pilot.press("slash", *"team-1", "enter")
        runs = [run.id[-6:] for run in table.shown if isinstance(run, EarlierRun)]
        assert runs == ["000004", "000007"] and "earlier runs  /team-1" in text(app)
        await pilot.press("slash", "escape")
        assert "can go on  2" in text(app)


async def test_a_run_is_removed_by_a_typed_word_alone() -> None:
    shelf = Shelf(some_of_each())
    async with listed(shelf) as (app, pilot, table):
        run = table.run
        assert run is not None and run.resumable
        await pilot.press("B")
        await s.wait_for(pilot, lambda: "it can be gone on with; once removed it can't" in text(app), "asked")
        await s.hears(app, pilot)  # type: ignore[arg-type]
        await pilot.press("enter", *"remov", "escape")
        assert not shelf.removed
        await pilot.press("B")
        await s.wait_for(pilot, lambda: "type remove" in text(app), "asked again")
        await s.hears(app, pilot)  # type: ignore[arg-type]
        await pilot.press(*"remove")
        await s.wait_for(pilot, lambda: f"run {run.id} is removed" in text(app), "removed")
        assert shelf.removed == [run.id] and run.id not in [one.id for one in table.runs]
        assert table.run is not None and table.run.id == earlier(6).id


async def test_why_a_run_is_not_removed_is_said_and_it_stays() -> None:
    shelf = Shelf(some_of_each(), why="it is open in another terminal")
    async with listed(shelf, (80, 24)) as (app, pilot, table):
        await pilot.press("B")
        await s.wait_for(pilot, lambda: "type remove" in text(app), "asked")
        await s.hears(app, pilot)  # type: ignore[arg-type]
        await pilot.press(*"remove")
        await s.wait_for(pilot, lambda: "not removed: it is open in another" in text(app), "refused")
        assert len(table.runs) == len(some_of_each())


async def test_commands_are_copied_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr("modelcar_tui.tui.clipboard.send", lambda sent, *_: copied.append(sent) or "sent")
    async with listed(Shelf(some_of_each())) as (app, pilot, table):
        identifier = earlier(3).id
        assert table.run is not None and table.run.id == identifier
        await pilot.press("y")
        await s.wait_for(pilot, lambda: f"modelcar-tui --resume {identifier}  (sent)" in text(app), "told")
        await pilot.press("O")
        await s.wait_for(pilot, lambda: f"agent report {identifier} -o run-" in text(app), "told")
        await to(pilot, table, 2)
        await pilot.press("y")
        await s.wait_for(pilot, lambda: len(copied) == 3, "copied")
    assert copied[2] == f"modelcar-tui --replay {earlier(2).id}"


async def test_an_empty_list_names_the_command_that_makes_a_run() -> None:
    async with listed(Shelf([]), (120, 40)) as (app, pilot, _table):
        assert START_ONE in text(app)
        await pilot.press("enter", "j", "B", "u", "O")
        assert app.return_value is None


async def test_help_commands_and_themes_open_over_the_list() -> None:
    async with listed(Shelf(some_of_each())) as (app, pilot, _table):
        await pilot.press("question_mark")
        await s.wait_for(pilot, lambda: "go on with the earlier run" in text(app), "the keys")
        await pilot.press("q", "ctrl+p")
        await s.wait_for(pilot, lambda: "type a part of the command" in text(app), "the commands")
        await pilot.press(*"mono", "enter")
        await s.wait_for(pilot, lambda: app.face.palette is PALETTES["mono"], "the theme")


async def test_a_fault_while_reading_leaves_what_was_read_and_is_said() -> None:
    class Torn(Shelf):
        def runs(self) -> Iterator[EarlierRun]:
            yield earlier(2)
            raise RuntimeError("secret")

    async with listed(Torn([])) as (app, _pilot, table):
        assert len(table.runs) == 1 and "a fault of ours (RuntimeError)" in text(app)
        assert "secret" not in text(app)
