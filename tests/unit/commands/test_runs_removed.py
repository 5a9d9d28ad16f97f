"""`agent rm`, `agent prune`, `agent resume`, `agent replay`, and the list over thousands of runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelcar_tui import agent
from modelcar_tui.core.exit_codes import ExitStatus
from run_makers import age, finished, make_run, started


def call(state: Path, *words: str) -> int:
    return agent.main([*words, "--state-dir", str(state)])


def test_rm_removes_each_by_its_id_and_none_where_a_name_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = make_run(tmp_path, number=1), make_run(tmp_path, days=40, number=2)
    for wrong, says in (
        ("20", "fits 2 runs"),
        ("nope", "no run 'nope'"),
        ("last", "by its own name"),
        ("", "no run"),
    ):
        assert call(tmp_path, "rm", one.name, wrong) == 2
        assert says in capsys.readouterr().err and one.is_dir() and two.is_dir()
    assert call(tmp_path, "rm", one.name, two.name[:8], one.name) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split(" (")[0] for line in told] == [f"removed: {one.name}", f"removed: {two.name}"]
    assert list((tmp_path / "runs").iterdir()) == []


def test_rm_says_what_holds_a_run_and_how_to_remove_it_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, other = make_run(tmp_path), make_run(tmp_path, number=1)
    (run / "replaced").mkdir()
    (run / "replaced" / "a.yaml").touch()
    assert call(tmp_path, "rm", run.name, other.name) == 2
    told = capsys.readouterr()
    assert told.err == (
        f"{run.name}: not removed: it holds copies of files that it replaced (replaced/); "
        "to remove it with that: --force\n"
    )
    assert run.is_dir() and not other.exists()
    assert call(tmp_path, "rm", run.name, "--force") == 0 and not run.exists()


def test_prune_shows_what_goes_and_what_stays_and_removes_only_when_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = make_run(tmp_path, days=100, number=1)
    waits = make_run(tmp_path, started(), days=100, number=2)
    make_run(tmp_path, days=3, number=3)
    for words in ((), ("--dry-run",)):
        assert call(tmp_path, "prune", *words) == 0
        told = capsys.readouterr()
        assert told.out.splitlines() == [
            f"{old.name}      1 KiB  older than 90 days",
            "their time has come, but they stay:",
            f"{waits.name}      1 KiB  it has not finished and can be gone on with",
        ]
        assert told.err.startswith("1 would go (1 KiB), 1 held; 2 KiB stay in") and old.is_dir()
    assert call(tmp_path, "prune", "--yes") == 0
    assert capsys.readouterr().err.startswith("1 removed (1 KiB), 1 held; ")
    assert not old.exists() and waits.is_dir()
    assert call(tmp_path, "prune", "--older-than", "2", "--yes") == 0
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [waits.name]


def test_the_settings_say_what_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(tmp_path, days=31)
    monkeypatch.setenv("MODELCAR_TUI_RUNS_KEEP_DAYS", "30")
    call(tmp_path, "prune")
    assert "older than 30 days" in capsys.readouterr().out
    monkeypatch.setenv("MODELCAR_TUI_RUNS_KEEP_SIZE", "2 gigs")
    assert call(tmp_path, "prune") == 2
    assert 'MODELCAR_TUI_RUNS_KEEP_SIZE: "2 gigs": is no size' in capsys.readouterr().err


def test_resume_and_replay_are_commands_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path, started(), finished(ExitStatus.NO_GO))
    for words in (("replay", "last"), ("--replay", "last")):
        assert call(tmp_path, *words, "--format", "jsonl") == ExitStatus.NO_GO
        kinds = [json.loads(line)["event"]["kind"] for line in capsys.readouterr().out.splitlines()]
        assert kinds == ["RunStarted", "RunFinished"]
    assert call(tmp_path, "resume", "nope") == 2
    assert "no run 'nope'; see `agent runs`" in capsys.readouterr().err
    assert call(tmp_path, "resume", run.name[:15], "--format", "json") == ExitStatus.NO_GO


def test_the_list_by_kind_in_json_and_all_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(60):
        make_run(tmp_path, days=number / 100, demo=number % 2 == 1, number=number)
    make_run(tmp_path, started(), finished(ExitStatus.USAGE), number=61)
    make_run(tmp_path, settings=False, number=62)
    assert call(tmp_path, "runs") == 0
    told = capsys.readouterr()
    assert "and 12 older (--all); to remove one: agent rm ID" in told.err
    assert "1 without a journal that can be read: " in told.err
    assert call(tmp_path, "runs", "--all", "--kind", "demo") == 0
    assert len(capsys.readouterr().out.splitlines()) == 31
    assert call(tmp_path, "runs", "--all", "--format", "json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert (len(listed["runs"]), len(listed["unreadable"]), listed["older"]) == (61, 1, 0)
    assert sorted({run["kind"] for run in listed["runs"]}) == ["demo", "run", "start"]


def test_names_from_outside_are_shown_and_not_obeyed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path, started(manifest="/m/\x1b[31m.yaml"), finished(), name="a\x1b]0;x\x07", days=100)
    age(run, 100)
    for words in (("runs",), ("prune",), ("rm", "a\x1b]0;x\x07\x1b")):
        call(tmp_path, *words)
        told = capsys.readouterr()
        assert "\x1b" not in told.out + told.err and "\x07" not in told.out + told.err
