"""What the list of runs asks of a state folder: words of an outcome, names for a command, removal."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from modelcar_tui.api import EarlierRun
from modelcar_tui.commands import choosing
from modelcar_tui.commands.choosing import Kept
from modelcar_tui.supervisor import Settings, recorded_run

ID = "20260101-000000-aaaaaa"


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Two runs that have ended, one in a folder that somebody has named, and one that can't be read."""
    settings = Settings(manifest="", state_dir=str(tmp_path / "state"))
    journal = recorded_run("demo:no-go", settings)
    for name in (ID, "of $(touch it)\x1b[2J"):
        folder = settings.runs_folder / name
        folder.mkdir(parents=True)
        shutil.copy(journal if journal.is_file() else journal / "journal.jsonl", folder / "journal.jsonl")
    (settings.runs_folder / "20250101-000000-bbbbbb").mkdir()
    (settings.runs_folder / "20250101-000000-bbbbbb" / "journal.jsonl").write_text("garbage\n")
    return Kept(settings)


def by_id(kept: Kept) -> dict[str, EarlierRun]:
    return {run.id: run for run in kept.runs()}


def test_an_outcome_is_told_in_words_where_its_journal_can_be_read(kept: Kept) -> None:
    runs = by_id(kept)
    assert kept.words(runs[ID]).startswith("NO-GO")
    assert kept.words(runs["20250101-000000-bbbbbb"]) == ""


def test_of_a_huge_run_no_journal_is_read_for_words(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "_MOST", 10)
    monkeypatch.setattr("modelcar_tui.api.load_run", lambda _: pytest.fail("read"))
    assert kept.words(by_id(kept)[ID]) == ""


def test_names_in_commands_are_one_word_of_a_shell_and_neutral(kept: Kept) -> None:
    runs = by_id(kept)
    assert kept.named(runs[ID]) == ID
    (odd,) = (run for name, run in runs.items() if name.startswith("of"))
    told = kept.named(odd)
    assert told.isprintable() and len(shlex.split(told)) == 1
    assert all(kept.manifest(run).isprintable() for run in runs.values())


def test_a_state_folder_that_was_named_stands_in_commands(tmp_path: Path) -> None:
    settings = Settings(manifest="", state_dir=str(tmp_path / "a b"))
    assert shlex.split(Kept(settings, elsewhere=True).state_dir) == ["--state-dir", str(tmp_path / "a b")]
    assert Kept(settings).state_dir == ""


def test_a_run_is_removed_or_it_is_said_why_not(kept: Kept, tmp_path: Path) -> None:
    runs = by_id(kept)
    assert kept.remove(runs[ID]) == ""
    assert not Path(runs[ID].folder).exists()
    broken = runs["20250101-000000-bbbbbb"]
    (Path(broken.folder) / "notes.txt").write_text("mine")
    assert "notes.txt" in kept.remove(broken) and Path(broken.folder).is_dir()
