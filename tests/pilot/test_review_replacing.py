"""The last question before a write: what stands there already is shown, and the word counts for that
alone."""

from __future__ import annotations

import threading

import msgspec
import pytest
from textual import events
from textual.pilot import Pilot

from modelcar_tui.manifest.plan import Decision
from modelcar_tui.manifest.standing import Kind, Replaced, Standing, when
from modelcar_tui.supervisor import events as e
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.screens.confirm import ConfirmDialog
from modelcar_tui.tui.screens.diff import DiffScreen
from modelcar_tui.tui.screens.finish import FinishDialog
from modelcar_tui.verdict.reports import ApplyPreview
from pilot import support as s

RUN = "20251009-070000-abc123"
THERE = Standing(
    path=s.TARGET,
    kind=Kind.FILE,
    size=900,
    written_at=s.T0 - 600,
    sha256="ab" * 32,
    lines=(3, 2, 3),
    by=f", changed since run {RUN} wrote it",
    read_only=True,
)
LINK = Standing(
    path=f"{s.TARGET}.patch",
    kind=Kind.LINK,
    link="../my\u202e.patch",
    written_at=s.T0 - 86_400 * 3,
    sha256="cd" * 32,
    lines=(1, 1, 1),
    by=" by no run known here",
)


class Standings(s.FakeEngine):
    """An engine whose previews say that something stands there."""

    def __init__(self, *there: Standing) -> None:
        super().__init__(s.decided())
        self.there = there
        self.disk = threading.Event()
        """Cleared: the disk takes its time."""
        self.disk.set()

    def preview(self, decision: Decision) -> ApplyPreview:
        self.disk.wait(10)
        return msgspec.structs.replace(super().preview(decision), replaces=self.there)


