"""The rooms below the supervisor are a library: what a program that embeds them loads."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("textual", "langgraph", "langchain_core", "google", "kubernetes", "pydantic", "httpx", "aiohttp")
CODE = """
import json, pkgutil, importlib, sys
room = importlib.import_module("modelcar_tui." + sys.argv[1])
for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
    importlib.import_module(module.name)
print(json.dumps([name for name in sys.argv[2:] if name in sys.modules]))
"""


def loaded(room: str) -> list[str]:
    line = [sys.executable, "-c", CODE, room, *HEAVY]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("room", ["hardware", "models", "vllm", "memory", "manifest", "advice", "verdict"])
def test_a_verdict_is_had_without_a_screen_a_graph_or_a_client(room: str) -> None:
    assert loaded(room) == []


def test_the_dashboard_shows_its_first_frame_without_the_engine() -> None:
    code = "import modelcar_tui.tui.app, sys; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = [name for name in HEAVY if name != "textual"]
    line = [sys.executable, "-c", code, *heavy]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
