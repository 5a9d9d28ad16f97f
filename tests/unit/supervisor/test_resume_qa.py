"""A run that was killed while QA was about to start, or ran, comes to what it comes to undisturbed."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from resumed import OF_QA, cut, drive, kinds, same

from modelcar_tui.demo import demo_settings, prepare_demo
from modelcar_tui.supervisor.events import Status
from modelcar_tui.supervisor.journal import read_journal
from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.supervisor.supervisor import Supervisor


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunState]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELCAR_TUI_QA_SPEED", "0")
        state = str(tmp_path_factory.mktemp("demo"))
        first = Supervisor(prepare_demo(demo_settings(state_dir=state, approve=Approve.ALL)))
        done = asyncio.run(drive(first))
    assert first.folder is not None and done.qa.outcome is not None and done.qa.outcome.ok
    return first.folder, fold(read_journal(first.folder / "journal.jsonl"))


@pytest.mark.parametrize(
    ("last", "log"),
    [("ConsentGiven", 0), ("QaStarted", 0), ("QaStarted", 60), ("QaProgressed", 120), ("QaFinished", -1)],
)
def test_killed_behind(
    whole: tuple[Path, RunState], last: str, log: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELCAR_TUI_QA_SPEED", "0")
    folder, state = whole
    journal, qa = folder / "journal.jsonl", folder / "qa"
    kept, spool = journal.read_bytes(), (qa / "qa.log").read_bytes()
    try:
        cut(folder, kinds(folder).index(last) + 1)
        for file in folder.glob("checkpoint.sqlite*"):
            file.unlink()
        if log >= 0:
            shutil.rmtree(qa)
        if log > 0:
            qa.mkdir(mode=0o700)
            (qa / "qa.log").write_bytes(b"".join(spool.splitlines(keepends=True)[:log]))
        asyncio.run(drive(Supervisor("", resume=folder)))
        again = fold(read_journal(journal))
        assert same(again, without=frozenset(OF_QA)) == same(state, without=frozenset(OF_QA))
        assert not [step for pane in again.panes for step in pane.steps if step.status is Status.RUNNING]
        told = kinds(folder)
        assert told.count("ConsentGiven") == told.count("RunFinished") == 1
    finally:
        journal.write_bytes(kept)
