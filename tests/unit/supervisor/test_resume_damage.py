"""A run whose files were damaged, lost or mixed up goes on by what is left, or says in one line why not."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from resumed import OF_QA, drive, kinds, same, unlike

from modelcar_tui.supervisor.journal import read_journal
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.supervisor.supervisor import Supervisor

UNLIKE = OF_QA | {"notices", "nodes_at"}


def resumed(folder: Path) -> RunState:
    asyncio.run(drive(Supervisor("", resume=folder)))
    return fold(read_journal(folder / "journal.jsonl"))


def damaged(folder: Path, kind: str, last: str) -> None:
    """The journal up to the last event of a kind, with all lines of another kind overwritten."""
    path = folder / "journal.jsonl"
    events = len(kinds(folder)) - kinds(folder)[::-1].index(last)
    lines = path.read_bytes().splitlines(keepends=True)[:events]
    hit = [number for number, line in enumerate(lines) if f'"event":{{"kind":"{kind}"'.encode() in line]
    assert hit
    for number in hit:
        lines[number] = b"\x00" * (len(lines[number]) - 1) + b"\n"
    path.write_bytes(b"".join(lines))


@pytest.mark.parametrize("last", ["ManifestWritten", "QaFinished"])
@pytest.mark.parametrize(
    "kind", ["RunStarted", "ManifestRead", "ModelLearned", "ClusterRead", "DecisionMade", "ManifestWritten"]
)
def test_what_stood_in_a_damaged_line_is_found_out_again(
    a_demo: tuple[Path, RunState], kind: str, last: str
) -> None:
    folder, state = a_demo
    target = Path(state.written.path) if state.written is not None else Path()
    wrote = target.read_bytes()
    damaged(folder, kind, last)
    if last == "ManifestWritten":
        shutil.rmtree(folder / "qa")
    again = resumed(folder)
    assert target.read_bytes() == wrote
    assert any("damaged" in one.text for one in again.notices)
    assert not unlike(same(again, without=UNLIKE), same(state, without=UNLIKE))
    assert kinds(folder).count("ApprovalGiven") == 1
