"""Whole runs of the demo by the command itself, without a language model.

What no two runs share is levelled: times, ports, folders, ids, and how often the growing log was looked at.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from same_places import ROOT
from same_text import Item, Named, item

RUNS: dict[str, tuple[str, ...]] = {
    "as it is": ("--no-qa",),
    "accepted, with QA": ("--approve", "all"),
    "on one T4 with 0.11.2": ("--no-qa", "--gpu", "T4:1", "--vllm", "0.11.2"),
    "on H100 with 0.33.0": ("--no-qa", "--gpu", "H100-80GB-HBM3:8@2", "--vllm", "0.33.0"),
    "for context on L40S": ("--no-qa", "--gpu", "L40S:2", "--objective", "context"),
    "one model": ("--no-qa", "--config", "single_modelcar_config.yaml"),
}
_TIMES = frozenset({"at", "nodes_at", "now", "started", "finished", "began", "ended", "seconds"})
_OTHER_NUMBERS = frozenset({"phase_since", "model_since", "seq", "asks_since"})
"""More times, and the number of events: one more for each look at the growing log."""
_CHANCE = frozenset({"run_id", "request_id", "plan_digest", "digest", "request"})
_PORT = re.compile(r"(127\.0\.0\.1|localhost):\d+")
_RUN = re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{6}\b")
_KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")
"""Of the environment: no setting of the machine reaches a run."""


def demos() -> Iterator[Named]:
    """The folded state of each run, as `--format json` tells it."""
    for name, options in RUNS.items():
        yield name, partial(_demo, options)


def _demo(options: tuple[str, ...]) -> Item:
    with tempfile.TemporaryDirectory(prefix="same-") as folder:
        given = [_copied(option, Path(folder)) for option in options]
        argv = [sys.executable, "-m", "modelcar_tui.agent", "--demo", "--no-llm", "--format", "json", *given]
        done = subprocess.run(
            [*argv, "--state-dir", f"{folder}/state"],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if not done.stdout:
            raise RuntimeError(
                f"the demo said nothing, and ended with {done.returncode}: {done.stderr[-2000:]}"
            )
        document = json.loads(done.stdout)
        del document["tool"], document["run"]["version"]  # the product's own, which a release changes
        told = _level({"status": done.returncode, "told": document}, os.path.realpath(folder))
    return item(told, f"{done.returncode} {document['outcome']['word']} {document['summary'][:120]}")


def _environment(folder: str) -> dict[str, str]:
    own = {name: os.environ[name] for name in _KEPT if name in os.environ}
    places = {f"XDG_{kind}_HOME": f"{folder}/{kind}" for kind in ("STATE", "CACHE", "CONFIG", "DATA")}
    return {**own, **places, "HOME": folder, "TZ": "UTC", "PYTHONPATH": str(ROOT / "src")}


def _copied(option: str, folder: Path) -> str:
    """A sample is copied first: a run writes beside its manifest."""
    if not option.endswith(".yaml"):
        return option
    return str(shutil.copy(ROOT / "config-yaml" / option, folder / option))


def _level(value: Any, folder: str, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _level(inner, folder, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_level(inner, folder, key) for inner in value]
    if isinstance(value, str):
        if key in _CHANCE:
            return key if value else ""
        return _RUN.sub("RUN", _PORT.sub(r"\1:PORT", value.replace(folder, "FOLDER")))
    if key == "waited":
        return "levelled"  # a question that is answered at once may take no time at all
    if key in _TIMES | _OTHER_NUMBERS and isinstance(value, int | float) and value:
        return "levelled"
    return value
