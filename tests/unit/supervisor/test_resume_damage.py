"""A run whose files were damaged, lost or mixed up goes on by what is left, or says in one line why not."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

import pytest
from resumed import OF_QA, cut, drive, kinds, same, unlike

from modelcar_tui.core.errors import UserError
from modelcar_tui.supervisor.journal import read_journal
from modelcar_tui.supervisor.runs import RunFolder
from modelcar_tui.supervisor.settings import Settings
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


def test_of_three_that_resume_one_run_one_goes_on(a_demo: tuple[Path, RunState]) -> None:
    folder, state = a_demo
    cut(folder, kinds(folder).index("ApprovalGiven") + 1)

    async def all_three() -> list[object]:
        three = [Supervisor("", resume=folder) for _ in range(3)]
        return await asyncio.gather(*map(drive, three), return_exceptions=True)

    came = asyncio.run(all_three())
    (gone_on,) = [one for one in came if isinstance(one, RunState)]
    told = [str(one) for one in came if isinstance(one, UserError)]
    assert told == [f"run {folder.name} is open in another terminal; close it there first"] * 2
    assert gone_on.finish is not None and gone_on.finish.exit_status == state.finish.exit_status
    after = kinds(folder)
    assert after.count("RunResumed") == after.count("ManifestWritten") == after.count("RunFinished") == 1


def test_with_the_journal_of_another_run_it_goes_on_and_leaves_that_run_alone(
    a_demo: tuple[Path, RunState], tmp_path: Path
) -> None:
    folder, state = a_demo
    other = RunFolder.create(Settings(manifest=state.path, state_dir=str(tmp_path), qa=False, llm=False))
    other.release()
    cut(folder, kinds(folder).index("DecisionMade") + 1)
    shutil.copy(folder / "journal.jsonl", other.path / "journal.jsonl")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again = asyncio.run(drive(Supervisor("", resume=other.path)))
    assert again.finish is not None and kinds(other.path)[-1] == "RunFinished"
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_clock_that_went_back_changes_nothing(
    a_demo: tuple[Path, RunState], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, state = a_demo
    cut(folder, kinds(folder).index("ApprovalGiven") + 1)
    shutil.rmtree(folder / "qa")
    now = time.time
    monkeypatch.setattr("time.time", lambda: now() - 86_400)
    again = resumed(folder)
    assert again.finish is not None and state.finish is not None
    assert again.finish.exit_status == state.finish.exit_status
    numbers = [one.seq for one in read_journal(folder / "journal.jsonl")]
    assert numbers == sorted(set(numbers))
