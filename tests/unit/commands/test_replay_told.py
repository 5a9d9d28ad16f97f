"""A run told again: its journal is read once, and one that is open elsewhere is said to be."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from modelcar_tui import agent, cli
from modelcar_tui.core.resources import demo_logs
from modelcar_tui.supervisor import recorded


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_the_journal_is_read_once(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read = []
    whole = recorded.read_journal
    monkeypatch.setattr(
        recorded, "read_journal", lambda *path, **more: read.append(path) or whole(*path, **more)
    )
    assert agent.main(["--replay", "demo:no-go", "--format", form]) == 1
    out = capsys.readouterr().out
    assert len(read) == 1
    if form == "jsonl":
        assert len(out.splitlines()) == len((demo_logs() / "no-go.jsonl").read_text().splitlines())
        assert all(json.loads(line)["seq"] for line in out.splitlines())


def test_a_run_that_is_open_elsewhere_is_told_so_far(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes((demo_logs() / "no-go.jsonl").read_bytes())
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert agent.main(["--replay", str(path), "--format", "json"]) == 1
    assert "open elsewhere" in capsys.readouterr().err
    assert agent.main(["--replay", str(path), "--format", "json"]) == 1
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        (["--replay", "last", "--speed", "65"], "from 0.25 to 64"),
        (["--replay", "last", "--speed", "0.1"], "from 0.25 to 64"),
        (["--replay", "last", "--speed", "nan"], "from 0.25 to 64"),
        (["--replay", "last", "--speed", "fast"], "from 0.25 to 64"),
        (["--demo", "--speed", "2"], "--speed is of a replay on the screen"),
        (["--replay", "last", "--headless", "--speed", "2"], "--speed is of a replay on the screen"),
        (["--replay", "last", "--picture", "a.svg", "--speed", "2"], "--speed is of a replay on the screen"),
    ],
)
def test_a_speed_that_no_replay_has_is_one_line(
    argv: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == 2
    err = capsys.readouterr().err
    assert what in err and len(err.splitlines()) == 1
