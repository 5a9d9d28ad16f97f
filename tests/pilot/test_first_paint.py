"""The screen must not wait for what only the engine needs."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("langgraph", "langchain_core", "google", "kubernetes", "pydantic", "httpx", "yaml", "langsmith")


def test_importing_the_screen_loads_nothing_heavy() -> None:
    code = (
        "import sys, modelcar_tui.tui.app, modelcar_tui.tui.port;"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""
