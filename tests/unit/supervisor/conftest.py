"""A finished demo, with all of our specialists, to be damaged by tests."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from resumed import drive

from modelcar_tui.demo import demo_settings, prepare_demo
from modelcar_tui.supervisor.journal import read_journal
from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.supervisor.supervisor import Supervisor


@pytest.fixture(scope="session")
def one_demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of the run, and a copy of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELCAR_TUI_QA_SPEED", "0")
        state = tmp_path_factory.mktemp("demo")
        settings = demo_settings(state_dir=str(state), approve=Approve.ALL, llm=False)
        run = Supervisor(prepare_demo(settings))
        done = asyncio.run(drive(run))
    assert run.folder is not None and done.qa.outcome is not None and done.qa.outcome.ok
    shutil.copytree(run.folder, state / "copy")
    return run.folder, state / "copy"


@pytest.fixture
def a_demo(one_demo: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, RunState]]:
    """A run's folder as it was left, and the state that its journal tells."""
    folder, copy = one_demo
    monkeypatch.setenv("MODELCAR_TUI_QA_SPEED", "0")
    yield folder, fold(read_journal(folder / "journal.jsonl"))
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
