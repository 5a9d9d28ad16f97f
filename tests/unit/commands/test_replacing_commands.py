"""Another hand's file beside the manifest, as both command lines treat it: real processes, real statuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from modelcar_tui.commands import plan
from modelcar_tui.supervisor import Settings

BIN = Path(sys.executable).parent
MINE = "# precious\n"
ONE = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://127.0.0.1:9/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args:
        - --max-model-len=2048
        - --distributed-executor-backend=mp
"""


class Scene:
    """A manifest, another hand's file where the generated one would be, and a state folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = folder / "one.base.yaml"
        self.target = folder / "one.generated.yaml"
        self.state = folder / "state"
        self.manifest.write_text(ONE)
        self.target.write_text(MINE)

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        command, *rest = map(str, words)
        return subprocess.run(
            [BIN / command, *rest],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=100,
            check=False,
        )

    def agent(self, *words: object) -> subprocess.CompletedProcess[str]:
        more = ("--gpu", "L40S:4", "--no-llm", "--state-dir", self.state)
        return self.run("agent", "--config", self.manifest, "--approve", "all", *more, *words)

    def plan(self) -> Path:
        plan = self.folder / "plan.json"
        made = self.run(
            "agent", "plan", self.manifest, "-o", plan, "--gpu", "L40S:4", "--state-dir", self.state
        )
        assert made.returncode == 0, made.stderr
        lines = made.stdout.splitlines()
        assert lines[0] == lines[-1], "the outcome is the first and the last line"
        assert lines[0].startswith("GO"), lines[0]
        return plan

    def apply(self, plan: Path, *words: object) -> subprocess.CompletedProcess[str]:
        return self.run("agent", "apply", plan, "--accept", "all", "--state-dir", self.state, *words)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_run_refuses_with_status_2_and_one_line_and_writes_nothing(scene: Scene) -> None:
    done = scene.agent("--patch")
    assert done.returncode == 2
    (line,) = (line for line in done.stderr.splitlines() if str(scene.target) in line)
    assert "written " in line and "lines differ (+" in line and "--force replaces it and keeps a copy" in line
    assert f"Nothing was written: {scene.target}: " in done.stdout
    assert scene.target.read_text() == MINE
    assert sorted(path.name for path in scene.folder.iterdir()) == [
        "one.base.yaml",
        "one.generated.yaml",
        "state",
    ]


def test_a_run_replaces_by_force_and_says_where_the_copy_is(scene: Scene) -> None:
    done = scene.agent("--force", "--format", "json")
    assert done.returncode == 0, done.stderr
    (replaced,) = json.loads(done.stdout)["run"]["written"]["replaced"]
    copy = Path(replaced["copy"])
    assert copy.read_text() == MINE and copy.parent.name == "replaced" and copy.parents[2].name == "runs"
    assert "executor-backend" not in scene.target.read_text()
    assert scene.agent().returncode == 0, "the very bytes of the run before"
    scene.target.write_text(MINE)
    again = scene.agent()
    assert again.returncode == 2 and f"changed since run {copy.parents[1].name} wrote it" in again.stderr


@pytest.mark.parametrize("kind", ["read-only", "link"])
def test_a_run_refuses_a_read_only_file_and_a_link(scene: Scene, kind: str) -> None:
    if kind == "link":
        scene.target.rename(scene.folder / "other.yaml")
        scene.target.symlink_to("other.yaml")
    else:
        scene.target.chmod(0o444)
    done = scene.agent()
    assert done.returncode == 2
    assert ("a link to other.yaml" if kind == "link" else "read-only") in done.stderr
    assert scene.target.read_text() == MINE and scene.target.is_symlink() is (kind == "link")


def test_the_dashboards_command_takes_force_without_a_screen_too(scene: Scene) -> None:
    more = ("--gpu", "L40S:4", "--no-llm", "--state-dir", scene.state)
    shown = scene.run("modelcar-tui", scene.manifest, "--headless", "--force", *more)
    assert shown.returncode == 0, "it only shows: nothing is approved"
    assert scene.target.read_text() == MINE


def test_a_saved_plan_is_applied_over_another_hands_file_only_by_force(scene: Scene) -> None:
    plan = scene.plan()
    refused = scene.apply(plan)
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert line.startswith(
        f"{scene.target}: this file is there already and is not replaced unasked (written "
    )
    assert scene.target.read_text() == MINE
    for number in (1, 2):
        scene.target.write_text(MINE * number)
        done = scene.apply(plan, "--force")
        assert done.returncode == 0, done.stderr
        copy = Path(done.stdout.rpartition("; copy: ")[2].strip())
        assert copy.parent == scene.state / "replaced" and "-one.generated.yaml" in copy.name
        assert copy.read_text() == MINE * number and copy.stat().st_mode & 0o777 == 0o600
    assert len(list((scene.state / "replaced").iterdir())) == 2
    again = scene.apply(plan)
    assert again.returncode == 0 and "copy: " not in again.stdout, "the very bytes need no question"


def test_a_plan_is_not_saved_over_a_manifest_or_another_hands_file(scene: Scene) -> None:
    more = ("--gpu", "L40S:4", "--state-dir", scene.state)
    for output in (scene.manifest, scene.target):
        done = scene.run("agent", "plan", scene.manifest, "-o", output, *more)
        assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert scene.manifest.read_text() == ONE and scene.target.read_text() == MINE
    assert not scene.state.exists(), "it is said before the run"
    done = scene.run("agent", "plan", scene.manifest, "-o", scene.target, "--force", *more)
    assert done.returncode == 0, done.stderr
    (copy,) = (scene.state / "replaced").iterdir()
    assert copy.read_text() == MINE and str(copy) in done.stdout


@pytest.mark.parametrize("accept", ["all", "none"])
def test_nothing_of_a_plan_without_changes_is_rejected(
    accept: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(plan, "load_plan", lambda _: SimpleNamespace(changes=()))
    assert plan.apply_plan(tmp_path / "plan.json", accept, Settings(manifest="")) == 0
    assert capsys.readouterr().out == "the plan has no changes, nothing written\n"
