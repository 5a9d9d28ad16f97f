"""Why a model does not start stands on the dashboard while QA waits, with the key that stops it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from modelcar_tui.qa.seen import Seen
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import fold
from modelcar_tui.tui.screens.quit import QuitDialog
from pilot import support as s

DENIED = Seen(
    model="granite",
    object="granite",
    text="waiting for the image: unauthorized",
    cause="IMAGE_PULL_DENIED",
    mends_itself=False,
    at=1.0,
)
BUSY = msgspec.structs.replace(DENIED, text="no node takes its pod: 0/3", mends_itself=True)


def waits(folder: Path, *seen: Seen) -> list[e.AnyEvent]:
    return [*s.in_qa(s.spool(folder, 3), 3), e.QaSaw(seen=seen)]


async def test_a_cause_that_will_not_mend_itself_is_told_with_the_key_that_asks_to_stop(
    tmp_path: Path,
) -> None:
    engine = s.FakeEngine(waits(tmp_path, DENIED))
    async with s.dashboard(engine) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "waiting for the image: unauthorized"), "it is told")
        assert s.shows(app, "it will not mend itself")
        await pilot.press("S")
        await s.wait_for(pilot, lambda: isinstance(app.screen, QuitDialog), "the question is asked")
        assert "cancel" not in engine.calls


async def test_nothing_stops_where_waiting_may_help(tmp_path: Path) -> None:
    engine = s.FakeEngine(waits(tmp_path, BUSY))
    async with s.dashboard(engine) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "no node takes its pod"), "it is told")
        assert not s.shows(app, "it will not mend itself")
        await pilot.press("S")
        await pilot.pause(0.1)
        assert not isinstance(app.screen, QuitDialog)


def test_what_was_seen_goes_when_the_suite_ends_or_starts_again(tmp_path: Path) -> None:
    state = fold(s.stamp(waits(tmp_path, DENIED)))
    assert state.qa.seen == (DENIED,)
    assert fold(s.stamp([e.QaStarted(container="c", image="i", log="l")]), state).qa.seen == ()
    assert fold(s.stamp([e.QaSaw()]), state).qa.seen == ()
    outcome = e.QaFinished(outcome=s.finished("", 0)[-3].outcome)  # type: ignore[union-attr]
    assert fold(s.stamp([outcome]), state).qa.seen == ()
