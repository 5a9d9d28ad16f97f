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


def test_a_manifest_whose_name_is_no_utf_8_is_one_line(tmp_path: Path) -> None:
    odd = os.fsdecode(b"a\xff.yaml")
    with pytest.raises(UserError, match=r"a<U\+DCFF>.yaml: a name that is no UTF-8"):
        RunFolder.create(Settings(manifest=odd, state_dir=str(tmp_path)))
