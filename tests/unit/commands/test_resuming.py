"""A run whose kept settings can't be read: both commands say which field, and what is wrong with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from modelcar_tui.commands import dashboard, start
from modelcar_tui.commands.preferences import look
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor.runs import SETTINGS, RunFolder
from modelcar_tui.supervisor.settings import Settings

BIN = Path(sys.executable).parent
ODD = {"qa_parallel": "many", "approve": "some"}


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The settings file of a run that another hand edited."""
    run = RunFolder.create(Settings(manifest="m.yaml", state_dir=str(tmp_path)))
    run.release()
    file = run.path / SETTINGS
    file.write_text(json.dumps(json.loads(file.read_bytes()) | ODD))
    return file


def resume(kept: Path, program: str = "agent", name: str = "last") -> subprocess.CompletedProcess[str]:
    line = [BIN / program, "--resume", name, "--state-dir", kept.parents[2]]
    return subprocess.run(
        line, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=100, check=False
    )


@pytest.mark.parametrize("program", ["agent", "modelcar-tui"])
def test_each_field_that_can_not_be_read_is_a_line(kept: Path, program: str) -> None:
    done = resume(kept, program)
    assert done.returncode == ExitStatus.USAGE
    told = [line for line in done.stderr.splitlines() if "no terminal" not in line]
    assert [line.partition(": input should be ")[0] for line in sorted(told)] == [
        f"{kept}: {field}" for field in sorted(ODD)
    ]
    assert all(f"`agent schema settings` says what {field} may be" in done.stderr for field in ODD)


def test_the_dashboard_does_not_come_for_such_a_run(kept: Path) -> None:
    args = start.parser().parse_args(["--resume", "last", "--state-dir", str(kept.parents[2])])
    with pytest.raises(UserError) as refused:
        dashboard.run(args, look(args))
    assert {one.where for one in refused.value.problems} == {f"{kept}: {field}" for field in ODD}


def test_what_is_no_text_of_settings_is_told_as_such(kept: Path) -> None:
    kept.write_bytes(b"{")
    assert f"{kept}: invalid JSON" in resume(kept).stderr
    kept.unlink()
    named = resume(kept, name=kept.parent.name)
    assert "this is no run that can be resumed; see `agent runs`" in named.stderr
    assert "no run 'last'; see `agent runs`" in resume(kept).stderr


def test_settings_that_can_be_read_load_no_pydantic(kept: Path) -> None:
    kept.write_text(json.dumps({"manifest": "m.yaml"}))
    code = (
        "import sys; from modelcar_tui.commands.resuming import run_to_resume; "
        "from modelcar_tui.supervisor.settings import Settings; "
        f"run_to_resume({str(kept.parent)!r}, Settings(manifest='')); "
        "assert not {'pydantic', 'modelcar_tui.schemas.settings'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
