"""Commands without a run keep what they tell of: each path that is told stands there afterwards."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from modelcar_tui.agent import main
from modelcar_tui.supervisor.settings import Settings

MANIFEST = "model-car:\n  - name: granite\n    image: oci://127.0.0.1:1/a/granite-3.1-8b:1\n"


def told_paths(out: str) -> list[Path]:
    """The paths that the checklist ends with."""
    return [Path(path) for path in re.findall(r"^- \[x\] .*: (/\S+)$", out, re.MULTILINE)]


def test_the_report_of_agent_accelerator_stands_where_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    assert main(["accelerator", "--gpu", "L40S:4@2", "--state-dir", str(state)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Cluster: none was asked, this is a what-if: --gpu\nUser: ")
    assert "# modelcar-tui: \n" not in out
    (path,) = told_paths(out)
    assert path == state / "info" / "gpu_info.txt"
    assert path.read_text().startswith("Cluster: none was asked") and "1  L40S" in path.read_text()
    assert path.stat().st_mode & 0o077 == 0 and state.stat().st_mode & 0o077 == 0
    whole = json.loads((state / "info" / "gpu_info.json").read_bytes())
    assert whole["totals"]["cards"] == 8 and [kind["how"] for kind in whole["kinds"]] == ["whole"]
    assert main(["accelerator", "--gpu", "T4:1", "--state-dir", str(state)]) == 0
    assert "Tesla-T4" in path.read_text()


def test_the_requirements_of_agent_configuration_stand_where_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = tmp_path / "x.base.yaml"
    manifest.write_text(MANIFEST)
    assert main(["configuration", "--config", str(manifest), "--state-dir", str(tmp_path / "state")]) == 0
    (path,) = told_paths(capsys.readouterr().out)
    assert path == tmp_path / "state" / "info" / "models_info.json"
    assert list(json.loads(path.read_bytes())) == ["granite"]


def test_by_default_it_is_kept_in_the_users_state_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accelerator", "--gpu", "L40S:4"]) == 0
    (path,) = told_paths(capsys.readouterr().out)
    assert path.parent.parent == Settings(manifest="").runs_folder.parent and path.is_file()


def test_where_nothing_can_be_kept_it_says_so_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert main(["accelerator", "--gpu", "L40S:4", "--state-dir", str(tmp_path / "file" / "x")]) == 0
    out = capsys.readouterr().out
    assert "1  L40S" in out
    assert re.search(
        r"\[!\] Write info/gpu_info.txt: not written: .*; give another folder with --state-dir", out
    )


@pytest.mark.parametrize("name", ["report.txt", "report.json"])
def test_output_keeps_the_report_and_replaces_its_own_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path, state = tmp_path / name, str(tmp_path / "state")
    command = ["accelerator", "--gpu", "L40S:4", "--state-dir", state, "-o", str(path)]
    assert main(command) == 0
    assert capsys.readouterr().out.endswith(f"saved: {path}\n")
    first = path.read_text()
    assert json.loads(first)["totals"]["cards"] == 4 if name.endswith("json") else "1  L40S" in first
    assert main(command) == 0
    path.write_text(first + "a note of the operator's\n")
    capsys.readouterr()
    assert main(command) == 2
    said = capsys.readouterr()
    assert "is no report of ours as it was written and is not replaced unasked" in said.err
    assert not said.out and path.read_text().endswith("a note of the operator's\n")
    assert main([*command, "--force"]) == 0
    assert "copy: " in capsys.readouterr().out
    (copy,) = (tmp_path / "state" / "replaced").iterdir()
    assert copy.read_text().endswith("a note of the operator's\n")


def test_output_into_a_folder_that_is_missing_says_how_to_make_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "info" / "gpu_info.txt"
    assert main(["accelerator", "--gpu", "L40S:4", "-o", str(path)]) == 2
    assert f"there is no such folder; mkdir -p {path.parent}" in capsys.readouterr().err


def test_json_goes_to_stdout_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.txt"
    assert main(["accelerator", "--gpu", "L40S:4", "--format", "json", "-o", str(path)]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)[0]["physical"] == 4
    assert said.err.endswith(f"saved: {path}\n")