@pytest.fixture(autouse=True)
def short_deafness(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second is waited for only where it is what the test is about."""
    monkeypatch.setattr(DiffScreen, "deaf_s", 0.05)
    monkeypatch.setattr(ConfirmDialog, "deaf_s", 0.05)


async def asked(app: DashboardApp, pilot: Pilot[int]) -> DiffScreen:
    """Accept all and open the question."""
    await pilot.press("d")
    await s.wait_for(pilot, lambda: isinstance(app.screen, DiffScreen), "the review is open")
    await s.hears(app, pilot)
    screen = app.screen
    assert isinstance(screen, DiffScreen)
    await pilot.press("asterisk")
    await s.wait_for(pilot, lambda: screen.preview is not None, "the result is worked out")
    await pilot.press("W")
    await confirming(app, pilot)
    return screen


async def confirming(app: DashboardApp, pilot: Pilot[int]) -> None:
    await s.wait_for(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the confirmation is asked")
    await s.hears(app, pilot)


def question(app: DashboardApp) -> str:
    """The words inside the dialog's frame."""
    rows = s.screen_text(app)
    top = next(at for at, row in enumerate(rows) if "╭ Write the" in row)
    left = rows[top].index("╭ Write the")
    right = rows[top].index("╮", left)
    inner = []
    for row in rows[top + 1 :]:
        if row[left] == "╰":
            break
        inner.append(row[left + 1 : right])
    return " ".join(" ".join(inner).split())


@pytest.mark.parametrize("size", s.SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_question_says_what_stands_there_and_the_word_names_it(size: tuple[int, int]) -> None:
    engine = Standings(THERE, LINK)
    async with s.dashboard(engine, size) as (app, pilot):
        await asked(app, pilot)
        told = question(app)
        for text in (
            f"it exists written {when(THERE.written_at, s.T0)}, changed since run {RUN} wrote it",
            "3 lines differ (+2/-3), read-only",
            "granite.generated.yaml.patch: a link to ../my<U+202E>.patch",
            f"written {when(LINK.written_at)} by no run known here",
            "the link is replaced, not what it points to",
            "copies are kept in the run's folder",
            "type write to write",
        ):
            assert text in told, text
        assert engine.answers == []
        await pilot.press(*"write")
        await s.wait_for(pilot, lambda: engine.answers, "the answer is sent")
    assert engine.answers[0].replaces == (THERE.fingerprint, LINK.fingerprint)


async def test_nothing_there_is_said_to_the_engine_too() -> None:
    engine = Standings()
    async with s.dashboard(engine) as (app, pilot):
        await asked(app, pilot)
        assert not s.shows(app, "it exists") and not s.shows(app, "a copy is kept")
        await pilot.press(*"write")
        await s.wait_for(pilot, lambda: engine.answers, "the answer is sent")
    assert engine.answers[0].replaces == (), "what comes to stand there later is not meant"


async def test_the_question_looks_again_and_not_at_what_was_found_minutes_ago() -> None:
    engine = Standings()
    async with s.dashboard(engine) as (app, pilot):
        await pilot.press("d")
        await s.wait_for(pilot, lambda: isinstance(app.screen, DiffScreen), "the review is open")
        await s.hears(app, pilot)
        screen = app.screen
        await pilot.press("asterisk")
        await s.wait_for(pilot, lambda: screen.preview is not None, "the result is worked out")
        engine.there = (THERE,)
        await pilot.press("W")
        await confirming(app, pilot)
        assert s.shows(app, "it exists")


async def test_what_changes_while_the_word_is_typed_is_asked_again() -> None:
    engine = Standings()
    async with s.dashboard(engine) as (app, pilot):
        await asked(app, pilot)
        engine.there = (THERE,)
        first = app.screen
        await pilot.press(*"write")
        await s.wait_for(
            pilot, lambda: isinstance(app.screen, ConfirmDialog) and app.screen is not first, "again"
        )
        assert s.shows(app, "what stands there has changed since you were asked")
        assert s.shows(app, "it exists")
        assert engine.answers == []
        await s.hears(app, pilot)
        await pilot.press(*"write")
        await s.wait_for(pilot, lambda: engine.answers, "the answer is sent")
    assert engine.answers[0].replaces == (THERE.fingerprint,)


@pytest.mark.parametrize("size", [(60, 20), (80, 24)], ids=["60x20", "80x24"])
async def test_the_second_question_begins_with_what_is_new(size: tuple[int, int]) -> None:
    engine = Standings(LINK)
    async with s.dashboard(engine, size) as (app, pilot):
        await asked(app, pilot)
        engine.there = (THERE, LINK)
        first = app.screen
        await pilot.press(*"write")
        await s.wait_for(
            pilot, lambda: isinstance(app.screen, ConfirmDialog) and app.screen is not first, "again"
        )
        await s.hears(app, pilot)
        assert question(app).startswith("! what stands there has changed since you were asked")


@pytest.mark.parametrize("key", ["j", "down", "pagedown"])
@pytest.mark.parametrize("size", [(60, 20), (80, 24)], ids=["60x20", "80x24"])
async def test_the_rest_of_a_long_question_can_be_read_and_the_word_still_counts(
    size: tuple[int, int], key: str
) -> None:
    engine = Standings(
        THERE, LINK, *(msgspec.structs.replace(THERE, path=f"{s.TARGET}.{n}") for n in range(9))
    )
    async with s.dashboard(engine, size) as (app, pilot):
        await asked(app, pilot)
        assert "more rows: j" in question(app) and "(is not touched)" not in question(app)
        dialog = app.screen
        assert isinstance(dialog, ConfirmDialog)
        await pilot.press("w", "r")
        while dialog.top < dialog.below:
            before = dialog.top
            await pilot.press(key)
            assert dialog.top > before, "each key shows more"
        await s.wait_for(pilot, lambda: "(is not touched)" in question(app), "the last fact is shown")
        await pilot.press("k")
        await s.wait_for(pilot, lambda: dialog.top < dialog.below, "and back")
        assert engine.answers == []
        await pilot.press(*"ite")
        await s.wait_for(pilot, lambda: engine.answers, "the answer is sent")


async def test_a_word_that_holds_a_key_that_scrolls_can_be_typed() -> None:
    engine = Standings(THERE)
    async with s.dashboard(engine, (60, 20)) as (app, pilot):
        await pilot.press("d")
        await s.wait_for(pilot, lambda: isinstance(app.screen, DiffScreen), "the review is open")
        await s.hears(app, pilot)
        await pilot.press("R")
        await confirming(app, pilot)
        await pilot.press("j", *"reject")
        await s.wait_for(pilot, lambda: engine.answers, "the answer is sent")
    assert not engine.answers[0].write


async def test_keys_after_w_never_reach_the_review() -> None:
    """The question comes when the disk was looked at: a key typed meanwhile must not mark or edit."""
    engine = Standings(THERE)
    async with s.dashboard(engine) as (app, pilot):
        await pilot.press("d")
        await s.wait_for(pilot, lambda: isinstance(app.screen, DiffScreen), "the review is open")
        await s.hears(app, pilot)
        screen = app.screen
        assert isinstance(screen, DiffScreen)
        await pilot.press("space")
        await s.wait_for(pilot, lambda: screen.preview is not None, "the result is worked out")
        await s.wait_for(pilot, lambda: screen.tried is not None, "what the next one would do")
        engine.disk.clear()
        await pilot.press("W", "D", "minus", "equals_sign", "U")
        engine.disk.set()
        await confirming(app, pilot)
        assert screen.review.counts.accepted == 1 and screen.review.counts.rejected == 0
    assert engine.answers == []


async def test_required_changes_are_named_first() -> None:
    engine = Standings()
    async with s.dashboard(engine, (120, 40)) as (app, pilot):
        await asked(app, pilot)
        rows = s.screen_text(app)
        at = [
            next(i for i, row in enumerate(rows) if text in row and "│" in row and i > 8)
            for text in ("gpu_count 2 → 4", "1  1 removed")
        ]
        assert at[0] < at[1]


async def test_the_summary_says_what_was_replaced_and_where_its_copy_is() -> None:
    was, copy = "written 2025-10-09 08:03, read-only", f"/state/runs/{RUN}/replaced/x"
    replaced = Replaced(path=s.TARGET, was=was, copy=copy)
    written = e.ManifestWritten(path=s.TARGET, sha256="00", changes=4, replaced=(replaced,))
    engine = s.FakeEngine([*s.decided(), written])
    async with s.dashboard(engine, (120, 40)) as (app, pilot):
        await pilot.press("o")
        await s.wait_for(pilot, lambda: isinstance(app.screen, FinishDialog), "the summary")
        assert s.shows(app, "replaces what was written 2025-10-09 08:03, read-only; copy:")
        assert s.shows(app, f"/state/runs/{RUN}/replaced/x")


async def test_enter_behind_the_word_is_a_habit_and_no_fault() -> None:
    """Keys that come at once are read before the dialog is gone."""
    engine = Standings()
    async with s.dashboard(engine) as (app, pilot):
        await asked(app, pilot)
        await pilot.press(*"writ")
        dialog = app.screen
        dialog.post_message(events.Key("e", "e"))
        dialog.post_message(events.Key("enter", "\r"))
        dialog.post_message(events.Key("x", "x"))
        await s.wait_for(pilot, lambda: engine.answers, "the answer is sent")
        await pilot.pause()
        assert app._exception is None
