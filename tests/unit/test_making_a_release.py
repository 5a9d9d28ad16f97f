"""The wheel holds what a run needs and nothing of the tree or the machine beside it."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools"))

release: Any = importlib.import_module("release")


def packed(path: Path, *names: str, text: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, text)
    return path


def test_what_is_lacking_or_has_no_place_is_named(tmp_path: Path) -> None:
    whole = [f"x-1.{name}" if name.startswith("dist-info") else name for name in release.HOLDS]
    assert release.wrong_with(packed(tmp_path / "a.whl", *whole), ()) == []
    found = release.wrong_with(packed(tmp_path / "b.whl", *whole[1:], "tests/test_a.py"), ())
    assert found == ["modelcar_tui/cli.py is not in it", "tests/test_a.py has no place in it"]
    told = release.wrong_with(
        packed(tmp_path / "c.whl", *whole, text="made in /home/somebody/tree"), ("/home/some",)
    )
    assert told[0] == "modelcar_tui/cli.py names /home/some"


@pytest.mark.skipif(importlib.util.find_spec("hatchling") is None, reason="needs hatchling")
def test_the_wheel_is_whole(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    made = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert release.wrong_with(wheel, (str(ROOT), str(Path.home()) + "/")) == []


def test_all_that_goes_into_the_bill_is_pinned() -> None:
    """The newest version of something would make another bill of the same commit."""
    pinned = {
        release.plain(line.partition("==")[0])
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    todo, seen = ["modelcar-tui"], set()
    while todo:
        name = todo.pop()
        for text in distribution(name).requires or []:
            one = Requirement(text)
            if (one.marker is None or one.marker.evaluate({"extra": ""})) and release.plain(
                one.name
            ) not in seen:
                seen.add(release.plain(one.name))
                todo.append(one.name)
    assert len(seen) > 40
    assert seen <= pinned
