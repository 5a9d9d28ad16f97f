"""What is judged where it is no file: kept privately, read once, and told clearly where it can't be."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelcar_tui.agent import main
from modelcar_tui.cluster import ServingObjects
from modelcar_tui.commands.inputs import cluster_text
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.manifest.source import MAX_BYTES
from modelcar_tui.supervisor import MOST_BYTES, Settings, keep_input

SECRET = "hunter2-hunter2-hunter2"
LIST = b"""\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://127.0.0.1:9/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments: {gpu_count: 1, args: [--max-modell-len=2048]}
"""


def pipe(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(data))
    monkeypatch.setattr(sys, "stdin", stdin)


def private(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_the_limit_is_that_of_a_file() -> None:
    assert MOST_BYTES == MAX_BYTES


def test_the_same_bytes_are_one_private_file(tmp_path: Path) -> None:
    settings = Settings(manifest="", state_dir=str(tmp_path / "state"))
    before = os.umask(0)
    try:
        path = keep_input(settings, LIST, "stdin.yaml")
    finally:
        os.umask(before)
    assert path.read_bytes() == LIST
    assert private(path) and private(path.parent) and private(path.parent.parent)
    assert keep_input(settings, LIST, "stdin.yaml") == path
    assert keep_input(settings, LIST + b"#", "stdin.yaml") != path


def test_what_was_edited_since_is_left_alone(tmp_path: Path) -> None:
    settings = Settings(manifest="", state_dir=str(tmp_path / "state"))
    path = keep_input(settings, LIST, "stdin.yaml")
    path.write_bytes(b"mine")
    again = keep_input(settings, LIST, "stdin.yaml")
    assert again != path and again.read_bytes() == LIST and path.read_bytes() == b"mine"
    assert keep_input(settings, LIST, "stdin.yaml") == again


def test_a_state_folder_that_can_t_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(UserError, match="--state-dir"):
        keep_input(Settings(manifest="", state_dir=str(tmp_path / "state")), LIST, "stdin.yaml")


@pytest.mark.parametrize(
    ("data", "told"),
    [(b"", "is empty"), (b" \n", "is empty"), (b"a" * (MOST_BYTES + 1), "larger than 10 MiB")],
)
def test_standard_input_that_is_no_manifest_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data: bytes, told: str
) -> None:
    pipe(monkeypatch, data)
    assert main(["plan", "-"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("standard input: ") and told in line


def test_standard_input_that_is_a_terminal_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe(monkeypatch, b"")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert main(["--config", "-"]) == 2
    assert "is a terminal" in capsys.readouterr().err


def test_lint_reads_standard_input_and_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("MODELCAR_TUI_STATE_DIR", str(tmp_path / "state"))
    pipe(monkeypatch, LIST)
    assert main(["lint", "-"]) == 2
    assert "stdin.yaml:4:46: flag-unknown error" in capsys.readouterr().out
    assert not (tmp_path / "state").exists()


def test_lint_without_anything_says_what_to_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint"]) == 2
    assert "--serve-line LINE" in capsys.readouterr().err


def test_a_plan_without_anything_says_what_to_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan"]) == 2
    assert "agent plan: there is nothing to judge; give FILE" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--serve-line", "vllm serve m"], ["--from-cluster", "prod"]])
def test_one_thing_is_judged_at_a_time(capsys: pytest.CaptureFixture[str], more: list[str]) -> None:
    assert main(["plan", "FILE", *more]) == 2
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["", "a/b/c/d", "prod/", "/chat", "Prod", "prod/isvc/Chat", "../x"])
def test_a_place_on_the_cluster_has_a_form(capsys: pytest.CaptureFixture[str], value: str) -> None:
    assert main(["plan", f"--from-cluster={value}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--from-cluster" in line


def test_a_secret_of_a_line_is_not_repeated_where_the_command_is_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["plan", "--serve-line", f"vllm serve m --api-key {SECRET}", f"--no-such={SECRET}"]) == 2
    assert main(["plan", f"{SECRET}", "--serve-line", f"vllm serve m --api-key={SECRET}"]) == 2
    assert SECRET not in capsys.readouterr().err


def test_a_piped_manifest_is_a_run_that_can_be_gone_on_with(tmp_path: Path) -> None:
    state = tmp_path / "state"
    command = [sys.executable, "-m", "modelcar_tui.agent", "--config", "-", "--gpu", "L40S:4", "--no-qa"]
    done = subprocess.run([*command, "--state-dir", str(state)], input=LIST, capture_output=True, check=False)
    (kept,) = (state / "inputs").glob("*/stdin.yaml")
    assert f"# modelcar-tui: {kept}" in done.stdout.decode()
    assert kept.read_bytes() == LIST and private(kept)
    (run,) = (state / "runs").iterdir()
    assert str(kept) in (run / "settings.json").read_text()


def objects(*found: dict[str, Any]) -> ServingObjects:
    problem = Problem(where="deployments.apps", what="you may not", fix="oc auth can-i list deployments")
    return ServingObjects(namespace="prod", objects=found, unread=(problem,))


def test_objects_of_a_cluster_are_one_file_that_is_the_same_again() -> None:
    shared = {"name": "a", "script": "set -e\nvllm serve m\n", "odd": "\x1b[2J", "no": "no", "n": "1"}
    found = objects({"kind": "A", "spec": shared}, {"kind": "B", "spec": shared})
    text = cluster_text(found)
    assert text == cluster_text(found)
    assert list(yaml.safe_load_all(text)) == list(found.objects)
    assert "script: |\n" in text and "&id" not in text and "\x1b" not in text
    assert text.splitlines()[:3] == [
        "# read from namespace prod of the cluster; status and the like are left out",
        "# not read: deployments.apps: you may not; oc auth can-i list deployments",
        "---",
    ]
