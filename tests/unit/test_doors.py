"""A room's door: its `__all__`, each name read from its file when it is asked for and not before."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import modelcar_tui

SOURCE = Path(modelcar_tui.__file__).parent
ROOT = Path(__file__).parent.parent.parent
_ASKS = re.compile(r"^\s*from (modelcar_tui[\w.]*) import (\w+(?:, \w+)*)$", re.MULTILINE)
DOORS = sorted(
    ".".join(path.parent.relative_to(SOURCE).parts)
    for path in SOURCE.glob("*/**/__init__.py")
    if "__all__" in path.read_text()
)


def test_there_are_doors() -> None:
    assert {"advice", "advice.lint", "hardware", "image", "memory", "report", "tui"} <= set(DOORS)


@pytest.mark.parametrize("room", DOORS)
def test_each_name_is_found_and_no_module_is_called_like_it(room: str) -> None:
    found = importlib.import_module(f"modelcar_tui.{room}")
    assert len(set(found.__all__)) == len(found.__all__)
    for name in found.__all__:
        assert getattr(found, name) is not None
        # The import of such a module would take the name's place.
        assert not (SOURCE.joinpath(*room.split(".")) / f"{name}.py").exists()
    with pytest.raises(AttributeError, match="no attribute 'nonesuch'"):
        _ = found.nonesuch


def test_a_door_reads_nothing_before_it_is_asked() -> None:
    code = "import importlib, json, sys\nfor room in sys.argv[1:]:\n    importlib.import_module(room)\n"
    code += "print(json.dumps([name for name in sys.modules if name.startswith('modelcar_tui.')]))"
    rooms = [f"modelcar_tui.{room}" for room in DOORS]
    done = subprocess.run([sys.executable, "-c", code, *rooms], capture_output=True, text=True, check=True)
    core = {"modelcar_tui.core", "modelcar_tui.core.door", "modelcar_tui.core.version"}
    assert set(json.loads(done.stdout)) - set(rooms) <= core


@pytest.mark.parametrize("path", ["README.md", "benchmarks/inventory.py"])
def test_a_program_that_is_kept_as_text_asks_for_what_is_there(path: str) -> None:
    """mypy reads none of them: the example, and what a benchmark has its children do."""
    asked = [
        (module, name)
        for module, names in _ASKS.findall((ROOT / path).read_text())
        for name in names.split(", ")
    ]
    assert asked
    for module, name in asked:
        assert getattr(importlib.import_module(module), name) is not None
