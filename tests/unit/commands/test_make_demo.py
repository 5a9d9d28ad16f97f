"""`make demo`, with a program in the product's place that ends as it is told, with a terminal and without."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from modelcar_tui.core.exit_codes import ExitStatus

ROOT = Path(__file__).resolve().parents[3]
LOOKED = {
    ExitStatus.GO,
    ExitStatus.NO_GO,
    ExitStatus.QA_FAILED,
    ExitStatus.REJECTED,
    ExitStatus.UNKNOWN,
    ExitStatus.INTERRUPTED,
}
"""Statuses of a look that was finished."""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def make(tmp_path: Path) -> list[str]:
    folder = tmp_path / "venv" / "bin"
    folder.mkdir(parents=True)
    for name in ("python", "modelcar-tui"):
        program = folder / name
        program.write_text('#!/bin/sh\n[ "$*" = --demo ] && echo looked && exit "$STATUS"\nexit 99\n')
        program.chmod(0o755)
        os.utime(program, (time.time() + 60,) * 2)  # newer than what it is made of: nothing is installed
    return ["make", "--no-print-directory", "-C", str(ROOT), "demo", f"VENV={tmp_path / 'venv'}"]


@pytest.mark.parametrize("status", [*ExitStatus, 126, 127, 99])
def test_only_a_real_fault_is_an_error_of_make(make: list[str], status: int) -> None:
    done = subprocess.run(
        make, env={**os.environ, "STATUS": str(int(status))}, capture_output=True, text=True, check=False
    )
    assert done.stdout == "looked\n"
    good = status in LOOKED
    assert (done.returncode == 0) == good
    assert ("Error" in done.stderr) != good, done.stderr


@pytest.mark.parametrize(("status", "good"), [(130, True), (1, True), (7, False)])
def test_on_a_terminal_it_is_the_same(make: list[str], status: int, good: bool) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        make, env={**os.environ, "STATUS": str(status)}, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 1024):
                shown += data
        except OSError:  # the other side is closed
            pass
        assert (process.wait(60) == 0) == good
    os.close(ours)
    assert b"looked" in shown and (b"Error" in shown) != good
