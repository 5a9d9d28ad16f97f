"""A slice of `make soak`: keys, refreshes and lines leave
memory, descriptors and threads flat."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(300)
def test_a_run_keeps_nothing_of_what_has_passed() -> None:
    command = [sys.executable, str(ROOT / "tools" / "soak"), "--slice"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "0 not held" in found.stdout
