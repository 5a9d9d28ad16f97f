"""`agent runs`: kinds of runs apart, sizes, short paths, and how to delete one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from modelcar_tui.commands.runs import short_path
from modelcar_tui.core.sizes import size_text

BIN = Path(sys.executable).parent
ONE = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://127.0.0.1:9/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments: {gpu_count: 1, args: [--max-model-len=2048]}
"""


def agent(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "agent", *map(str, args)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=100,
        check=False,
        cwd=cwd,
    )


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A demo, a run, a start with an inventory that is none, and a folder without a journal."""
    folder = tmp_path / "state"
    (tmp_path / "one.base.yaml").write_text(ONE)
    (tmp_path / "nodes.json").write_text("[]")
    common = ("--no-llm", "--no-qa", "--state-dir", folder)
    one = ("--config", tmp_path / "one.base.yaml")
    assert agent("--demo", *common, cwd=tmp_path).returncode in (0, 1)
    assert agent(*one, "--gpu", "L40S:4", *common, cwd=tmp_path).returncode == 0
    assert agent(*one, "--inventory", tmp_path / "nodes.json", *common, cwd=tmp_path).returncode == 2
    (folder / "runs" / "20200101-000000-aaaaaa").mkdir()
    return folder


def test_demos_and_starts_stand_apart_from_runs_with_sizes_and_short_paths(state: Path) -> None:
    done = agent("runs", "--state-dir", state, cwd=state.parent)
    assert done.returncode == 0
    rows = done.stdout.splitlines()
    assert len(rows) == 5, done.stdout
    assert "  GO" in rows[0] and rows[0].endswith(" (status 0)  one.base.yaml")
    assert rows[1] == "demos:" and rows[2].endswith("  sample_modelcar_config.base.yaml")
    assert rows[3].startswith("ended before a model was judged") and "(status 2)" in rows[4]
    size = sum(path.stat().st_size for path in (state / "runs" / rows[0][:22]).rglob("*") if path.is_file())
    assert rows[0][42:51].strip() == size_text(size)
    told = done.stderr.splitlines()
    assert told[0] == "1 without a journal that can be read: 20200101-000000-aaaaaa"
    assert told[1].startswith("3 runs, ") and told[1].endswith("to remove one: agent rm ID")


def test_the_ids_are_what_resume_and_replay_take(state: Path) -> None:
    first = agent("runs", "--state-dir", state, cwd=state.parent).stdout.split()[0]
    done = subprocess.run(
        [BIN / "modelcar-tui", "--headless", "--replay", first, "--state-dir", state],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0 and "granite-3.1-8b-instruct" in done.stdout


def test_no_runs_are_said_with_their_place(tmp_path: Path) -> None:
    done = agent("runs", "--state-dir", tmp_path, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"no runs in {tmp_path}/runs\n", "")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 KiB"),
        (1, "1 KiB"),
        (1025, "2 KiB"),
        (104_857, "103 KiB"),
        (104_858, "0.1 MiB"),
        (2**20, "1.0 MiB"),
    ],
)
def test_sizes_are_never_rounded_to_nothing(size: int, text: str) -> None:
    assert size_text(size) == text


def test_paths_are_as_they_can_be_typed_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    told = [short_path(f"{tmp_path}/{name}") for name in ("work/a.yaml", "b.yaml")]
    assert told == ["a.yaml", "~/b.yaml"]
    assert short_path("/else/where/c.yaml") == "/else/where/c.yaml"
    assert short_path("rel.yaml") == "rel.yaml"


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_what_a_run_finds_wrong_with_its_command_line_is_one_line_on_stderr(
    tmp_path: Path, form: str
) -> None:
    (tmp_path / "one.base.yaml").write_text(ONE)
    (tmp_path / "nodes.json").write_text("[]")
    run = ("--config", "one.base.yaml", "--inventory", "nodes.json", "--no-llm", "--no-qa", "--format", form)
    done = agent(*run, "--state-dir", "state", cwd=tmp_path)
    line = "nodes.json: there is no Node in it; save one with: kubectl get nodes -o json > nodes.json"
    assert done.returncode == 2 and done.stderr.splitlines().count(line) == 1
