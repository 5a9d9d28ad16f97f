"""A recorded run through the same screens."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.manifest.plan import Decision
from modelcar_tui.supervisor.events import Stamped
from modelcar_tui.supervisor.state import fold
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.replay import LONGEST_GAP_S, ReplayPort
from pilot import support as s


def recorded(folder: Path) -> list[Stamped]:
    """A journal of a finished run, recorded elsewhere and moved here with its log."""
    s.spool(folder, 40)
    stamped = s.stamp(s.finished("/gone/with/the/machine/qa.log", 40))
    lines = b"".join(msgspec.json.encode(one) + b"\n" for one in stamped)
    (folder / "journal.jsonl").write_bytes(lines + b'{"cut":')
    return stamped


async def test_a_finished_run_is_shown_at_once_and_left_with_its_status(tmp_path: Path) -> None:
    recorded(tmp_path)
    app = DashboardApp(ReplayPort(tmp_path, speed=0))
    async with app.run_test(size=(120, 40)) as pilot:
        await s.wait_for(pilot, lambda: s.shows(app, "exit status 4"), "the end")
        await s.wait_for(pilot, lambda: s.shows(app, "40 lines follow"), "the log beside the journal")
        assert s.shows(app, "REPLAY")
        await pilot.press("q")
        await s.wait_for(pilot, lambda: app._exit, "q leaves without a question")
    assert app.return_value == 4


def test_a_replay_gives_the_same_state_whatever_its_pace(tmp_path: Path) -> None:
    stamped = recorded(tmp_path)
    clock = [0.0]
    port = ReplayPort(tmp_path / "journal.jsonl", speed=2.0, clock=lambda: clock[0])
    assert port.drain() == []
    port.start(lambda: None)
    got: list[Stamped] = []
    steps = 0
    while len(got) < len(stamped):
        got += port.drain()
        assert port.now() <= stamped[-1].at
        clock[0] += 0.25
        steps += 1
    assert steps > len(stamped), "events one second apart come half a second apart"
    assert [one.seq for one in got] == [one.seq for one in stamped]
    assert fold(got).finish == fold(stamped).finish
    assert port.now() == stamped[-1].at


def test_long_silences_are_cut(tmp_path: Path) -> None:
    events = s.stamp(s.begin())
    late = [msgspec.structs.replace(one, at=one.at + at * 3600) for at, one in enumerate(events)]
    (tmp_path / "journal.jsonl").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in late))
    clock = [0.0]
    port = ReplayPort(tmp_path, clock=lambda: clock[0])
    port.start(lambda: None)
    clock[0] = LONGEST_GAP_S * len(late)
    assert len(port.drain()) == len(late)


def test_a_replay_takes_no_answers_and_previews_what_was_recorded(tmp_path: Path) -> None:
    recorded(tmp_path)
    port = ReplayPort(tmp_path)
    first = s.plan().changes[0].id
    found = port.preview(Decision(plan_digest=s.plan().digest, accepted=(first,), write=True))
    assert [hunk.header for hunk in found.hunks] == ["@@ -17,9 +16,9 @@"]
    assert port.preview(Decision(plan_digest="other")).hunks == ()
    assert port.join(0)


@pytest.mark.parametrize(
    "content", [None, b"not json\n", b'{"seq": 1, "at": 0, "event": {"kind": "Nonsense"}}\n']
)
def test_no_journal_is_one_clear_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "journal.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        ReplayPort(tmp_path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
