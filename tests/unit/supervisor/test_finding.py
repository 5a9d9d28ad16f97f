"""Names of earlier runs: `last` is the newest that came to something, never a folder of where one stands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor.finding import find_run, run_folders
from modelcar_tui.supervisor.glance import glance_at
from modelcar_tui.supervisor.settings import Settings
from run_makers import finished, make_run, started

SLIP = (started(), finished(ExitStatus.USAGE))


def find(name: str, state: Path) -> Path:
    return find_run(name, Settings(manifest="", state_dir=str(state)))


def test_last_is_no_folder_of_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path / "state")
    (tmp_path / "last").mkdir()
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find("last", tmp_path / "state") == run
    assert find("./last", tmp_path / "state") == Path("./last")
    with pytest.raises(UserError, match=r"no run 'other'; see `agent runs`; .* is \./other"):
        find("other", tmp_path / "state")


def test_last_passes_over_slips_and_what_was_killed_before_it_began(tmp_path: Path) -> None:
    run = make_run(tmp_path, days=3)
    slip = make_run(tmp_path, *SLIP, days=2)
    make_run(tmp_path, days=1, settings=False)
    assert find("last", tmp_path) == run
    assert find(slip.name, tmp_path) == slip
    demo = make_run(tmp_path, days=0.5, demo=True)
    assert find("last", tmp_path) == demo


def test_a_slip_is_last_where_there_is_nothing_else(tmp_path: Path) -> None:
    slip = make_run(tmp_path, *SLIP)
    assert find("last", tmp_path) == slip


def test_last_is_no_run_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run(tmp_path)
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    with pytest.raises(UserError, match="no run 'last'"):
        find("last", tmp_path)


def test_an_id_is_found_by_its_start_where_that_is_one(tmp_path: Path) -> None:
    one, two = make_run(tmp_path, number=1), make_run(tmp_path, days=400, number=2)
    kept = make_run(tmp_path, name="kept-for-the-audit")
    assert find(one.name[:8], tmp_path) == one and find(two.name, tmp_path) == two
    assert run_folders(tmp_path / "runs") == [one, two, kept]
    for wrong in ("", "2", "9", "last.jsonl"):
        with pytest.raises(UserError, match=r"no run|fits 2 runs"):
            find(wrong, tmp_path)


def test_a_run_that_is_being_removed_is_none(tmp_path: Path) -> None:
    make_run(tmp_path, name=".20200101-000000-aaaaaa.removed")
    assert run_folders(tmp_path / "runs") == []


def test_a_glance_says_how_each_run_stands(tmp_path: Path) -> None:
    from modelcar_tui.supervisor import events as e

    asked = e.ApprovalRequested(request_id="1", plan_digest="d")
    seen = {
        "go": make_run(tmp_path, number=1),
        "slip": make_run(tmp_path, *SLIP, number=2),
        "open": make_run(tmp_path, started(), number=3),
        "waits": make_run(tmp_path, started(), asked, number=4),
        "stopped": make_run(tmp_path, started(), finished(ExitStatus.INTERRUPTED), number=5),
        "again": make_run(
            tmp_path, started(), finished(ExitStatus.INTERRUPTED), e.RunResumed(), finished(), number=6
        ),
        "goes on": make_run(tmp_path, started(), finished(ExitStatus.INTERRUPTED), e.RunResumed(), number=7),
        "nothing": make_run(tmp_path, settings=False, number=8),
    }
    told = {name: glance_at(folder) for name, folder in seen.items()}
    assert {name: (one.kind, one.resumable, one.waits) for name, one in told.items()} == {
        "go": ("run", False, ""),
        "slip": ("start", False, ""),
        "open": ("run", True, ""),
        "waits": ("run", True, "approval"),
        "stopped": ("run", True, ""),
        "again": ("run", False, ""),
        "goes on": ("run", True, ""),
        "nothing": ("nothing", False, ""),
    }
    again = told["again"].finish
    assert again is not None and again.exit_status == 0 and told["goes on"].finish is None


def test_an_end_is_found_behind_many_answers_and_never_in_a_text(tmp_path: Path) -> None:
    from modelcar_tui.supervisor import events as e

    hostile = e.Noticed(text='"event":{"kind":"RunFinished","exit_status":0' + "x" * 1000)
    run = make_run(tmp_path, started(), finished(1), *[hostile] * 200)
    seen = glance_at(run).finish
    assert seen is not None and seen.exit_status == 1
    assert glance_at(make_run(tmp_path, started(), *[hostile] * 3, number=9)).finish is None
