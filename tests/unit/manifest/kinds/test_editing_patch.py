"""The patch of a change, taken by the programs that it is for."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from modelcar_tui.manifest.apply import apply_changes
from modelcar_tui.manifest.diff import unified_patch
from modelcar_tui.manifest.plan import Change, Operation, Plan

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - name: vllm
    image: vllm/vllm-openai:v0.11.0
    args: [--model=m, --seed=1]"""


@pytest.mark.parametrize("command", [("git", "apply", "-p0"), ("patch", "--binary", "-p0")], ids=" ".join)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("last", ["", "\n"], ids=["open end", "line end"])
def test_a_patch_makes_the_base_what_is_generated(
    tmp_path: Path, command: tuple[str, ...], end: str, last: str
) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    base = (POD + last).replace("\n", end).encode()
    change = Change(
        id="p/--seed",
        model="p",
        operation=Operation.SET,
        flag="--seed",
        old="--seed=1",
        new="--seed=2",
        reason="r",
    )
    plan = Plan(
        base="p.yaml",
        base_sha256=hashlib.sha256(base).hexdigest(),
        target="p.generated.yaml",
        changes=(change,),
    )
    generated = apply_changes(base, plan)
    assert b"--seed=2" in generated
    (tmp_path / "p.yaml").write_bytes(base)
    (tmp_path / "p.generated.yaml").write_bytes(generated)
    done = subprocess.run(
        command,
        input=unified_patch(base, plan).encode(),
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=30,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "p.yaml").read_bytes() == generated
