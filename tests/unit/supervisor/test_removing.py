"""A run is removed whole or not at all, and never what somebody may still need."""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path

import pytest

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor import Settings, removing
from modelcar_tui.supervisor.removing import finish_removals, remove_old, remove_run
from modelcar_tui.supervisor.runs import RunFolder
from modelcar_tui.tui import ReplayPort
from run_makers import finished, make_run, qa_started, started


def fill(run: Path, name: str) -> None:
    path = run / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("work")


def test_a_run_that_has_ended_goes_with_all_that_it_holds(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    for name in (
        "qa/qa.log",
        "info/gpu_info.json",
        "trials/t.log",
        "checkpoint.sqlite-wal",
        ".journal.jsonl.x1",
    ):
        fill(run, name)
    assert remove_old(run) == ""
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize(
    ("holds", "says"),
    [
        ("replaced/a.yaml", "copies of files that it replaced"),
        ("not-written/a.generated.yaml", "a manifest to be put"),
        ("notes.txt", r"files of the operator's \(notes.txt\)"),
        ("modelcar.generated.yaml", "files of the operator's"),
        ("qa/stage/kubeconfig", "lent to QA was not taken back"),
    ],
)
def test_what_somebody_may_need_goes_by_force_alone(tmp_path: Path, holds: str, says: str) -> None:
    import re

    run = make_run(tmp_path)
    fill(run, holds)
    assert re.search(says, remove_old(run)) and re.search(says, remove_run(run))
    assert (run / holds).is_file()
    assert remove_run(run, force=True) == "" and not run.exists()


def test_a_run_that_is_being_shown_stays_until_the_screen_is_left(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    screen = ReplayPort(run)
    assert "shown by --replay" in remove_old(run) and "shown by --replay" in remove_run(run, force=True)
    RunFolder(run, Settings(manifest="x")).release()  # who goes on with it is not kept out
    del screen
    gc.collect()
    assert remove_old(run) == "" and not run.exists()


@pytest.mark.parametrize(
    ("name", "text"), [("settings.json", '{"editor.tabSize": 4}'), ("journal.jsonl", "{}\n")]
)
def test_another_program_s_folder_is_no_run_s_whatever_its_files_are_called(
    tmp_path: Path, name: str, text: str
) -> None:
    folder = tmp_path / ".vscode"
    folder.mkdir()
    assert "no run's folder" in remove_run(folder, force=True)
    (folder / name).write_text(text)
    assert "no run's folder" in remove_run(folder, force=True)
    assert (folder / name).read_text() == text


def test_what_can_be_gone_on_with_goes_only_by_its_name(tmp_path: Path) -> None:
    stopped = make_run(tmp_path, started(), finished(ExitStatus.INTERRUPTED), number=1)
    named = make_run(tmp_path, name="kept")
    for run, says in ((stopped, "can be gone on with"), (named, "a name that somebody gave it")):
        assert says in remove_old(run) and run.is_dir()
        assert remove_run(run) == ""


def test_a_suite_that_may_still_run_keeps_its_run(tmp_path: Path) -> None:
    run = make_run(tmp_path, started(), qa_started())
    assert "its QA may still be running" in remove_run(run)
    stopped = make_run(tmp_path, started(), qa_started(), finished(ExitStatus.INTERRUPTED), number=1)
    assert remove_run(stopped) == ""


def test_an_open_record_of_a_try_keeps_its_run(tmp_path: Path) -> None:
    from modelcar_tui.supervisor import events as e

    run = make_run(tmp_path, started(), e.Noticed(text="try abc123"), finished())
    (tmp_path / "trials").mkdir()
    (tmp_path / "trials" / "abc123.json").write_text("{}")
    assert "its try abc123 may have left something" in remove_run(run)
    (tmp_path / "trials" / "abc123.json").unlink()
    assert remove_run(run) == ""


def test_an_open_run_another_user_s_and_a_link_stay_whatever_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path)
    held = RunFolder.open(run)
    assert remove_run(run, force=True) == "it is open in another terminal"
    held.release()
    outside = make_run(tmp_path / "outside")
    link = tmp_path / "runs" / "20200101-000000-aaaaaa"
    link.symlink_to(outside)
    assert "it is a link" in remove_run(link, force=True)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "precious").touch()
    assert "no run's folder" in remove_run(tmp_path / "folder", force=True)
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    assert "another user" in remove_run(run, force=True)
    assert run.is_dir() and outside.is_dir() and link.is_symlink()


def test_links_in_a_run_are_not_followed(tmp_path: Path) -> None:
    run, precious = make_run(tmp_path), tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    (run / "info").symlink_to(precious)
    (run / "qa").mkdir()
    (run / "qa" / "link").symlink_to(precious)
    assert remove_old(run) == ""
    assert (precious / "file").read_text() == "mine"


def test_killed_in_the_middle_it_is_finished_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other = make_run(tmp_path), make_run(tmp_path, number=1)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(removing.shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        remove_old(run)
    monkeypatch.undo()
    (left,) = (tmp_path / "runs").glob(".*")
    assert left.name == f".{run.name}.removed" and not run.exists()
    finish_removals(tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == [other]


def test_what_can_t_be_deleted_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    assert remove_old(run).startswith("part of it can't be deleted and lies in ")
