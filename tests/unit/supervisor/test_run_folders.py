"""Folders of runs are private and our own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.supervisor.runs import RunFolder
from modelcar_tui.supervisor.settings import Settings


def test_no_run_is_kept_in_or_taken_from_a_folder_of_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(manifest="m.yaml", state_dir=str(tmp_path / "state"))
    run = RunFolder.create(settings)
    run.release()
    RunFolder.open(run.path).release()
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    for attempt in (lambda: RunFolder.create(settings), lambda: RunFolder.open(run.path)):
        with pytest.raises(UserError, match=rf"it belongs to another user \(uid {me}\)"):
            attempt()


def test_the_state_folder_becomes_private_unless_it_holds_other_things(tmp_path: Path) -> None:
    for name, others in (("ours", False), ("shared", True)):
        state = tmp_path / name
        state.mkdir(mode=0o755)
        if others:
            (state / "notes.txt").write_text("not a run's")
        run = RunFolder.create(Settings(manifest="m.yaml", state_dir=str(state)))
        run.release()
        assert state.stat().st_mode & 0o777 == (0o755 if others else 0o700)
        assert (state / "runs").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("odd", [b"\xff", b"\x1b[31m", b"\t", "\u200b".encode(), b"\n"])
def test_a_manifest_whose_name_no_journal_keeps_as_it_is_is_one_line(odd: bytes, tmp_path: Path) -> None:
    """Journals hold no such character, so the file would not be found by the name that they have."""
    with pytest.raises(UserError, match=r"a<U\+\w+>\S*.yaml: a name that is no UTF-8, or has") as caught:
        RunFolder.create(Settings(manifest=os.fsdecode(b"a" + odd + b".yaml"), state_dir=str(tmp_path)))
    assert str(caught.value).isprintable() and not list(tmp_path.iterdir())


def test_what_a_killed_write_left_in_any_of_its_folders_goes_when_a_run_goes_on(tmp_path: Path) -> None:
    run = RunFolder.create(Settings(manifest="x.yaml", state_dir=str(tmp_path)))
    run.release()
    (run.path / "qa").mkdir()
    left = [run.path / folder / ".outcome.json.9be1332e.modelcar-tui.tmp" for folder in (".", "info", "qa")]
    for path in left:
        path.write_bytes(b"{}")
    RunFolder.open(run.path).release()
    assert not any(path.exists() for path in left)
