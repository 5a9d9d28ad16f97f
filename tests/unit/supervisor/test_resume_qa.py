"""A run that was killed while QA was about to start, or ran, comes to what it comes to undisturbed."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from resumed import OF_QA, cut, drive, kinds, same, unlike

from modelcar_tui.supervisor.events import Status
from modelcar_tui.supervisor.journal import read_journal
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.supervisor.supervisor import Supervisor


@pytest.mark.parametrize(
    ("last", "log"),
    [("ConsentGiven", 0), ("QaStarted", 0), ("QaStarted", 60), ("QaProgressed", 120), ("QaFinished", -1)],
)
def test_killed_behind(a_demo: tuple[Path, RunState], last: str, log: int) -> None:
    folder, state = a_demo
    qa = folder / "qa"
    spool = (qa / "qa.log").read_bytes()
    cut(folder, kinds(folder).index(last) + 1)
    for file in folder.glob("checkpoint.sqlite*"):
        file.unlink()
    if log >= 0:
        shutil.rmtree(qa)
    if log > 0:
        qa.mkdir(mode=0o700)
        (qa / "qa.log").write_bytes(b"".join(spool.splitlines(keepends=True)[:log]))
    asyncio.run(drive(Supervisor("", resume=folder)))
    again = fold(read_journal(folder / "journal.jsonl"))
    assert not unlike(same(again, without=OF_QA), same(state, without=OF_QA))
    assert not [step for pane in again.panes for step in pane.steps if step.status is Status.RUNNING]
    told = kinds(folder)
    assert told.count("ConsentGiven") == told.count("RunFinished") == 1
