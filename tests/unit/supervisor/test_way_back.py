"""The way back that is told finds the run from the shell in which it is typed."""

from __future__ import annotations

import asyncio
import errno
import os
import shlex
from pathlib import Path

import pytest
from team import MANIFEST, fake_team

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor import checkpoint
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.engine import Engine
from modelcar_tui.supervisor.finding import find_run
from modelcar_tui.supervisor.journal import Journal
from modelcar_tui.supervisor.running import run_supervisor
from modelcar_tui.supervisor.runs import RunFolder
from modelcar_tui.supervisor.settings import Approve, Settings
from modelcar_tui.supervisor.supervisor import Supervisor
from modelcar_tui.supervisor.way_back import named_at

ID = "20261201-000000-abcdef"


def test_a_run_is_named_with_its_state_folder_where_commands_do_not_look_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELCAR_TUI_STATE_DIR", str(tmp_path / "usual"))
    assert named_at(ID, tmp_path / "usual" / "runs" / ID) == ID
    assert named_at(ID, tmp_path / "other" / "runs" / ID) == f"{ID} --state-dir {tmp_path}/other"
    monkeypatch.chdir(tmp_path)
    assert named_at(ID, Path("other/runs") / ID) == f"{ID} --state-dir {tmp_path}/other"
    odd = named_at(ID, tmp_path / "a b;rm" / "runs" / ID)
    assert shlex.split(odd) == [ID, "--state-dir", f"{tmp_path}/a b;rm"]
    assert named_at(ID, tmp_path / "a\x1b[2Jb" / "runs" / ID) == ID
    assert named_at("", tmp_path / "other" / "runs") == ""


def test_a_folder_in_the_home_is_named_as_it_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MODELCAR_TUI_STATE_DIR", raising=False)
    assert named_at(ID, tmp_path / "st" / "runs" / ID) == f"{ID} --state-dir ~/st"
    quoted = named_at(ID, tmp_path / "s t" / "runs" / ID)
    assert shlex.split(quoted)[-1] == f"{tmp_path}/s t"


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest, and a disk that is full once the manifest was read."""
    manifest = tmp_path / "x.base.yaml"
    manifest.write_text(MANIFEST)
    append = Journal.append

    def refuse(journal: Journal, event: e.AnyEvent, at: float) -> e.Stamped:
        if isinstance(event, e.ClusterRead) and not (tmp_path / "room").exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return append(journal, event, at)

    monkeypatch.setattr(Journal, "append", refuse)
    return manifest


def the_run(state: Path) -> Path:
    (run,) = (state / "runs").iterdir()
    return run


def test_a_full_disk_names_the_run_and_the_way_back_to_a_program(full: Path, tmp_path: Path) -> None:
    state = tmp_path / "st"
    with pytest.raises(UserError) as raised:
        run_supervisor(full, specialists=fake_team(), state_dir=str(state), approve=Approve.ALL)
    run = the_run(state)
    told, _, way = str(raised.value).partition("go on with: ")
    assert told.startswith("the disk is full")
    assert raised.value.status is ExitStatus.USAGE
    assert shlex.split(way) == ["agent", "--resume", run.name, "--state-dir", str(state)]
    (tmp_path / "room").touch()
    found = find_run(run.name, Settings(manifest="", state_dir=str(state)))
    assert run_supervisor("", specialists=fake_team(), resume=found, approve=Approve.ALL).written is not None


def test_the_dashboard_names_it_once(full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "st"
    monkeypatch.setattr("modelcar_tui.supervisor.supervisor.team", lambda *_: fake_team())
    engine = Engine(Settings(manifest=str(full), state_dir=str(state)))
    engine.start()
    assert engine.join(30)
    (line,) = engine.last_words()
    assert line.endswith(f"go on with: modelcar-tui --resume {the_run(state).name} --state-dir {state}")


@pytest.mark.parametrize("lacks", ["bytes", "files"])
def test_a_disk_without_room_for_the_files_beside_the_checkpoint_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacks: str
) -> None:
    import sqlite3

    real = os.statvfs(tmp_path)
    values = list(real)
    if lacks == "bytes":
        values[4] = 0  # f_bavail
    else:
        values[5:8] = [1000, 0, 0]  # f_files, f_ffree, f_favail
    monkeypatch.setattr(checkpoint.os, "statvfs", lambda _: os.statvfs_result(values))

    async def fails() -> None:
        async with checkpoint.open_saver(tmp_path / "checkpoint.sqlite"):
            raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(OSError, match="No space left"):
        asyncio.run(fails())
    monkeypatch.setattr(checkpoint.os, "statvfs", lambda _: real)
    with pytest.raises(sqlite3.OperationalError):
        asyncio.run(fails())


def test_a_run_that_was_stopped_says_where_it_is(full: Path, tmp_path: Path) -> None:
    (tmp_path / "room").touch()
    state = tmp_path / "st"

    async def stopped() -> Supervisor:
        supervisor = Supervisor(full, specialists=fake_team(), state_dir=str(state))
        async for _ in supervisor.run():
            if supervisor.state.waiting_for_approval:
                supervisor.cancel()
        return supervisor

    finish = asyncio.run(stopped()).state.finish
    assert finish is not None
    assert finish.summary.endswith(f"--resume {the_run(state).name} --state-dir {state}")


def test_a_folder_that_can_not_be_written_is_no_matter_of_another_state_folder(tmp_path: Path) -> None:
    run = RunFolder.create(Settings(manifest="x.yaml", state_dir=str(tmp_path)))
    run.release()
    (run.path / "lock").unlink()
    (run.path / "lock").mkdir()
    with pytest.raises(UserError, match="--replay shows the run as it is"):
        RunFolder.open(run.path)
