"""A run that was killed at any event goes on and comes to the same state; the journal alone suffices."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import msgspec
import pytest
from resumed import cut, drive, kinds, same
from team import MANIFEST, fake_team

from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.supervisor.supervisor import Supervisor


@pytest.fixture
def whole(tmp_path: Path) -> tuple[Path, RunState]:
    manifest = tmp_path / "x.base.yaml"
    manifest.write_text(MANIFEST)
    first = Supervisor(manifest, specialists=fake_team(), state_dir=str(tmp_path / "state"))
    state = asyncio.run(drive(first))
    assert first.folder is not None
    return first.folder, state


@pytest.mark.parametrize("checkpoint", ["none", "lags", "leads", "agrees"])
def test_it_goes_on_behind_any_event_whatever_the_checkpoint_says(
    whole: tuple[Path, RunState], tmp_path: Path, checkpoint: str
) -> None:
    """Without one the journal suffices behind every event; with one, behind those that it is about."""
    folder, state = whole
    before, target = kinds(folder), tmp_path / "x.generated.yaml"
    wrote, lines = target.read_bytes(), (folder / "journal.jsonl").read_bytes()
    leads = (folder / "checkpoint.sqlite").read_bytes()
    few = [before.index(kind) + 1 for kind in ("ClusterRead", "ApprovalGiven", "ManifestWritten")]
    for events in range(len(before)) if checkpoint == "none" else few:
        (folder / "journal.jsonl").write_bytes(lines)
        if checkpoint in ("lags", "agrees"):
            stopped_behind(folder, events - 2 if checkpoint == "lags" else events)
        stands = {"none": b"", "leads": leads}.get(checkpoint)
        (folder / "journal.jsonl").write_bytes(lines)
        cut(folder, events)
        if "ManifestWritten" not in before[:events]:
            target.unlink(missing_ok=True)
        if stands is not None:
            for file in folder.glob("checkpoint.sqlite*"):
                file.unlink()
            (folder / "checkpoint.sqlite").write_bytes(stands)
        again = asyncio.run(drive(Supervisor("", specialists=fake_team(), resume=folder)))
        assert same(again) == same(state), (events, before[:events][-1:])
        assert target.read_bytes() == wrote
        after = kinds(folder)
        assert after.count("RunFinished") == after.count("ApprovalGiven") == 1
        assert after.count("ManifestWritten") == 1
    assert len(before) > 20


def stopped_behind(folder: Path, events: int) -> None:
    """The checkpoint of a process that ended there, by its own journal."""
    cut(folder, events)
    for file in folder.glob("checkpoint.sqlite*"):
        file.unlink()

    async def some() -> None:
        supervisor = Supervisor("", specialists=fake_team(), resume=folder)
        async for _ in supervisor.run():
            if supervisor.state.waiting_for_approval or supervisor.state.seq > events:
                supervisor.cancel(detach=True)

    asyncio.run(some())


@pytest.mark.parametrize("damage", ["empty", "garbage", "cut", "older", "of another graph"])
def test_a_checkpoint_that_can_t_be_used_is_made_anew(
    whole: tuple[Path, RunState], damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, state = whole
    cut(folder, kinds(folder).index("ApprovalGiven") + 1)
    path = folder / "checkpoint.sqlite"
    match damage:
        case "empty":
            path.write_bytes(b"")
        case "garbage":
            path.write_bytes(b"garbage" * 1000)
        case "cut":
            path.write_bytes(path.read_bytes()[:3000])
        case "of another graph":
            monkeypatch.setattr("modelcar_tui.supervisor.graph.GRAPH_VERSION", 99)
    again = asyncio.run(drive(Supervisor("", specialists=fake_team(), resume=folder)))
    said = [one.text for one in again.notices]
    told = damage in ("garbage", "cut")
    assert said == (
        ["the checkpoint could not be read and was made anew: the run goes on by its journal"] * told
    )
    assert same(msgspec.structs.replace(again, notices=())) == same(state)
    assert kinds(folder).count("ApprovalRequested") == 1


def test_an_answer_to_another_plan_is_none_to_this_one(whole: tuple[Path, RunState]) -> None:
    folder, _ = whole
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    given = kinds(folder).index("ApprovalGiven")
    digest = msgspec.json.decode(lines[given])["event"]["decision"]["plan_digest"]
    lines[given] = lines[given].replace(digest.encode(), b"0" * len(digest))
    (folder / "journal.jsonl").write_bytes(b"".join(lines[: given + 1]))
    asyncio.run(drive(Supervisor("", specialists=fake_team(), resume=folder)))
    assert kinds(folder).count("ApprovalGiven") == 2


def test_a_notice_is_kept_once(whole: tuple[Path, RunState]) -> None:
    from modelcar_tui.supervisor.state import fold

    notice = e.Stamped(1, 1.0, e.Noticed(text="x"))
    other = e.Stamped(2, 2.0, e.Noticed(text="x", status=e.Status.FAILED))
    assert len(fold([notice, notice, other, other]).notices) == 2


def test_a_journal_of_an_earlier_release_says_by_its_panes_what_has_ended(
    whole: tuple[Path, RunState],
) -> None:
    folder, state = whole
    cut(folder, kinds(folder).index("ApprovalGiven") + 1)
    path = folder / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b',"ended":"done"', b""))
    ran = folder.parent.parent / "ran.txt"
    before = ran.read_text()
    again = asyncio.run(drive(Supervisor("", specialists=fake_team(), resume=folder)))
    assert same(again) == same(state)
    assert ran.read_text() == before + "qa\n"


def test_the_settings_of_the_answer_do_not_matter_once_it_is_given(whole: tuple[Path, RunState]) -> None:
    folder, _ = whole
    shutil.rmtree(folder / "info")
    cut(folder, kinds(folder).index("ApprovalGiven") + 1)
    supervisor = Supervisor("", specialists=fake_team(), resume=folder, approve=Approve.SHOW)
    assert asyncio.run(drive(supervisor)).written is not None
